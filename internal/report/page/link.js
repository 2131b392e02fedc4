// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// outcomes are in the order of the data's numbers.
const outcomes = [
  { key: "compiled", label: "compiled here", colour: "here", ran: true },
  { key: "not-kept", label: "compiled here, not kept", colour: "unkept", ran: true },
  { key: "remote-compiled", label: "compiled on the cluster", colour: "cluster", ran: true },
  { key: "remote-cached", label: "cached on the cluster", colour: "fetched" },
  { key: "cached", label: "cached here", colour: "cached" },
  { key: "failed", label: "failed", colour: "failed", ran: true },
  { key: "not-run", label: "not run", colour: "idle" },
].map((outcome, number) => ({ ...outcome, number, fromCache: outcome.colour === "cached" || outcome.colour === "fetched" }));

const notRun = outcomes.length - 1;

// Lists are the lists of numbers of all modules, one after the other: those of module
// i are values[starts[i]] to values[starts[i+1]-1].
class Lists {
  constructor(text, length) {
    const bytes = atob(text);
    this.starts = new Uint32Array(length + 1);
    this.values = new Uint32Array(bytes.length);
    let at = 0;
    let filled = 0;
    const number = () => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = bytes.charCodeAt(at++);
        value += (byte & 127) * factor;
        if (!(byte & 128)) return value;
      }
    };
    for (let i = 0; i < length; i++) {
      let last = 0;
      for (let left = number(); left > 0; left--) {
        const zigzag = number();
        last += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
        this.values[filled++] = last;
      }
      this.starts[i + 1] = filled;
    }
    this.values = this.values.subarray(0, filled);
  }

  of(i) { return this.values.subarray(this.starts[i], this.starts[i + 1]); }

  count(i) { return this.starts[i + 1] - this.starts[i]; }

  // reversed are the lists of those that have a number in theirs.
  reversed() {
    const length = this.starts.length - 1;
    const made = Object.create(Lists.prototype);
    made.starts = new Uint32Array(length + 1);
    for (const value of this.values) made.starts[value + 1]++;
    for (let i = 0; i < length; i++) made.starts[i + 1] += made.starts[i];
    const next = made.starts.slice();
    made.values = new Uint32Array(this.values.length);
    for (let i = 0; i < length; i++) {
      for (let k = this.starts[i]; k < this.starts[i + 1]; k++) made.values[next[this.values[k]]++] = i;
    }
    return made;
  }
}

// Link is a link with what can be worked out of it. A module is its number.
class Link {
  constructor(data, patterns) {
    Object.assign(this, data);
    this.patterns = patterns;
    this.size = (this.names = data.names || []).length;
    this.outcomes = data.outcomes || [];
    this.durations = data.durations || [];
    this.phases = data.phases || [];
    this.counts = new Array(outcomes.length).fill(0);
    this.times = new Array(outcomes.length).fill(0);
    for (let i = 0; i < this.size; i++) {
      this.counts[this.outcomes[i]]++;
      this.times[this.outcomes[i]] += this.durations[i];
    }
  }

  // open reads what only the link that is shown has, not the one before it.
  open() {
    this.imports = new Lists(this.imports, this.size);
    this.importers = this.imports.reversed();
    this.why = new Lists(this.why, this.size);
    this.changed = new Lists(this.changed, this.size);
    this.runOf = new Int32Array(this.size).fill(-1);
    for (const key of ["module", "cluster", "slot", "start", "end", "cpu", "memory", "worker", "queued", "fetching", "executing", "uploading", "workers"]) {
      this.runs[key] ||= [];
    }
    this.runs.module.forEach((module, run) => { this.runOf[module] = run; });
    return this;
  }

  outcome(module) { return outcomes[this.outcomes[module]]; }

  number(...keys) {
    return outcomes.reduce((sum, outcome) => sum + (keys.includes(outcome.key) ? this.counts[outcome.number] : 0), 0);
  }

  sum(...keys) {
    return outcomes.reduce((sum, outcome) => sum + (keys.includes(outcome.key) ? this.times[outcome.number] : 0), 0);
  }

  // cost is what a module cost in this link: nothing if nothing was compiled for it.
  cost(module) { return this.outcome(module).ran ? this.durations[module] : 0; }

  // nameParts are a name's file and what is before it; "liba.a(b.o)" is b.o in liba.a.
  nameParts(module) {
    const name = this.names[module];
    const open = name.endsWith(")") ? name.lastIndexOf("(") : -1;
    if (open > 0) return { file: shortened(name.slice(open + 1, -1)) || "()", folder: this.relative(name.slice(0, open)) };
    const slash = Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\"));
    return { file: shortened(name.slice(slash + 1) || name) || "(no name)", folder: slash > 0 ? this.relative(name.slice(0, slash)) : "" };
  }

  relative(path) {
    if (path === this.folder) return "";
    return shortened(path.startsWith(this.folder + "/") ? path.slice(this.folder.length + 1) : path);
  }

  // clause is a reason as parts: texts, and numbers that are modules.
  clause(number) {
    const about = this.clauses.about[number];
    if (about < 0) return [this.clauses.text[number]];
    const [before, after] = this.patterns[this.clauses.pattern[number]].form.split("%");
    return [before, about, after].filter((part) => part !== "");
  }

  clauseGroup(number) { return this.patterns[this.clauses.pattern[number]].group; }

  hasRuns() { return this.runs.module.length > 0; }

  // program is the name of what the link made.
  get program() { return this.output.slice(Math.max(this.output.lastIndexOf("/"), this.output.lastIndexOf("\\")) + 1); }
}
