// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Modules is the table of all modules, with a search and filters.
class Modules {
  constructor(link, reasons, choose) {
    this.link = link;
    this.reasons = reasons;
    this.words = [];
    this.outcome = "all";
    this.reason = null;
    this.digits = digitsFor(largest(link.durations));
    this.longest = largest(link.durations, 1);
    this.table = new Table({ label: "Modules", columns: this.columns(), sort: "time", descending: true, choose, empty: "No module is like that." });
    this.details = element("div", { id: "module" });
    this.make();
  }

  make() {
    this.search = element("input", { type: "search", id: "search", placeholder: "Find modules by name", "aria-label": "Find modules by name, or parts of it",
      autocomplete: "off", spellcheck: "false", oninput: () => this.searchLater(), onkeydown: (event) => this.searchKey(event) });
    this.filters = choices("Outcome", this.outcomeChoices(), this.outcome, (key) => { this.outcome = key; this.update(); });
    this.pill = element("span", {});
    this.told = element("p", { class: "told right", "aria-live": "polite" });
    this.element = section("modules", "Modules", "What each module cost, and what became of it. Choose one to see why, and what it imports.",
      element("div", { class: "toolbar" }, element("label", { class: "search" }, this.search, element("kbd", { "aria-hidden": "true" }, "/")), this.filters, this.pill, this.told),
      this.table.element, this.details);
    this.update();
  }

  outcomeChoices() {
    const { link } = this;
    const ran = outcomes.filter((outcome) => link.counts[outcome.number]);
    const all = { key: "all", label: "All", count: link.size };
    return ran.length < 2 ? [all] : [all, ...ran.map((outcome) => ({ key: outcome.key, label: outcome.label, count: link.counts[outcome.number], outcome }))];
  }

  columns() {
    const { link } = this;
    const known = (list) => list.some((value) => value > 0);
    return [
      { key: "name", title: "Module", width: "minmax(9rem, 5fr)", order: (m) => link.names[m], cell: (m) => moduleName(link, m) },
      { key: "outcome", title: "Outcome", width: "11.5rem", from: 560, order: (m) => link.outcomes[m],
        cell: (m) => [swatch(link.outcome(m)), link.outcome(m).label] },
      this.reasons.some && { key: "why", title: "Why", width: "9.5rem", from: 1000, order: (m) => (this.reasons.group[m] < 0 ? 99 : this.reasons.group[m]),
        hint: "The weightiest reason why it was compiled", cell: (m) => element("span", { title: this.reasons.of(m)?.label }, this.reasons.of(m)?.short) },
      { key: "time", title: "Time, s", width: "8.5rem", narrow: "4.5rem", right: true, hint: "What compiling it took. Of cached modules, in brackets: when it was done last. Those cost nothing now, and come after the others.",
        order: (m) => this.timeOrder(m), cell: (m) => this.timeCell(m) },
      { key: "imports", title: "Imports", width: "4.4rem", from: 720, right: true, hint: "From how many modules it imports", order: (m) => link.imports.count(m), cell: (m) => count(link.imports.count(m)) },
      { key: "importers", title: "Importers", width: "5rem", from: 820, right: true, hint: "How many modules import from it: those that are compiled again when it changes", order: (m) => link.importers.count(m), cell: (m) => count(link.importers.count(m)) },
      known(link.bitcode || []) && { key: "bitcode", title: "Bitcode, kB", width: "5.6rem", from: 1240, right: true, hint: "Size of the module", order: (m) => link.bitcode[m], cell: (m) => kilobytes(link.bitcode[m]) },
      known(link.objects || []) && { key: "object", title: "Object, kB", width: "5.4rem", from: 940, right: true, hint: "Size of its object", order: (m) => link.objects[m], cell: (m) => kilobytes(link.objects[m]) },
      known(link.runs.memory) && { key: "memory", title: "Memory, MB", width: "6rem", from: 1360, right: true, hint: "The compiler's largest resident set", order: (m) => this.memory(m),
        cell: (m) => (this.memory(m) ? count(Math.round(this.memory(m) / 1e6)) : "") },
    ].filter(Boolean);
  }

  // timeOrder puts what ran in this link before what did not.
  timeOrder(m) { return this.link.durations[m] + (this.link.outcome(m).ran ? 1e12 : 0); }

  memory(m) { return this.link.runOf[m] >= 0 ? this.link.runs.memory[this.link.runOf[m]] : 0; }

  timeCell(m) {
    const { link } = this;
    const outcome = link.outcome(m);
    const text = seconds(link.durations[m], this.digits);
    if (!outcome.ran) return link.durations[m] ? element("span", { class: "muted" }, "(" + text + ")") : "";
    return [meter([{ value: link.durations[m], colour: outcome.colour }], this.longest), element("span", { class: "value" }, text)];
  }

  searchLater() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.update();
    }, 80);
  }

  searchKey(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") this.table.element.focus();
    else if (event.key === "Escape" && this.search.value === "") this.search.blur();
    else return;
    event.preventDefault();
  }

  // showOutcome and showReason show the modules that have one, and go there.
  showOutcome(key) {
    this.outcome = key;
    this.reason = null;
    this.filters.press(key);
    this.go();
  }

  showReason(key) {
    this.outcome = "all";
    this.reason = key;
    this.filters.press("all");
    this.go();
  }

  go() {
    this.search.value = "";
    this.words = [];
    this.update();
    this.element.scrollIntoView();
    this.table.element.focus({ preventScroll: true });
  }

  update() {
    const { link } = this;
    const outcome = outcomes.find((outcome) => outcome.key === this.outcome);
    const rank = this.reason === null ? -1 : groupRanks[this.reason];
    this.lower ||= this.words.length ? link.names.map((name) => name.toLowerCase()) : null;
    const rows = [];
    let time = 0;
    for (let m = 0; m < link.size; m++) {
      if (outcome && link.outcomes[m] !== outcome.number) continue;
      if (rank >= 0 && this.reasons.group[m] !== rank) continue;
      if (!this.words.every((word) => this.lower[m].includes(word))) continue;
      rows.push(m);
      time += link.cost(m);
    }
    this.table.show(rows);
    refill(this.told, counted(rows.length, "module") + (time ? ", " + took(time) + " of compiling" : ""));
    refill(this.pill, this.reason && element("button", { type: "button", class: "choice", "aria-pressed": "true", title: "Show modules with any reason",
      onclick: () => { this.reason = null; this.update(); } }, reasonGroups[rank].label, element("b", { "aria-hidden": "true" }, "\u00d7")));
  }

  // mark shows a module as the chosen one, with its details.
  mark(module, details) {
    this.table.mark(module);
    refill(this.details, details);
  }
}
