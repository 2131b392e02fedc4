// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/settings.md instead of comparing it")

const (
	pageFile = "../../docs/settings.md"
	mark     = "-run TestPage -update -->\n"
)

// TestPage holds docs/settings.md to the settings' own descriptions.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), mark)
	if !ok {
		t.Fatalf("%s: has no %q", pageFile, mark)
	}
	want := head + mark + tables()
	switch {
	case string(page) == want:
	case *update:
		if err := os.WriteFile(pageFile, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the table says: go test ./internal/settings -run TestPage -update", pageFile)
	}
}

func tables() string {
	var b strings.Builder
	for i := range All {
		setting := &All[i]
		if setting.Group != "" {
			fmt.Fprintf(&b, "\n### %s\n\n| setting | what |\n|---|---|\n", setting.Group)
		}
		name := setting.Name
		if setting.Argument != "" {
			name += "=" + setting.Argument
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(setting.Help, "|", `\|`))
	}
	return b.String()
}
