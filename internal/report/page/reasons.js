// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// reasonGroups are what the clauses about modules are summed up as, the weightiest
// first: of a module that has several, the first is its reason.
const reasonGroups = [
  { key: "compiler", short: "another compiler", label: "Another compiler", hint: "Every module is compiled again when the compiler is another one." },
  { key: "options", short: "other options", label: "Other options or environment", hint: "The compiler was given other arguments or variables than before." },
  { key: "own", short: "own code changed", label: "Its own code changed", hint: "The module itself was compiled from its source again, with another result." },
  { key: "file", short: "a file changed", label: "A file that the compiler reads changed", hint: "A profile, for example." },
  { key: "import", short: "an import changed", label: "A module that it imports from changed", hint: "ThinLTO copies functions from other modules, so that a change in one reaches those that import from it." },
  { key: "imports", short: "other imports", label: "It imports from other modules than before", hint: "What is worth importing is decided anew in each link." },
  { key: "index", short: "index changed", label: "What the link knows of it changed", hint: "What other modules need of it, or what the link found out about what it uses." },
  { key: "first", short: "first time", label: "Compiled for the first time", hint: "No earlier compile of it is on record." },
  { key: "lost", short: "result gone", label: "Its result was no longer there", hint: "Nothing has changed: the cache was cleared, was too small, or had a damaged entry." },
  { key: "unkept", short: "cannot be kept", label: "Its result cannot be kept", hint: "Nothing has changed: it is compiled in each link. The module's own reasons say why." },
  { key: "other", short: "other", label: "Another reason", hint: "" },
  { key: "none", short: "not on record", label: "No reason is on record", hint: "" },
].map((group, rank) => ({ ...group, rank }));

const groupRanks = Object.fromEntries(reasonGroups.map((group) => [group.key, group.rank]));

// Reasons says for each module why it was compiled.
class Reasons {
  constructor(link) {
    this.link = link;
    const ranks = (link.clauses.pattern || []).map((pattern) => groupRanks[link.patterns[pattern].group] ?? groupRanks.other);
    this.group = new Int8Array(link.size).fill(-1);
    for (let module = 0; module < link.size; module++) {
      if (!link.outcome(module).ran) continue;
      let rank = groupRanks.none;
      for (const clause of link.why.of(module)) if (ranks[clause] < rank) rank = ranks[clause];
      this.group[module] = rank;
    }
    this.sum();
    this.some = this.totals.some((total) => total.modules);
  }

  sum() {
    this.totals = reasonGroups.map(() => ({ modules: 0, time: 0 }));
    for (let module = 0; module < this.link.size; module++) {
      if (this.group[module] < 0) continue;
      const total = this.totals[this.group[module]];
      total.modules++;
      total.time += this.link.cost(module);
    }
  }

  // causes are the changed modules on account of which others were compiled, those with
  // most first: {module, modules, time}. One that changes may reach many modules.
  causes() {
    const { link } = this;
    const found = new Map();
    for (let module = 0; module < link.size; module++) {
      if (this.group[module] !== groupRanks.import) continue;
      for (const clause of link.why.of(module)) {
        const about = link.clauses.about[clause];
        if (about < 0 || link.clauseGroup(clause) !== "import") continue;
        const cause = found.get(about) || { module: about, modules: 0, time: 0 };
        cause.modules++;
        cause.time += link.cost(module);
        found.set(about, cause);
      }
    }
    return [...found.values()].sort((a, b) => b.modules - a.modules || b.time - a.time);
  }

  // of is the group of a module's reason, if it was compiled.
  of(module) { return reasonGroups[this.group[module]]; }
}

function reasonSection(link, reasons, show, choose) {
  if (!reasons.some) return null;
  const found = reasonGroups.filter((group) => reasons.totals[group.rank].modules);
  const time = found.reduce((sum, group) => sum + reasons.totals[group.rank].time, 0);
  const digits = digitsFor(time);
  found.sort((a, b) => reasons.totals[b.rank].time - reasons.totals[a.rank].time);
  return section("reasons", "Why modules were compiled",
    "Each module counts once, by its weightiest reason. Choose one to see its modules.",
    element("div", { class: "columns wide-first" },
      element("div", { class: "panel" }, element("table", { class: "plain wide reasons" },
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Reason"), element("th", { scope: "col", class: "right" }, "Modules"),
          element("th", { scope: "col", class: "right" }, "Compiling, s"), element("th", { scope: "col", class: "bar" }, element("span", { class: "unseen" }, "Share of the compile time")))),
        element("tbody", {}, found.map((group) => reasonRow(group, reasons.totals[group.rank], time, digits, show))))),
      causesPanel(link, reasons.causes(), digits, choose)));
}

function reasonRow(group, total, time, digits, show) {
  return element("tr", {},
    element("th", { scope: "row" }, element("button", { type: "button", class: "text", onclick: () => show(group.key) }, group.label),
      group.hint && element("small", {}, group.hint)),
    element("td", { class: "right" }, count(total.modules)),
    element("td", { class: "right" }, seconds(total.time, digits)),
    element("td", { class: "bar" }, meter([{ value: total.time, colour: "accent" }], time)));
}

// causesPanel shows which changed modules made most others be compiled.
function causesPanel(link, causes, digits, choose) {
  if (!causes.length) return null;
  const most = causes.slice(0, 8);
  return element("div", { class: "panel" },
    element("h3", {}, "Changes that reached other modules"),
    element("table", { class: "plain wide" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Changed module"),
        element("th", { scope: "col", class: "right", title: "Modules that were compiled because they import from it" }, "Reached"),
        element("th", { scope: "col", class: "right" }, "Compiling, s"))),
      element("tbody", {}, most.map((cause) => element("tr", {},
        element("th", { scope: "row", class: "clip" }, moduleLink(link, cause.module, choose)),
        element("td", { class: "right" }, count(cause.modules)), element("td", { class: "right" }, seconds(cause.time, digits)))))),
    causes.length > most.length && element("p", { class: "muted" }, "and " + counted(causes.length - most.length, "more module")));
}
