// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// clusterSection shows what the cluster did, against what was done here.
function clusterSection(link) {
  const used = link.cluster || link.cluster_slots || link.runs.cluster.some(Boolean) || link.traffic.calls;
  if (!used) return null;
  const workers = workerTable(link);
  return section("cluster", "Cluster", link.cluster ? ["Compiles were offered to ", element("bdi", {}, link.cluster), "."] : "",
    element("div", { class: "columns" },
      element("div", { class: "panel" }, element("h3", {}, "The cluster against this machine"), placesTable(link), executionSum(link)),
      element("div", { class: "panel" }, element("h3", {}, "What was moved"), traffic(link), workers)));
}

// runsOf are the runs of a place, with times in ascending order.
function runsOf(link, there) {
  const { cluster, start, end, cpu } = link.runs;
  const times = [];
  let processor = 0;
  cluster.forEach((at, run) => {
    if (at !== there) return;
    times.push(end[run] - start[run]);
    processor += cpu[run];
  });
  times.sort((a, b) => a - b);
  return { times, processor, sum: times.reduce((a, b) => a + b, 0) };
}

function placesTable(link) {
  const places = [["This machine", runsOf(link, 0), link.peak, link.slots], ["Cluster", runsOf(link, 1), link.cluster_peak, link.cluster_slots]];
  const digits = digitsFor(largest(places.map(([, runs]) => quantile(runs.times, 1))));
  return simpleTable("The cluster against this machine", [{ title: element("span", { class: "unseen" }, "Where") }, { title: "Compiles", right: true }, { title: "Total, s", right: true },
    { title: "Median, s", right: true }, { title: "90 %, s", right: true, hint: "Nine of ten took no longer" }, { title: "Longest, s", right: true },
    { title: "At once", right: true, hint: "How many ran at once, of how many could" }],
  places.map(([name, { times, sum }, peak, slots]) => [name, count(times.length), seconds(sum, digits), ...[middle(times), quantile(times, 0.9), quantile(times, 1)].map((time) => (times.length ? seconds(time, digits) : "")),
    slots ? count(peak) + " of " + count(slots) : ""]));
}

// executionSum adds up what the time of all attempts on the cluster went into.
function executionSum(link) {
  const sums = new Map();
  link.runs.cluster.forEach((there, run) => {
    if (!there) return;
    for (const part of executionParts(link.runs, run)) {
      const sum = sums.get(part.label) || { ...part, value: 0 };
      sum.value += part.value;
      sums.set(part.label, sum);
    }
  });
  const parts = ["waiting", "fetching", "compiling", "uploading", "on the way"].map((label) => sums.get(label)).filter(Boolean);
  if (!parts.length) return null;
  const whole = parts.reduce((sum, part) => sum + part.value, 0);
  return element("div", { class: "execution" }, element("h4", {}, "Where the time of executions went"), meter(parts, whole),
    element("p", { class: "legend" }, parts.map((part) => element("span", { title: took(part.value) }, swatch(part), part.label + " " + percent(part.value, whole)))),
    element("p", { class: "muted" }, "By the servers\u2019 clocks. On the way is what they do not account for: the calls themselves, and fetching the result."));
}

function traffic(link) {
  const { calls, retries, sent, received, uploaded, fetched } = link.traffic;
  return facts([
    ["Sent", size(sent) + (uploaded ? " in " + counted(uploaded, "blob") : "")],
    ["Received", size(received) + (fetched ? " in " + counted(fetched, "blob") : "")],
    ["Calls", count(calls) + (retries ? ", of which " + count(retries) + " were repeated" : "")],
    ["Attempts that came back", link.undone ? count(link.undone) : "", "They were made again here"],
  ], "facts inline");
}

// workerTable shows who compiled, those with most compiles first.
function workerTable(link) {
  const { cluster, worker, workers, start, end } = link.runs;
  const found = new Map();
  cluster.forEach((there, run) => {
    if (!there || worker[run] < 0) return;
    if (!found.has(worker[run])) found.set(worker[run], []);
    found.get(worker[run]).push(end[run] - start[run]);
  });
  if (!found.size) return null;
  const all = [...found].map(([number, times]) => ({ name: workers[number], times: times.sort((a, b) => a - b) })).sort((a, b) => b.times.length - a.times.length);
  const digits = digitsFor(largest(all.map((one) => quantile(one.times, 1))));
  const most = 12;
  return element("div", {}, element("h4", {}, counted(all.length, "worker")),
    simpleTable("Workers", [{ title: "Worker" }, { title: "Compiles", right: true }, { title: "Median, s", right: true }, { title: "Longest, s", right: true }],
      all.slice(0, most).map((one) => [element("bdi", {}, one.name), count(one.times.length), seconds(middle(one.times), digits), seconds(quantile(one.times, 1), digits)])),
    all.length > most && element("p", { class: "muted" }, "and " + counted(all.length - most, "more worker")));
}
