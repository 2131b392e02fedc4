// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPictures writes pictures of pages into the folder that DTLTO_TEST_PICTURES names,
// for people to look at.
func TestPictures(t *testing.T) {
	folder := os.Getenv("DTLTO_TEST_PICTURES")
	if folder == "" {
		t.Skip("DTLTO_TEST_PICTURES names no folder")
	}
	large := sample{modules: 20000, imports: 60, slots: 16, clusterSlots: 64, changed: 0.12}
	medium := sample{modules: 200, imports: 12, slots: 8, clusterSlots: 0, changed: 0.5, staged: true}
	mixed := sample{modules: 1200, imports: 20, slots: 8, clusterSlots: 24, changed: 0.3, staged: true}
	failed := medium
	failed.failed = true
	b := openBrowser(t)
	for _, tc := range []struct {
		name          string
		sample        sample
		width, height int
		dark          bool
		act           string // what is done before
	}{
		{"200-light", medium, 1360, 0, false, `choose`},
		{"200-dark", medium, 1360, 0, true, `choose`},
		{"200-narrow", medium, 390, 0, false, `choose`},
		{"1200-light", mixed, 1600, 0, false, `choose2`},
		{"1200-dark", mixed, 1000, 0, true, `choose2`},
		{"20000-light", large, 1500, 0, false, ``},
		{"20000-dark-narrow", large, 720, 0, true, ``},
		{"1-light", sample{modules: 1, slots: 2, changed: 1}, 1200, 0, false, ``},
		{"cached-dark", sample{modules: 200, imports: 12, slots: 8}, 1200, 0, true, ``},
		{"wide-cluster-light", sample{modules: 9000, imports: 20, slots: 16, clusterSlots: 240, changed: 0.5, staged: true}, 1500, 0, false, `zoom`},
		{"failed-light", failed, 1200, 0, false, ``},
	} {
		b.window(tc.width, 900, tc.dark)
		b.open(sampleData(tc.sample))
		switch tc.act {
		case "zoom":
			b.eval(`document.querySelectorAll(".tool")[1].click()`)
			b.eval(`document.querySelectorAll(".tool")[1].click()`)
			b.eval(`document.querySelectorAll(".tool")[1].click()`)
		case "choose2":
			b.eval(`[...document.querySelectorAll("#modules .choice")].find((c) => c.dataset.key === "2")?.click()`)
			fallthrough
		case "choose":
			b.eval(`document.querySelectorAll("#modules .rows .row")[` + map[string]string{"choose": "3", "choose2": "4"}[tc.act] + `].click()`)
			b.eval(`[...document.querySelectorAll("#module .choice")].find((c) => c.dataset.key === "` + map[string]string{"choose": "1", "choose2": "2"}[tc.act] + `")?.click()`)
		}
		t.Log(tc.name, b.eval("`${innerWidth} ${document.documentElement.scrollWidth} ready ${document.documentElement.dataset.built} ${document.documentElement.dataset.ready}`"))
		b.eval(`scrollTo(0, 0)`)
		b.pictures(filepath.Join(folder, tc.name))
		b.fine()
	}
}

// TestReportPictures writes the pictures for docs/reports.md, of the report that
// DTLTO_TEST_REPORT names, into the folder that DTLTO_TEST_PICTURES names.
// scripts/pictures.sh makes both.
func TestReportPictures(t *testing.T) {
	report, folder := os.Getenv("DTLTO_TEST_REPORT"), os.Getenv("DTLTO_TEST_PICTURES")
	if report == "" || folder == "" {
		t.Skip("DTLTO_TEST_REPORT names no report")
	}
	b := openBrowser(t)
	for _, tc := range []struct {
		name     string
		width    int
		dark     bool
		choose   bool // the first module of the table, which took longest
		from, to string
	}{
		{"report-light", 1280, false, false, "", "#timeline"},
		{"report-dark", 1680, true, false, "", "#modules"},
		{"report-module", 1280, false, true, "#module", "#module"},
		{"report-comparison", 1280, false, false, "#comparison h2", "#comparison"},
	} {
		b.window(tc.width, 900, tc.dark)
		b.openFile(report)
		if tc.choose {
			b.eval(`document.querySelector("#modules .rows .row").click(); document.activeElement.blur()`)
		}
		b.part(filepath.Join(folder, tc.name+".png"), tc.from, tc.to)
		b.fine()
	}
}
