// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Page puts the parts together and keeps which module is chosen, in the address too, so
// that a module can be bookmarked and the way back leads to the one before.
class Page {
  constructor(data) {
    this.link = new Link(data.link, data.patterns).open();
    this.before = data.before ? new Link(data.before, data.patterns) : null;
    this.comparison = this.before ? new Comparison(this.link, this.before) : null;
    this.reasons = new Reasons(this.link);
    this.chosen = -1;
    const choose = (module) => this.choose(module, true);
    this.timeline = this.link.hasRuns() ? new Timeline(this.link, (module, go) => this.choose(module, go)) : null;
    this.modules = new Modules(this.link, this.reasons, (module) => this.choose(module, false));
    this.sections = [
      section("overview", "Overview", "", verdict(this.link), tiles(this.link, this.before),
        element("div", { class: "columns" }, whereTimeWent(this.link, choose), composition(this.link, (key) => this.modules.showOutcome(key)))),
      this.timeline?.element,
      reasonSection(this.link, this.reasons, (key) => this.modules.showReason(key), choose),
      this.link.size ? this.modules.element : null,
      this.comparison && comparisonSection(this.comparison, choose),
      clusterSection(this.link),
      this.about(),
    ].filter(Boolean);
    this.put();
  }

  put() {
    fill(document.body, [
      element("a", { class: "skip", href: "#overview" }, "Skip to the overview"),
      element("div", { class: "top" }, headline(this.link), this.navigation()),
      element("main", {}, this.sections),
      element("p", { id: "said", class: "unseen", role: "status" }),
    ]);
    this.timeline?.start();
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (event) => this.key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.timeline?.recolour());
    this.follow();
  }

  navigation() {
    return element("nav", { "aria-label": "Parts of this page" }, this.sections.map((part) =>
      element("a", { href: "#" + part.id }, part.id === "about" ? "About" : part.querySelector("h2").textContent)));
  }

  about() {
    const { link } = this;
    return section("about", "About this link", "",
      element("div", { class: "panel" }, facts([
        ["Output", element("bdi", {}, link.output)], ["Folder", element("bdi", {}, link.folder)],
        ["Compiler", element("bdi", {}, link.compiler)], ["Compiler\u2019s identity", link.toolchain && element("code", {}, link.toolchain), "What the compiler is, by its contents"],
        ["Cluster", link.cluster && element("bdi", {}, link.cluster)],
        ["Way", link.mode === "native" ? "native: LLD distributes, and called dtlto" : link.mode === "staged" ? "staged: dtlto did the thin link, the compiles and the final link" : link.mode],
        ["Processor time", took(link.cpu) + " of compilers here, " + took(link.own_cpu) + " of dtlto itself"],
        ["Made by", link.tool],
      ]), element("p", { class: "muted" }, "Keys: ", element("kbd", {}, "/"), " finds a module, ", element("kbd", {}, "\u2191"), " ", element("kbd", {}, "\u2193"), " ", element("kbd", {}, "Enter"),
        " go through a table, ", element("kbd", {}, "+"), " ", element("kbd", {}, "\u2212"), " ", element("kbd", {}, "\u2190"), " ", element("kbd", {}, "\u2192"), " ", element("kbd", {}, "0"),
        " move the timeline, ", element("kbd", {}, "N"), " ", element("kbd", {}, "P"), " go through its compiles.")));
  }

  // choose shows a module everywhere. With go, the page moves to its details, and the way
  // back leads here.
  choose(module, go) {
    this.show(module);
    if (go) history.pushState(null, "", "#module=" + module);
    else history.replaceState(null, "", "#module=" + module);
    if (go) this.go();
  }

  go() {
    this.modules.details.scrollIntoView({ block: "nearest" });
    this.modules.details.firstElementChild.focus({ preventScroll: true });
  }

  show(module) {
    this.chosen = module;
    this.modules.mark(module, moduleDetails(this.link, this.comparison, module, (other) => this.choose(other, true)));
    this.timeline?.mark(module);
    say("Module " + this.link.names[module] + ", " + this.link.outcome(module).label);
  }

  // follow shows the module that the address names.
  follow() {
    const module = /^#module=(\d+)$/.exec(location.hash);
    if (!module || Number(module[1]) >= this.link.size) return;
    this.show(Number(module[1]));
    this.go();
  }

  key(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    event.preventDefault();
    this.modules.element.scrollIntoView();
    this.modules.search.focus();
  }
}

// The page says of itself how long it took to be seen, and what went wrong.
const report = document.documentElement.dataset;
addEventListener("error", (event) => { report.error = event.message; });
new Page(JSON.parse(document.getElementById("data").textContent));
report.built = performance.now().toFixed(0);
requestAnimationFrame(() => setTimeout(() => { report.ready = performance.now().toFixed(0); }));
