// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tracks are what the timeline shows: the link's phases, then a track for each slot of
// this machine, then one for each of the cluster's.

// Track has spans that do not overlap, in the order of time. A span is a number: of a
// run, or of a phase.
class Track {
  constructor(kind, number) {
    this.kind = kind;
    this.number = number;
    this.spans = [];
  }
}

class Tracks {
  constructor(link) {
    this.link = link;
    this.end = Math.max(largest(link.phases.map((phase) => phase.end), link.wall, 1), largest(link.runs.end));
    this.list = [...this.phases(), ...this.slots("here", 0), ...this.slots("cluster", 1)];
    this.place();
  }

  // phases puts each phase on the first track where nothing is at its time.
  phases() {
    const order = this.link.phases.map((_, i) => i).sort((a, b) => this.link.phases[a].start - this.link.phases[b].start);
    const tracks = [];
    for (const i of order) {
      let track = tracks.find((track) => this.link.phases[track.spans[track.spans.length - 1]].end <= this.link.phases[i].start);
      if (!track) tracks.push((track = new Track("phase", tracks.length)));
      track.spans.push(i);
    }
    return tracks;
  }

  // slots are the tracks of a place. Slots that nothing ran in have none.
  slots(kind, there) {
    const { cluster, slot, start, module } = this.link.runs;
    const bySlot = new Map();
    for (let run = 0; run < module.length; run++) {
      if (cluster[run] !== there) continue;
      let track = bySlot.get(slot[run]);
      if (!track) bySlot.set(slot[run], (track = new Track(kind, slot[run])));
      track.spans.push(run);
    }
    const tracks = [...bySlot.values()].sort((a, b) => a.number - b.number);
    for (const track of tracks) track.spans.sort((a, b) => start[a] - start[b]);
    return tracks;
  }

  // place gives each track its place from the top: the more, the lower.
  place() {
    const slots = this.list.filter((track) => track.kind !== "phase").length;
    this.rowHeight = slots <= 16 ? 20 : slots <= 40 ? 14 : slots <= 96 ? 8 : 5;
    let top = 0;
    let kind = "";
    this.titles = [];
    for (const track of this.list) {
      if (track.kind !== kind) {
        kind = track.kind;
        if (kind !== "phase") {
          top += 6;
          this.titles.push({ kind, top, text: this.title(kind) });
          top += 20;
        }
      }
      track.top = top;
      track.height = kind === "phase" ? 22 : this.rowHeight;
      top += track.height;
    }
    this.height = top + 4;
  }

  title(kind) {
    const used = this.list.filter((track) => track.kind === kind).length;
    const all = kind === "here" ? this.link.slots : this.link.cluster_slots;
    return (kind === "here" ? "This machine" : "Cluster") + ": " + counted(used, "slot") + (all > used ? " used of " + count(all) : "");
  }

  at(y) { return this.list.find((track) => y >= track.top && y < track.top + track.height); }

  start(track, span) { return track.kind === "phase" ? this.link.phases[span].start : this.link.runs.start[span]; }

  stop(track, span) { return track.kind === "phase" ? this.link.phases[span].end : this.link.runs.end[span]; }

  // firstAfter is the place of the first span of a track that ends after a time.
  firstAfter(track, time) {
    let low = 0;
    let high = track.spans.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.stop(track, track.spans[mid]) <= time) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  // spanAt is the span of a track at a time, or the nearest within some time of it.
  spanAt(track, time, within) {
    let best = -1;
    let nearest = within;
    for (let i = Math.max(0, this.firstAfter(track, time) - 1); i < track.spans.length; i++) {
      const span = track.spans[i];
      if (this.start(track, span) > time + within) break;
      const distance = Math.max(0, this.start(track, span) - time, time - this.stop(track, span));
      if (distance <= nearest) {
        nearest = distance;
        best = span;
      }
    }
    return best;
  }

  // executing is when, of a run on the cluster, the compiler ran: by the servers' clocks,
  // which say how long each phase was, not when. What they do not account for is the way
  // there and back, half each. Nothing if they told nothing.
  executing(run) {
    const { start, end, queued, fetching, executing, uploading } = this.link.runs;
    const told = queued[run] + fetching[run] + executing[run] + uploading[run];
    if (!executing[run]) return null;
    const whole = end[run] - start[run];
    const scale = told > whole ? whole / told : 1;
    const from = start[run] + (whole - told * scale) / 2 + (queued[run] + fetching[run]) * scale;
    return [from, from + executing[run] * scale];
  }
}
