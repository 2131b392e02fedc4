// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The head of the page: what was linked, what became of it, in words and in numbers.

const here = ["compiled", "not-kept"];
const onCluster = ["remote-compiled"];
const fromCaches = ["cached", "remote-cached"];

function headline(link) {
  const at = Math.max(link.output.lastIndexOf("/"), link.output.lastIndexOf("\\"));
  return element("div", { class: "headline" },
    element("h1", {}, element("bdi", {}, link.program)),
    element("p", { class: "muted" }, at > 0 && element("bdi", { class: "path" }, link.output.slice(0, at)),
      link.started > 0 && element("span", {}, "linked " + date(link.started))));
}

// verdict says in two or three sentences what happened.
function verdict(link) {
  const failed = link.number("failed");
  const ran = [[link.number(...here), " here"], [link.number(...onCluster), " on the cluster"]].filter(([n]) => n);
  const cached = link.number(...fromCaches);
  const sentences = [];
  if (failed) {
    sentences.push("The link failed: " + counted(failed, "module") + " did not compile" +
      (link.number("not-run") ? ", and " + count(link.number("not-run")) + (link.number("not-run") === 1 ? " was" : " were") + " not tried any more." : "."));
  }
  if (!link.size) sentences.push("There was nothing to compile.");
  else if (cached === link.size) sentences.push(link.size === 1 ? "Its only module came from a cache: nothing was compiled." : "All " + counted(link.size, "module") + " came from a cache: nothing was compiled.");
  else if (ran.length) {
    sentences.push("Of " + counted(link.size, "module") + ", " + enumeration(ran.map(([n, where]) => count(n) + (n === 1 ? " was" : " were") + " compiled" + where)) +
      (cached ? "; " + count(cached) + " came from a cache." : "."));
  }
  return element("p", { class: "verdict" + (failed ? " bad" : ""), role: failed ? "alert" : null }, sentences.join(" "));
}

function tile(name, value, note, hint) {
  return element("div", { class: "tile", title: hint }, element("dt", {}, name), element("dd", {}, element("b", {}, value), note && element("span", {}, note)));
}

function tiles(link, before) {
  const cached = link.number(...fromCaches);
  const compiledHere = link.number(...here);
  const compiledThere = link.number(...onCluster);
  const { sent, received, uploaded, fetched } = link.traffic;
  const made = [
    tile("Link time", took(link.wall), before ? before.wall && againstBefore(link.wall - before.wall) : "", link.mode !== "native" ? "From start to end" : knowsThinLink(link) ? "From LLD's start to the end of the compiles" : "From LLD's call of dtlto to the end of the compiles"),
    tile("From caches", percent(cached, link.size), count(cached) + " of " + counted(link.size, "module")),
    tile("Saved by caches", took(link.sum(...fromCaches)), "of compiling", "How long compiling the cached modules took when it was done last, all together"),
    tile("Compiled here", count(compiledHere), link.cpu ? took(link.cpu) + " of processor time" : "nothing"),
    link.cluster || compiledThere ? tile("Compiled on the cluster", count(compiledThere), compiledThere ? took(link.sum(...onCluster)) + " in all" : "nothing") : null,
    link.cluster || sent || received ? tile("Moved", size(sent + received), size(sent) + " out, " + size(received) + " in",
      count(uploaded) + " blobs uploaded, " + count(fetched) + " fetched") : null,
    link.peak ? tile("At once, at most", count(link.peak) + (link.cluster_peak ? " + " + count(link.cluster_peak) : ""),
      "of " + counted(link.slots, "slot") + " here" + (link.cluster_slots ? ", " + count(link.cluster_slots) + " there" : "")) : null,
  ].filter(Boolean);
  return element("dl", { class: "tiles" + (made.length > 5 ? " many" : "") }, made);
}

// knowsThinLink says whether the times of a native link start when LLD did: where dtlto
// cannot find that out, they start when it was called.
function knowsThinLink(link) { return link.phases.some((phase) => phase.name === "thin link"); }

function againstBefore(difference) {
  if (Math.abs(difference) < 5e3) return "as the link before";
  return took(Math.abs(difference)) + (difference < 0 ? " less" : " more") + " than before";
}

// composition shows how many modules had which outcome, and what they cost.
function composition(link, show) {
  const parts = outcomes.filter((outcome) => link.counts[outcome.number]);
  const time = parts.reduce((sum, outcome) => sum + link.times[outcome.number], 0);
  const digits = digitsFor(time);
  return element("div", { class: "panel" },
    element("h3", {}, "What became of the modules"),
    meter(parts.map((outcome) => ({ value: link.counts[outcome.number], colour: outcome.colour })), link.size),
    element("table", { class: "plain wide" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Outcome"), element("th", { scope: "col", class: "right" }, "Modules"),
        element("th", { scope: "col", class: "right" }, "Share"),
        element("th", { scope: "col", class: "right", title: "What compiling them took; of cached ones, when it was done last" }, "Compiling, s"))),
      element("tbody", {}, parts.map((outcome) => element("tr", {},
        element("th", { scope: "row" }, element("button", { type: "button", class: "text", title: "Show these modules in the table", onclick: () => show(outcome.key) }, swatch(outcome), outcome.label)),
        element("td", { class: "right" }, count(link.counts[outcome.number])),
        element("td", { class: "right" }, percent(link.counts[outcome.number], link.size)),
        element("td", { class: "right" + (outcome.fromCache ? " muted" : "") }, seconds(link.times[outcome.number], digits)))))));
}

// phaseBars show when the parts of the link were, one under the other.
function phaseBars(link) {
  const phases = link.phases.filter((phase) => phase.end > phase.start);
  if (!phases.length) return null;
  const whole = largest(link.phases.map((phase) => phase.end), link.wall, 1);
  return element("ul", { class: "phases" }, phases.map((phase) => element("li", {},
    element("span", {}, element("bdi", {}, phase.name)),
    element("span", { class: "when", "aria-hidden": "true" }, element("span", { style: {
      "margin-left": (100 * phase.start) / whole + "%", width: Math.max(0.3, (100 * (phase.end - phase.start)) / whole) + "%" } })),
    element("span", { class: "right" }, took(phase.end - phase.start)),
    element("span", { class: "right muted" }, percent(phase.end - phase.start, whole)))));
}

// load is how many compiles ran, as steps {at, here, cluster} in the order of time.
function load(link) {
  const { start, end, cluster } = link.runs;
  const edges = [];
  for (let run = 0; run < start.length; run++) edges.push([start[run], 1, cluster[run]], [end[run], -1, cluster[run]]);
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const steps = [];
  let now = { at: 0, here: 0, cluster: 0 };
  for (const [at, by, there] of edges) {
    if (at !== now.at) steps.push(now);
    now = { at, here: now.here + (there ? 0 : by), cluster: now.cluster + (there ? by : 0) };
  }
  steps.push(now);
  return steps;
}

// tail is the time at the end of the compiles in which at most a quarter of what had
// run at once was running: nothing made it shorter but a shorter longest compile.
function tail(steps) {
  const running = (step) => step.here + step.cluster;
  const peak = largest(steps.map(running));
  const few = Math.max(1, Math.floor(peak / 4));
  if (peak < 3) return null;
  let first = steps.length - 1;
  while (first > 0 && running(steps[first - 1]) <= few) first--;
  return { start: steps[first].at, end: steps[steps.length - 1].at, few };
}

// busy is how much of the slots' time here was used while compiles ran here.
function busy(link, steps) {
  let used = 0;
  let first = Infinity;
  let last = 0;
  for (let i = 0; i + 1 < steps.length; i++) {
    if (!steps[i].here) continue;
    used += steps[i].here * (steps[i + 1].at - steps[i].at);
    first = Math.min(first, steps[i].at);
    last = steps[i + 1].at;
  }
  return last > first && link.slots ? used / (link.slots * (last - first)) : 0;
}

// findings are sentences about where the time went, those that matter only.
function findings(link, choose) {
  const found = [];
  const runs = link.runs;
  const failed = link.outcomes.flatMap((outcome, module) => (outcomes[outcome].key === "failed" ? [module] : []));
  if (failed.length) found.push(["Did not compile: ", failed.slice(0, 5).map((module, i) => [i ? ", " : "", moduleLink(link, module, choose)]), failed.length > 5 ? " and " + count(failed.length - 5) + " more." : "."]);
  const order = runs.module.map((_, run) => run).sort((a, b) => runs.end[b] - runs.end[a]);
  if (order.length) {
    const steps = load(link);
    const end = tail(steps);
    const last = runs.module[order[0]];
    if (end && end.end - end.start > 0.1 * link.wall && end.end - end.start > 200e3) {
      found.push(["In the last " + took(end.end - end.start) + " of compiling, at most " + counted(end.few, "compile was", "compiles were") + " running. The last to end: ",
        moduleLink(link, last, choose), ", which took " + took(runs.end[order[0]] - runs.start[order[0]]) + " and started at " + took(runs.start[order[0]]) + "."]);
    }
    const used = order.length > link.slots && busy(link, steps);
    if (used) found.push(["While modules were compiled here, " + percent(used, 1) + " of the slots' time was used."]);
    const longest = runs.module.map((_, run) => run).sort((a, b) => (runs.end[b] - runs.start[b]) - (runs.end[a] - runs.start[a])).slice(0, 3);
    found.push([longest.length === 1 ? "The only compile: " : "The longest compiles: ", longest.map((run, i) => [i ? ", " : "", moduleLink(link, runs.module[run], choose), " " + took(runs.end[run] - runs.start[run])]), "."]);
  }
  if (link.held_back) found.push([counted(link.held_back, "compile") + " waited for memory."]);
  if (link.undone) found.push([counted(link.undone, "attempt") + " on the cluster came back and had to be made again."]);
  if (link.traffic.retries) found.push([counted(link.traffic.retries, "call") + " to the cluster had to be repeated."]);
  if (link.mode === "native") found.push([knowsThinLink(link) ? "LLD's final link, after the compiles, is not in these times."
    : "Times start when LLD called dtlto: its thin link before and its final link after are not in them."]);
  return found;
}

function whereTimeWent(link, choose) {
  return element("div", { class: "panel" },
    element("h3", {}, "Where the time went"),
    phaseBars(link),
    element("ul", { class: "findings" }, findings(link, choose).map((parts) => element("li", {}, parts))));
}
