// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

const nodeHeight = 26; // as in the style
let levels = 1; // how far the picture goes is kept from module to module

// Imports is the picture of a module among those that import from it, on the left, and
// those from which it imports, on the right.
class Imports {
  constructor(link, module, choose) {
    this.link = link;
    this.module = module;
    this.choose = choose;
    this.room = { importers: 12, imports: 12 };
    this.causes = new Set(Array.from(link.why.of(module)).map((clause) => link.clauses.about[clause]).filter((about) => about >= 0));
    this.graph = element("div", { class: "graph", role: "group", "aria-label": "Modules that import from it, and modules that it imports from" });
    this.element = this.make();
    this.draw();
  }

  make() {
    const { link, module } = this;
    if (!link.imports.count(module) && !link.importers.count(module)) return element("p", { class: "muted" }, "It imports from no module, and no module imports from it.");
    return element("div", { class: "imports" },
      element("div", { class: "toolbar" }, element("h4", {}, "Imports"),
        choices("How far", [{ key: 1, label: "1 level" }, { key: 2, label: "2 levels" }], levels, (key) => { levels = key; this.draw(); }),
        this.causes.size > 0 && element("span", { class: "legend" }, element("span", {}, element("i", { class: "swatch cause", "aria-hidden": "true" }), "has to do with why it was compiled"))),
      this.graph);
  }

  draw() {
    const { link, module } = this;
    const left = this.near(link.importers, "importers");
    const right = this.near(link.imports, "imports");
    this.columns = [
      { title: "Imported by", nodes: left.nodes, more: left.more, key: "importers" },
      { title: "Module", nodes: [module], more: 0 },
      { title: "Imports from", nodes: right.nodes, more: right.more, key: "imports" },
    ];
    if (levels === 2) {
      this.columns.unshift({ title: "Further importers", ...this.far(link.importers, left.nodes) });
      this.columns.push({ title: "Further imports", ...this.far(link.imports, right.nodes) });
    }
    this.place();
  }

  // near are the first so many modules next to it: those that have to do with why it was
  // compiled, then those that were compiled, then the most costly.
  near(lists, key) {
    const all = Array.from(lists.of(this.module)).filter((m) => m !== this.module);
    const weight = (m) => (this.causes.has(m) ? 4e15 : 0) + (this.link.outcome(m).ran ? 2e15 : 0) + this.link.durations[m];
    all.sort((a, b) => weight(b) - weight(a) || a - b);
    const shown = all.length <= this.room[key] + 3 ? all.length : this.room[key];
    return { nodes: all.slice(0, shown), more: all.length - shown };
  }

  // far are modules next to those, the ones with most ways to them first.
  far(lists, nodes) {
    const near = new Set([...nodes, this.module]);
    const ways = new Map();
    for (const node of nodes) for (const m of lists.of(node)) if (!near.has(m)) ways.set(m, (ways.get(m) || 0) + 1);
    const all = [...ways.keys()].sort((a, b) => ways.get(b) - ways.get(a) || this.link.durations[b] - this.link.durations[a]);
    const shown = Math.min(all.length, Math.max(12, nodes.length));
    return { nodes: all.slice(0, shown), more: all.length - shown, fixed: true };
  }

  // place puts the columns beside each other, each in the middle of the height, and draws
  // the ways between them.
  place() {
    const rows = (column) => column.nodes.length + (column.more ? 1 : 0);
    const height = largest(this.columns.map(rows), 1) * nodeHeight;
    for (const column of this.columns) column.top = (height - rows(column) * nodeHeight) / 2;
    const made = this.columns.map((column) => this.column(column, height));
    const between = made.flatMap((column, i) => (i + 1 < made.length ? [column, this.ways(i, height)] : [column]));
    this.graph.style.setProperty("--graph-width", made.length === 5 ? "none" : "76rem");
    this.graph.style.setProperty("--graph", made.length === 5
      ? "minmax(0, 1fr) 3rem minmax(0, 1fr) 3rem minmax(0, 1fr) 3rem minmax(0, 1fr) 3rem minmax(0, 1fr)" : "minmax(0, 1fr) 6rem minmax(0, 1fr) 6rem minmax(0, 1fr)");
    refill(this.graph, between);
  }

  column(column, height) {
    const total = column.nodes.length + column.more;
    return element("div", { class: "column" + (total ? "" : " empty") },
      element("h5", {}, column.title, column.title !== "Module" && [" ", element("b", {}, count(total))]),
      element("ul", { style: { height: height + "px", "padding-top": column.top + "px" } },
        column.nodes.map((m) => element("li", {}, this.node(m))),
        column.more > 0 && element("li", {}, column.fixed ? element("span", { class: "muted node" }, "and " + count(column.more) + " more")
          : element("button", { type: "button", class: "node text more", onclick: () => this.enlarge(column.key) }, "Show " + (column.more > 4 * this.room[column.key] ? count(4 * this.room[column.key]) + " of " : "") + count(column.more) + " more"))));
  }

  enlarge(key) {
    this.room[key] *= 5;
    this.draw();
  }

  node(m) {
    const { link } = this;
    const outcome = link.outcome(m);
    const title = link.names[m] + "\n" + outcome.label + (link.durations[m] ? ", " + took(link.durations[m]) : "");
    return element("button", { type: "button", title, class: "node" + (m === this.module ? " self" : "") + (this.causes.has(m) ? " cause" : ""),
      "aria-label": link.names[m] + ", " + outcome.label, "aria-current": m === this.module ? "true" : null, onclick: () => this.choose(m) },
    swatch(outcome), element("bdi", {}, link.nameParts(m).file));
  }

  // ways draws what leads from column i to the next.
  ways(i, height) {
    const from = this.columns[i];
    const to = this.columns[i + 1];
    const places = new Map(to.nodes.map((m, at) => [m, at]));
    const y = (column, at) => column.top + (at + 0.5) * nodeHeight;
    const made = [];
    from.nodes.forEach((m, at) => {
      for (const next of this.link.imports.of(m)) {
        const place = places.get(next);
        if (place === undefined) continue;
        const cause = (m === this.module && this.causes.has(next)) || undefined;
        const y0 = y(from, at);
        const y1 = y(to, place);
        made.push(drawing("path", { d: "M0," + y0 + " C50," + y0 + " 50," + y1 + " 100," + y1, class: cause ? "cause" : null }));
      }
    });
    return drawing("svg", { class: "ways", viewBox: "0 0 100 " + height, preserveAspectRatio: "none", style: { height: height + "px" }, "aria-hidden": "true" }, made);
  }
}
