// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Timeline is the picture of the link, to be moved about in with the pointer and with
// keys.
class Timeline {
  constructor(link, choose) {
    this.link = link;
    this.choose = choose; // with the module, and whether to go to it
    this.tracks = new Tracks(link);
    this.view = { from: 0, to: this.tracks.end, width: 0, chosen: -1, hovered: -1 };
    this.order = link.runs.module.map((_, run) => run).sort((a, b) => link.runs.start[a] - link.runs.start[b]);
    this.make();
  }

  make() {
    this.strip = element("canvas", { class: "strip", "aria-hidden": "true",
      onpointerdown: (event) => this.grabStrip(event), onpointermove: (event) => this.moveStrip(event) });
    this.canvas = element("canvas", { class: "tracks", tabindex: "0", role: "application", "aria-roledescription": "timeline",
      "aria-label": "Timeline of the link: " + counted(this.order.length, "compile") + " in " + took(this.tracks.end) +
        ". Plus and minus zoom, the arrows move, N and P go from compile to compile, Enter shows the module.",
      onpointerdown: (event) => this.grab(event), onpointermove: (event) => this.move(event), onpointerup: (event) => this.release(event),
      onpointerleave: () => this.hover(null), ondblclick: (event) => this.zoom(0.4, this.timeAt(event)), onkeydown: (event) => this.key(event) });
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.axis = element("canvas", { class: "axis", "aria-hidden": "true" });
    this.tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.line = element("p", { class: "told" });
    this.element = section("timeline", "Timeline", "Each bar is the compile of a module, each row a slot in which one runs at a time.", this.tools(),
      element("div", { class: "panel timeline" },
        element("div", { class: "strip-label" }, "Compiles running, " + count(largest(load(this.link).map((step) => step.here + step.cluster))) + " at most"),
        this.strip, this.axis, element("div", { class: "tracks-scroll" }, this.canvas), this.tip), this.line);
    new ResizeObserver(() => this.resize()).observe(this.canvas.parentElement);
    this.tellNothing();
  }

  tools() {
    const shown = outcomes.filter((outcome) => this.link.runs.module.some((module) => this.link.outcomes[module] === outcome.number));
    const button = (label, title, act) => element("button", { type: "button", class: "tool", title, "aria-label": title, onclick: act }, label);
    const middle = () => (this.view.from + this.view.to) / 2;
    return element("div", { class: "toolbar" },
      element("div", { class: "legend" }, shown.map((outcome) => element("span", {}, swatch(outcome), outcome.label)),
        this.link.runs.executing.some((time) => time > 0) && element("span", {}, element("i", { class: "swatch pale", "aria-hidden": "true" }), "waiting or on its way")),
      element("div", { class: "tools" },
        element("span", { class: "hint" }, element("kbd", {}, "Ctrl"), " + wheel zooms, dragging moves"),
        button("\u2212", "Zoom out", () => this.zoom(1.6, middle())), button("+", "Zoom in", () => this.zoom(0.6, middle())),
        button("All", "Show the whole link", () => this.set(0, this.tracks.end))));
  }

  resize() {
    const width = Math.floor(this.canvas.parentElement.clientWidth);
    if (!width || width === this.view.width) return;
    this.view.width = width;
    this.paint();
  }

  // start paints for the first time: it needs the style, and a place in the page.
  start() {
    this.painter = new Painter(this.tracks, { canvas: this.canvas, axisCanvas: this.axis, strip: this.strip });
    this.resize();
  }

  recolour() {
    this.painter.readColours();
    this.paint();
  }

  paint() {
    if (!this.painter || !this.view.width) return;
    this.painter.paint(this.view);
    this.painter.paintStrip(this.view);
  }

  // later paints once before the next frame, however often it is asked to.
  later() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  set(from, to) {
    const least = Math.min(this.tracks.end, 500);
    const length = Math.min(this.tracks.end, Math.max(least, to - from));
    this.view.from = Math.max(0, Math.min(this.tracks.end - length, from));
    this.view.to = this.view.from + length;
    this.later();
  }

  zoom(factor, around) {
    const { from, to } = this.view;
    this.set(around - (around - from) * factor, around + (to - around) * factor);
  }

  shift(part) {
    const by = (this.view.to - this.view.from) * part;
    this.set(this.view.from + by, this.view.to + by);
  }

  timeAt(event) {
    return this.view.from + (event.offsetX / this.view.width) * (this.view.to - this.view.from);
  }

  wheel(event) {
    // The wheel alone moves the page, as everywhere in it.
    if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.01), this.timeAt(event));
    else if (event.shiftKey) this.shift((event.deltaX || event.deltaY) / this.view.width);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.shift(event.deltaX / this.view.width);
    else return;
    event.preventDefault();
  }

  grab(event) {
    if (event.button !== 0) return;
    this.grabbed = { x: event.clientX, from: this.view.from, to: this.view.to, moved: false };
    this.canvas.setPointerCapture(event.pointerId);
  }

  move(event) {
    if (!this.grabbed) return this.hover(this.spanAt(event), event);
    const by = event.clientX - this.grabbed.x;
    if (Math.abs(by) > 3) this.grabbed.moved = true;
    if (!this.grabbed.moved) return;
    this.hover(null);
    const time = (-by / this.view.width) * (this.grabbed.to - this.grabbed.from);
    this.set(this.grabbed.from + time, this.grabbed.to + time);
  }

  release(event) {
    const clicked = this.grabbed && !this.grabbed.moved;
    this.grabbed = null;
    if (!clicked) return;
    const at = this.spanAt(event);
    const run = at && at.track.kind !== "phase" ? at.span : -1;
    if (run >= 0) this.choose(this.link.runs.module[run], false);
  }

  grabStrip(event) {
    this.strip.setPointerCapture(event.pointerId);
    this.moveStrip(event);
  }

  moveStrip(event) {
    if (!(event.buttons & 1)) return;
    const half = (this.view.to - this.view.from) / 2;
    const time = (event.offsetX / this.view.width) * this.tracks.end;
    this.set(time - half, time + half);
  }

  // spanAt is what the pointer is at: a track and a span of it, or null.
  spanAt(event) {
    const track = this.tracks.at(event.offsetY);
    const span = track ? this.tracks.spanAt(track, this.timeAt(event), (3 * (this.view.to - this.view.from)) / this.view.width) : -1;
    return span < 0 ? null : { track, span };
  }

  hover(at, event) {
    const run = at && at.track.kind !== "phase" ? at.span : -1;
    if (run !== this.view.hovered) {
      this.view.hovered = run;
      this.later();
      this.canvas.style.cursor = run >= 0 ? "pointer" : "";
    }
    this.tip.hidden = !at;
    if (!at) return;
    refill(this.tip, run >= 0 ? this.told(run) : this.toldPhase(this.link.phases[at.span]));
    this.placeTip(event);
  }

  toldPhase(phase) {
    return [element("strong", {}, element("bdi", {}, phase.name)), element("span", {}, took(phase.end - phase.start) + ", from " + took(phase.start) + " to " + took(phase.end))];
  }

  placeTip(event) {
    const frame = this.tip.offsetParent.getBoundingClientRect();
    const left = Math.min(event.clientX - frame.left + 14, frame.width - this.tip.offsetWidth - 8);
    this.tip.style.left = Math.max(8, left) + "px";
    this.tip.style.top = event.clientY - frame.top + 18 + "px";
  }

  // told says what a run was.
  told(run) {
    const { runs } = this.link;
    const module = runs.module[run];
    const where = runs.cluster[run] ? "on the cluster" + (runs.worker[run] >= 0 ? " (" + runs.workers[runs.worker[run]] + ")" : "") : "here";
    const parts = [["waiting", runs.queued[run]], ["fetching", runs.fetching[run]], ["compiling", runs.executing[run]], ["uploading", runs.uploading[run]]].filter(([, time]) => time);
    return [
      element("strong", {}, moduleName(this.link, module)),
      element("span", {}, this.link.outcome(module).label + ", slot " + (runs.slot[run] + 1) + (runs.cluster[run] ? ", " + where : "")),
      element("span", {}, took(runs.end[run] - runs.start[run]) + ", from " + took(runs.start[run]) + " to " + took(runs.end[run])),
      parts.length > 0 && element("span", { class: "muted" }, parts.map(([name, time]) => name + " " + took(time)).join(", ")),
    ];
  }

  tellNothing() {
    refill(this.line, "Choose a bar to see its module here and under Modules.");
  }

  // mark shows a module's bar as the chosen one, and says what it is.
  mark(module) {
    this.view.chosen = module >= 0 ? this.link.runOf[module] : -1;
    const run = this.view.chosen;
    if (run >= 0) refill(this.line, this.told(run), element("a", { href: "#module=" + module, onclick: (event) => { event.preventDefault(); this.choose(module, true); } }, "Its reasons and imports"));
    else this.tellNothing();
    this.later();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (this.view.from + this.view.to) / 2;
    const acts = {
      "+": () => this.zoom(0.6, middle), "=": () => this.zoom(0.6, middle), "-": () => this.zoom(1.6, middle),
      "0": () => this.set(0, this.tracks.end), Home: () => this.set(0, this.tracks.end), Escape: () => this.set(0, this.tracks.end),
      ArrowLeft: () => this.shift(-0.2), ArrowRight: () => this.shift(0.2),
      n: () => this.step(1), p: () => this.step(-1),
      Enter: () => { if (this.view.chosen >= 0) this.choose(this.link.runs.module[this.view.chosen], true); },
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    act();
    event.preventDefault();
  }

  // step goes to the compile that started next, or before.
  step(by) {
    const at = this.order.indexOf(this.view.chosen);
    const run = this.order[at < 0 ? 0 : Math.max(0, Math.min(this.order.length - 1, at + by))];
    this.choose(this.link.runs.module[run], false);
    const { start, end } = this.link.runs;
    if (start[run] < this.view.from || end[run] > this.view.to) {
      const half = (this.view.to - this.view.from) / 2;
      this.set(start[run] - half / 2, start[run] - half / 2 + 2 * half);
    }
  }
}
