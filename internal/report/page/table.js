// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

const rowHeight = 28; // as in the style

let tablesMade = 0;

// Table is a sortable table of any number of rows, of which only those that are to be
// seen have elements. A row is a number. Columns are
// {key, title, hint, width, from, right, cell(row), order(row) → number or string}: from is
// how wide the table has to be for the column to be shown, narrow its width where there is little.
class Table {
  constructor({ label, columns, sort, descending, height, choose, empty }) {
    Object.assign(this, { label, columns, sort, descending, choose, empty });
    this.id = "table" + ++tablesMade;
    this.height = height || 420;
    this.rows = [];
    this.active = 0;
    this.chosen = -1;
    this.head = element("div", { class: "row head", role: "row", "aria-rowindex": "1" });
    this.body = element("div", { class: "rows", role: "rowgroup" });
    this.element = element("div", { class: "table", role: "grid", tabindex: "0", "aria-label": label, "aria-multiselectable": "false",
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event), onclick: (event) => this.click(event) },
    this.head, this.body);
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  // show shows rows, in the order that is chosen.
  show(rows) {
    this.rows = Array.from(rows);
    this.element.setAttribute("aria-rowcount", this.rows.length + 1);
    this.body.style.height = Math.max(1, this.rows.length) * rowHeight + "px";
    this.element.style.height = Math.min(this.height, (Math.max(1, this.rows.length) + 1) * rowHeight + 14) + "px";
    this.order();
  }

  order() {
    const column = this.columns.find((column) => column.key === this.sort);
    const sign = this.descending ? -1 : 1;
    const keys = new Map();
    for (const row of this.rows) keys.set(row, column.order(row));
    this.rows.sort((a, b) => {
      const ka = keys.get(a);
      const kb = keys.get(b);
      return ka < kb ? -sign : ka > kb ? sign : a - b;
    });
    this.active = Math.max(0, this.rows.indexOf(this.chosen));
    this.element.scrollTop = Math.max(0, (this.active - 3) * rowHeight);
    this.drawn = "";
    this.drawHead();
    this.draw();
  }

  resize() {
    const width = this.element.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    const shown = this.columns.filter((column) => width >= (column.from || 0));
    this.element.style.setProperty("--columns", shown.map((column) => (width < 560 && column.narrow) || column.width).join(" "));
    this.shown = shown;
    this.drawn = "";
    this.drawHead();
    this.draw();
  }

  drawHead() {
    if (!this.shown) return;
    const focused = this.head.contains(document.activeElement) && document.activeElement.dataset.key;
    refill(this.head, this.shown.map((column) => {
      const sorted = column.key === this.sort;
      return element("div", { role: "columnheader", class: column.right ? "right" : null,
        "aria-sort": sorted ? (this.descending ? "descending" : "ascending") : "none" },
      element("button", { type: "button", "data-key": column.key, title: column.hint, onclick: () => this.sortBy(column) },
        column.title, element("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (this.descending ? "\u2193" : "\u2191") : "")));
    }));
    if (focused) this.head.querySelector('[data-key="' + focused + '"]')?.focus();
  }

  sortBy(column) {
    // Numbers are wanted largest first, words from A.
    this.descending = column.key === this.sort ? !this.descending : Boolean(column.right);
    this.sort = column.key;
    this.order();
    say(this.label + ": sorted by " + column.title + (this.descending ? ", descending" : ", ascending"));
  }

  draw() {
    if (!this.shown) return;
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - 4);
    const last = Math.min(this.rows.length, first + Math.ceil(this.height / rowHeight) + 8);
    const state = [first, last, this.active, this.chosen].join();
    if (state === this.drawn) return;
    this.drawn = state;
    const made = [];
    for (let at = first; at < last; at++) made.push(this.row(at));
    if (!this.rows.length) made.push(element("div", { class: "row none", role: "row" }, element("div", { role: "gridcell" }, this.empty || "Nothing")));
    refill(this.body, made);
    const active = this.rows.length ? this.id + "-" + this.active : null;
    if (active) this.element.setAttribute("aria-activedescendant", active);
    else this.element.removeAttribute("aria-activedescendant");
  }

  row(at) {
    const row = this.rows[at];
    return element("div", { role: "row", id: this.id + "-" + at, "data-at": at, "aria-rowindex": at + 2,
      "aria-selected": String(row === this.chosen),
      class: "row" + (at === this.active ? " active" : "") + (row === this.chosen ? " chosen" : "") + (at % 2 ? " odd" : ""),
      style: { top: at * rowHeight + "px" } },
    this.shown.map((column) => element("div", { role: "gridcell", class: column.right ? "right" : null }, column.cell(row))));
  }

  click(event) {
    const row = event.target.closest(".row[data-at]");
    if (!row) return;
    this.active = Number(row.dataset.at);
    this.choose(this.rows[this.active]);
  }

  key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / rowHeight) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) this.move(moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && this.rows.length) this.choose(this.rows[this.active]);
    else return;
    event.preventDefault();
  }

  move(by) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, this.active + by));
    this.reveal(this.active);
    this.draw();
  }

  // reveal scrolls to a row, under the head.
  reveal(at) {
    const top = at * rowHeight;
    const room = this.element.clientHeight - 2 * rowHeight;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top > this.element.scrollTop + room) this.element.scrollTop = top - room;
  }

  // mark shows which row is the chosen one, wherever it was chosen.
  mark(row) {
    this.chosen = row;
    const at = this.rows.indexOf(row);
    if (at >= 0) {
      this.active = at;
      this.reveal(at);
    }
    this.draw();
  }
}
