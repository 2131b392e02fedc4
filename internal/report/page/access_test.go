// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// contrastScript lists texts whose contrast to what is behind them is below 4.5, as the
// Web Content Accessibility Guidelines (level AA) want it of text of this size.
const contrastScript = `(() => {
  const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colours) => { c.fillStyle = "#fff"; c.fillRect(0, 0, 1, 1); for (const one of colours) { c.fillStyle = one; c.fillRect(0, 0, 1, 1); } return c.getImageData(0, 0, 1, 1).data; };
  const light = (p) => [0, 1, 2].map((i) => { const v = p[i] / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const bad = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("script, noscript, :disabled, .unseen") || !e.getClientRects().length) continue;
    const behind = [];
    for (let at = e; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const found = ratio(rgb([...behind, getComputedStyle(e).color]), rgb(behind));
    if (found < 4.5) bad.add(e.className + " " + found.toFixed(2) + ": " + node.data.slice(0, 30));
  }
  const style = getComputedStyle(document.documentElement);
  const named = (name) => rgb([style.getPropertyValue("--" + name)]);
  for (const name of ["here", "unkept", "cluster", "fetched", "cached", "failed"]) {
    const text = ratio(named("on-colour"), named(name));
    const edge = ratio(named("sunk"), named(name));
    if (text < 4.5 || edge < 3) bad.add(name + ": " + text.toFixed(2) + " under text, " + edge.toFixed(2) + " on the tracks");
  }
  return [...bad].join("\n");
})()`

// widestScript names what is too wide.
const widestScript = `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll, .table, nav")).slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n")`

// The page can be read, fits and has names for all that can be used, in both colour
// schemes, at widths of telephones and of desks.
func TestAccess(t *testing.T) {
	b := openBrowser(t)
	data := sampleData(sample{modules: 1200, imports: 20, slots: 8, clusterSlots: 24, changed: 0.3, staged: true, failed: true})
	var paper [2]string
	for _, width := range []int{320, 660, 1000, 1500} {
		for scheme, dark := range []bool{false, true} {
			b.window(width, 800, dark)
			b.open(data)
			b.eval(`document.querySelector("#modules .rows .row:nth-child(3)").click()`)
			b.eval(`document.querySelector("#module .choice:last-child").click()`)
			b.settle()
			if got := b.eval(contrastScript); got != "" {
				t.Errorf("width %d, dark %t: little contrast:\n%s", width, dark, got)
			}
			if got := b.eval("document.documentElement.scrollWidth > innerWidth ? `${document.documentElement.scrollWidth} in ${innerWidth}` : ``"); got != "" {
				t.Errorf("the page is wider than its window: %s: %s", got, b.eval(widestScript))
			}
			paper[scheme] = b.eval(`getComputedStyle(document.body).backgroundColor`)
		}
	}
	if paper[0] == paper[1] {
		t.Errorf("light and dark are both %s", paper[0])
	}
	b.named()
}

// named fails the test for what can be used and has no name for those who do not see it.
func (b *browser) named() {
	b.t.Helper()
	type value struct {
		Value any `json:"value"`
	}
	tree := decode[struct {
		Nodes []struct {
			Ignored bool           `json:"ignored"`
			Role    value          `json:"role"`
			Name    value          `json:"name"`
			Node    jsontext.Value `json:"backendDOMNodeId"`
		} `json:"nodes"`
	}](b.t, b.call("Accessibility.getFullAXTree", nil))
	seen := map[string]int{}
	for _, node := range tree.Nodes {
		role := fmt.Sprint(node.Role.Value)
		if node.Ignored {
			continue
		}
		seen[role]++
		switch role {
		case "button", "link", "searchbox", "grid", "application", "heading", "region", "navigation", "article", "columnheader":
			if name, _ := node.Name.Value.(string); name == "" {
				b.t.Errorf("a %s has no name", role)
			}
		}
	}
	for _, role := range []string{"button", "link", "searchbox", "grid", "row", "gridcell", "columnheader", "application", "heading", "navigation", "main", "article", "status", "alert"} {
		if seen[role] == 0 {
			b.t.Errorf("there is no %s: %v", role, seen)
		}
	}
}
