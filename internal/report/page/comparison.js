// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Comparison is this link against the one before it. Modules are the same if they have
// the same name; of several with one name, the first with the first.
class Comparison {
  constructor(link, before) {
    this.now = link;
    this.link = before;
    const places = new Map();
    before.names.forEach((name, m) => { places.has(name) ? places.get(name).push(m) : places.set(name, [m]); });
    this.places = new Int32Array(link.size).fill(-1);
    this.gone = new Set(before.names.keys());
    const used = new Map();
    link.names.forEach((name, m) => {
      const at = used.get(name) || 0;
      const place = places.get(name)?.[at];
      if (place === undefined) return;
      used.set(name, at + 1);
      this.places[m] = place;
      this.gone.delete(place);
    });
    this.kinds = this.sort();
  }

  placeOf(module) { return this.places[module]; }

  // difference is how much longer a module's compile took, where it was compiled in both.
  difference(m) { return this.now.durations[m] - this.link.durations[this.places[m]]; }

  // sort sorts the modules by what is different. Differences that are small, or a small
  // part, are none: compiles never take equally long.
  sort() {
    const found = { slower: [], faster: [], compiled: [], cached: [], added: [], gone: [...this.gone] };
    for (let m = 0; m < this.now.size; m++) {
      const old = this.places[m];
      if (old < 0) {
        found.added.push(m);
        continue;
      }
      const ran = this.now.outcome(m).ran;
      const didRun = this.link.outcome(old).ran;
      if (ran && !didRun) found.compiled.push(m);
      if (!ran && didRun && this.now.outcome(m).fromCache) found.cached.push(m);
      const by = this.difference(m);
      if (ran && this.link.durations[old] && Math.abs(by) > Math.max(20e3, 0.1 * this.link.durations[old])) found[by > 0 ? "slower" : "faster"].push(m);
    }
    return found;
  }
}

const comparisonKinds = [
  { key: "compiled", label: "Compiled now, not before" },
  { key: "slower", label: "Took longer", hint: "By more than a tenth and 20 ms than its compile before" },
  { key: "faster", label: "Took less", hint: "By more than a tenth and 20 ms than its compile before" },
  { key: "cached", label: "Cached now, compiled before" },
  { key: "added", label: "New" },
  { key: "gone", label: "Gone" },
];

function comparisonSection(comparison, choose) {
  const kinds = comparisonKinds.map((kind) => ({ ...kind, count: comparison.kinds[kind.key].length }));
  const first = kinds.find((kind) => kind.count);
  return section("comparison", "Against the link before",
    comparison.link.started > 0 && "The link before of the same output was made " + date(comparison.link.started) + ".",
    element("div", { class: "columns narrow-first" },
      element("div", { class: "panel" }, comparisonNumbers(comparison)),
      element("div", { class: "panel" }, first ? comparisonTable(comparison, kinds, first.key, choose) : element("p", { class: "muted" }, "The modules are the same, and none took noticeably longer or less."))));
}

// comparisonNumbers are the two links' numbers beside each other.
function comparisonNumbers({ now, link: old }) {
  const digits = digitsFor(Math.max(now.wall, old.wall));
  const time = (name, a, b) => [name, seconds(a, digits), seconds(b, digits), signed(a - b, digits)];
  const number = (name, a, b) => [name, count(a), count(b), (a > b ? "+" : a < b ? "\u2212" : "") + count(Math.abs(a - b))];
  const both = (...keys) => [now.number(...keys), old.number(...keys)];
  const rows = [
    time("Link time, s", now.wall, old.wall),
    number("Modules", now.size, old.size),
    number("from caches", ...both(...fromCaches)),
    number("compiled here", ...both(...here)),
    number("compiled on the cluster", ...both(...onCluster)),
    number("failed", ...both("failed")),
    time("Processor time of compilers, s", now.cpu, old.cpu),
    time("Processor time of dtlto, s", now.own_cpu, old.own_cpu),
    number("Sent, kB", Math.round(now.traffic.sent / 1e3), Math.round(old.traffic.sent / 1e3)),
    number("Received, kB", Math.round(now.traffic.received / 1e3), Math.round(old.traffic.received / 1e3)),
  ].filter(([, a, b]) => Number(a) !== 0 || Number(b) !== 0);
  const others = [["compiler", now.toolchain !== old.toolchain], ["program (" + old.tool + ")", now.tool !== old.tool], ["cluster", now.cluster !== old.cluster], ["folder", now.folder !== old.folder]].filter(([, other]) => other);
  return [
    simpleTable("The two links' numbers", [{ title: element("span", { class: "unseen" }, "What") }, { title: "Now", right: true }, { title: "Before", right: true }, { title: "Difference", right: true }], rows),
    others.length > 0 && element("p", { class: "note" }, "Before, it was another " + enumeration(others.map(([name]) => name)) + "."),
  ];
}

function comparisonTable(comparison, kinds, first, choose) {
  const { now, link: old } = comparison;
  // Rows are modules of this link; those that are gone are below zero.
  const link = (row) => (row < 0 ? old : now);
  const module = (row) => (row < 0 ? -1 - row : row);
  const was = (row) => (row < 0 ? module(row) : comparison.placeOf(row));
  const before = (row) => (was(row) < 0 ? 0 : old.durations[was(row)]);
  const after = (row) => (row < 0 ? 0 : now.durations[row]);
  const ran = (row) => row >= 0 && now.outcome(row).ran;
  const didRun = (row) => was(row) >= 0 && old.outcome(was(row)).ran;
  const digits = digitsFor(Math.max(largest(now.durations), largest(old.durations)));
  const time = (value, did) => (value ? (did ? seconds(value, digits) : element("span", { class: "muted" }, "(" + seconds(value, digits) + ")")) : "");
  const table = new Table({ label: "Modules that differ", sort: "difference", descending: true, height: 320, empty: "None", choose: (row) => row >= 0 && choose(row), columns: [
    { key: "name", title: "Module", width: "minmax(10rem, 1fr)", order: (row) => link(row).names[module(row)], cell: (row) => moduleName(link(row), module(row)) },
    { key: "before", title: "Before, s", width: "6rem", from: 480, right: true, hint: "In brackets: not compiled then, but earlier", order: before, cell: (row) => time(before(row), didRun(row)) },
    { key: "after", title: "Now, s", width: "6rem", right: true, hint: "In brackets: not compiled now, but earlier", order: after, cell: (row) => time(after(row), ran(row)) },
    { key: "difference", title: "Difference, s", width: "7.5rem", from: 380, right: true, order: (row) => Math.abs(after(row) - before(row)), cell: (row) => (before(row) && ran(row) ? signed(after(row) - before(row), digits) : "") },
  ] });
  const show = (key) => {
    table.sort = { slower: "difference", faster: "difference", gone: "before", cached: "before" }[key] || "after";
    table.descending = true;
    table.show(key === "gone" ? comparison.kinds.gone.map((m) => -1 - m) : comparison.kinds[key]);
  };
  show(first);
  return [choices("What is different", kinds, first, show), table.element];
}
