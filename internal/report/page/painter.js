// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Painter draws the timeline on its canvases.
class Painter {
  constructor(tracks, canvases) {
    this.tracks = tracks;
    this.link = tracks.link;
    Object.assign(this, canvases); // canvas, axisCanvas and strip
    this.steps = load(this.link);
    this.peak = largest(this.steps.map((step) => step.here + step.cluster), 1);
    this.readColours();
  }

  // readColours takes the colours from the style, which knows light from dark.
  readColours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["here", "unkept", "cluster", "fetched", "cached", "failed", "idle", "text", "muted", "line", "panel", "sunk", "accent", "on-colour", "phase", "on-phase"];
    this.colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
    this.font = "11px " + getComputedStyle(document.body).fontFamily;
  }

  // prepare fits a canvas to a size in CSS pixels and gives its cleared context.
  prepare(canvas, width, height) {
    const scale = window.devicePixelRatio || 1;
    const w = Math.round(width * scale);
    const h = Math.round(height * scale);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
      canvas.style.height = height + "px";
    }
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    c.font = this.font;
    c.textBaseline = "middle";
    return c;
  }

  // paint draws the tracks of a view {from, to, width, chosen, hovered}.
  paint(view) {
    this.view = view;
    const c = this.prepare(this.canvas, view.width, this.tracks.height);
    this.axis(this.prepare(this.axisCanvas, view.width, axisHeight), c);
    for (const title of this.tracks.titles) {
      c.fillStyle = this.colours.muted;
      c.fillText(title.text, 2, title.top + 11);
    }
    for (const track of this.tracks.list) this.track(c, track);
  }

  x(time) { return ((time - this.view.from) / (this.view.to - this.view.from)) * this.view.width; }

  // axis draws the times, which stay where they are when the tracks are scrolled, and the
  // lines under them.
  axis(c, lines) {
    const { from, to, width } = this.view;
    lines.fillStyle = this.colours.line;
    c.fillStyle = this.colours.muted;
    const step = tickStep((to - from) / Math.max(2, width / 90));
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = Math.round(this.x(time)) + 0.5;
      lines.fillRect(x - 0.5, 0, 1, this.tracks.height);
      const label = tickLabel(time, step, to);
      const w = c.measureText(label).width;
      c.fillText(label, Math.max(2, Math.min(width - w - 2, x - w / 2)), 9);
    }
  }

  track(c, track) {
    const { from, to } = this.view;
    const gap = track.height >= 14 ? 2 : 1;
    if (track.kind !== "phase") {
      c.fillStyle = this.colours.sunk;
      c.fillRect(0, track.top, this.view.width, track.height - gap);
    }
    // Spans that are narrower than a pixel are drawn as one where they meet.
    let painted = -1;
    for (let i = this.tracks.firstAfter(track, from); i < track.spans.length; i++) {
      const span = track.spans[i];
      const start = this.tracks.start(track, span);
      if (start > to) break;
      const x0 = Math.max(-1, this.x(start));
      const x1 = Math.min(this.view.width + 1, this.x(this.tracks.stop(track, span)));
      if (x1 - x0 < 1 && x1 <= painted && !this.isMarked(track, span)) continue;
      const x2 = Math.max(x0 + 1, x1 - (x1 - x0 > 3 ? 1 : 0));
      this.span(c, track, span, x0, x2, track.height - gap);
      painted = x0 + 1;
    }
  }

  isMarked(track, span) {
    return track.kind !== "phase" && (span === this.view.chosen || span === this.view.hovered);
  }

  span(c, track, span, x0, x1, height) {
    if (track.kind === "phase") {
      c.fillStyle = this.colours.phase;
      c.fillRect(x0, track.top, x1 - x0, height);
      this.label(c, this.link.phases[span].name, x0, x1, track.top + height / 2, this.colours["on-phase"]);
      return;
    }
    const module = this.link.runs.module[span];
    c.fillStyle = this.colours[this.link.outcome(module).colour];
    const [from, to] = this.bar(c, track, span, x0, x1, height);
    if (height >= 11) this.label(c, this.link.nameParts(module).file, from, to, track.top + height / 2, this.colours["on-colour"]);
    if (span === this.view.chosen || span === this.view.hovered) {
      c.strokeStyle = this.colours.text;
      c.lineWidth = span === this.view.chosen ? 2 : 1;
      c.strokeRect(x0 - 0.5, track.top - 0.5, x1 - x0 + 1, height + 1);
    }
  }

  // bar is full where the compiler ran, and pale while a job waited or was on its way. It
  // gives where it is full.
  bar(c, track, span, x0, x1, height) {
    const inner = track.kind === "cluster" && x1 - x0 > 4 && this.tracks.executing(span);
    if (!inner) {
      c.fillRect(x0, track.top, x1 - x0, height);
      return [x0, x1];
    }
    c.globalAlpha = 0.35;
    c.fillRect(x0, track.top, x1 - x0, height);
    c.globalAlpha = 1;
    const from = Math.max(x0, this.x(inner[0]));
    const to = Math.min(x1, this.x(inner[1]));
    c.fillRect(from, track.top, Math.max(0.5, to - from), height);
    return [from, to];
  }

  label(c, text, x0, x1, y, colour) {
    const left = Math.max(0, x0) + 4;
    const room = x1 - left - 3;
    if (room < 24) return;
    const shown = this.fitted(c, text, room);
    c.fillStyle = colour;
    c.fillText(shown, left, y + 0.5);
  }

  fitted(c, text, room) {
    if (c.measureText(text).width <= room) return text;
    let low = 0;
    for (let high = Math.min(text.length, 200); low < high;) {
      const mid = (low + high + 1) >> 1;
      if (c.measureText(text.slice(0, mid) + "\u2026").width <= room) low = mid;
      else high = mid - 1;
    }
    return low > 2 ? text.slice(0, low) + "\u2026" : "";
  }

  // paintStrip draws how many compiles ran over the whole time, and which part of it
  // the tracks show.
  paintStrip(view) {
    const height = stripHeight;
    const c = this.prepare(this.strip, view.width, height);
    const scale = view.width / this.tracks.end;
    const unit = (height - 4) / this.peak;
    const { here, cluster } = this.means(view.width);
    for (let x = 0; x < view.width; x++) {
      c.fillStyle = this.colours.here;
      c.fillRect(x, height - here[x] * unit, 1, here[x] * unit);
      c.fillStyle = this.colours.cluster;
      c.fillRect(x, height - (here[x] + cluster[x]) * unit, 1, cluster[x] * unit);
    }
    c.fillStyle = this.colours.line;
    c.fillRect(0, height - 1, view.width, 1);
    if (view.from > 0 || view.to < this.tracks.end) this.window(c, view, scale, height);
  }

  // means are how many compiles ran on average in each of so many parts of the time.
  means(parts) {
    const sums = { here: new Float64Array(parts + 1), cluster: new Float64Array(parts + 1) };
    const scale = parts / this.tracks.end;
    for (let i = 0; i + 1 < this.steps.length; i++) {
      const step = this.steps[i];
      let x = step.at * scale;
      const end = this.steps[i + 1].at * scale;
      while (x < end) {
        const part = Math.floor(x);
        const next = Math.min(end, part + 1);
        sums.here[part] += step.here * (next - x);
        sums.cluster[part] += step.cluster * (next - x);
        x = next;
      }
    }
    return sums;
  }

  window(c, view, scale, height) {
    c.globalAlpha = 0.72;
    c.fillStyle = this.colours.panel;
    c.fillRect(0, 0, view.from * scale, height);
    c.fillRect(view.to * scale, 0, view.width - view.to * scale, height);
    c.globalAlpha = 1;
    c.strokeStyle = this.colours.accent;
    c.lineWidth = 1.5;
    c.strokeRect(view.from * scale + 0.75, 0.75, Math.max(2, (view.to - view.from) * scale - 1.5), height - 1.5);
  }
}

const axisHeight = 20;
const stripHeight = 44;

// tickStep is the smallest of 1, 2 and 5 times a power of ten that is not below a time.
function tickStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= least);
}

// tickLabel is a time on the axis, on which all have the unit that the last one needs.
function tickLabel(time, step, last) {
  const [unit, name] = last >= 180e6 && step >= 6e6 ? [60e6, " min"] : last >= 1e6 ? [1e6, " s"] : [1e3, " ms"];
  return (time / unit).toFixed(Math.max(0, Math.ceil(Math.log10(unit / step) - 1e-9))) + name;
}
