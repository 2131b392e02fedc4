// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// moduleDetails shows all there is about a module.
function moduleDetails(link, before, module, choose) {
  const outcome = link.outcome(module);
  const { file, folder } = link.nameParts(module);
  return element("article", { class: "panel module", tabindex: "-1", "aria-label": "Module " + file },
    element("h3", {}, element("bdi", { class: "file" }, file), folder && element("bdi", { class: "folder" }, folder)),
    element("p", { class: "outcome" }, swatch(outcome), outcome.label, whereRun(link, module)),
    facts(moduleFacts(link, before, module), "facts inline"),
    executionBar(link, module),
    reasonList(link, module, choose),
    changeList(link, module),
    new Imports(link, module, choose).element);
}

function whereRun(link, module) {
  const run = link.runOf[module];
  if (run < 0) return "";
  const { cluster, slot, worker, workers, start } = link.runs;
  return (cluster[run] && worker[run] >= 0 ? " by " + workers[worker[run]] : "") + ", slot " + (slot[run] + 1) + ", started at " + took(start[run]);
}

function moduleFacts(link, before, module) {
  const run = link.runOf[module];
  const old = before ? before.placeOf(module) : -1;
  const { runs } = link;
  const duration = link.durations[module];
  const ran = link.outcome(module).ran;
  return [
    [ran ? "Time" : "Time when it was compiled", duration ? took(duration) : ""],
    ["Before", ran && old >= 0 && before.link.durations[old] ? took(before.link.durations[old]) + " (" + change(duration - before.link.durations[old]) + ")" : "", "What its compile before this one took"],
    ["Processor time", run >= 0 && runs.cpu[run] ? took(runs.cpu[run]) : ""],
    ["Memory", run >= 0 && runs.memory[run] ? size(runs.memory[run]) : "", "The compiler's largest resident set"],
    ["Bitcode", link.bitcode[module] ? size(link.bitcode[module]) : ""],
    ["Object", link.objects[module] ? size(link.objects[module]) : ""],
    ["Imports from", counted(link.imports.count(module), "module")],
    ["Imported by", counted(link.importers.count(module), "module")],
  ];
}

// executionBar shows the phases of an execution on the cluster.
function executionBar(link, module) {
  const run = link.runOf[module];
  if (run < 0 || !link.runs.cluster[run]) return null;
  const parts = executionParts(link.runs, run);
  const whole = parts.reduce((sum, part) => sum + part.value, 0);
  if (parts.length < 2) return null;
  return element("div", { class: "execution" }, meter(parts, whole),
    element("p", { class: "legend" }, parts.map((part) => element("span", {}, swatch(part), part.label + " " + took(part.value)))));
}

// executionParts are what the time of an attempt on the cluster went into.
function executionParts(runs, run) {
  const told = runs.queued[run] + runs.fetching[run] + runs.executing[run] + runs.uploading[run];
  if (!told) return [];
  return [
    { label: "waiting", value: runs.queued[run], colour: "idle" },
    { label: "fetching", value: runs.fetching[run], colour: "fetched" },
    { label: "compiling", value: runs.executing[run], colour: "cluster" },
    { label: "uploading", value: runs.uploading[run], colour: "cached" },
    { label: "on the way", value: Math.max(0, runs.end[run] - runs.start[run] - told), colour: "line-strong" },
  ].filter((part) => part.value > 0);
}

function reasonList(link, module, choose) {
  const clauses = Array.from(link.why.of(module));
  const ran = link.outcome(module).ran;
  if (!clauses.length) return ran ? null : element("p", { class: "muted" }, link.outcome(module).fromCache ? "Nothing that it is made of has changed since its result was kept." : "The link ended before it was tried.");
  return element("div", {}, element("h4", {}, "Why it was compiled"),
    longList(clauses, 12, (clause) => element("li", {}, clauseParts(link, clause, choose))));
}

function clauseParts(link, clause, choose) {
  const parts = link.clause(clause);
  return parts.map((part) => (typeof part === "number" ? moduleLink(link, part, choose) : element("bdi", {}, part)));
}

function changeList(link, module) {
  const changes = Array.from(link.changed.of(module));
  if (!changes.length) return null;
  return element("div", {}, element("h4", {}, "What changed in its summary index"),
    longList(changes, 8, (change) => element("li", {}, element("bdi", {}, link.changes[change]))));
}

// longList shows the first of many, and the others when asked.
function longList(entries, most, item) {
  const list = element("ul", {}, entries.slice(0, most).map(item));
  if (entries.length <= most) return list;
  const more = element("button", { type: "button", class: "text more", onclick: () => {
    fill(list, [entries.slice(most).map(item)]);
    more.remove();
  } }, "Show " + count(entries.length - most) + " more");
  return element("div", {}, list, more);
}
