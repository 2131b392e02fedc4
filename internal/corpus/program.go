// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package corpus builds real programs as bitcode, for tests, the demo and the
// benchmarks: the zstd library and SQLite in C, LevelDB and RE2 with Abseil in C++, each with
// a small program of ours around it.
//
// Sources come from the Go module proxy and from npm, pinned by version and
// checked against a digest. Objects are kept under the module's build folder, by
// LLVM version and flags, so that only the first use compiles anything.
package corpus

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Program is a library with a program of ours that uses it.
type Program struct {
	Name string // also the name of its folder in the cache and of its archive, lib<Name>.a
	CXX  bool   // linked by clang++

	flags []string // what each of its sources needs
	text  string   // our program
	fetch func(dir string) error
	pick  func(dir string) ([]string, error) // the library's sources, below the fetched folder
}

//go:embed programs/zstd.c
var zstdProgram string

//go:embed programs/re2.cc
var re2Program string

//go:embed programs/sqlite.c
var sqliteProgram string

//go:embed programs/leveldb.cc
var levelDBProgram string

// Zstd is the zstd library: 40 C files, and one of assembly, so that its archive
// has a native member among those of bitcode.
func Zstd() Program {
	return Program{
		Name:  "zstd",
		flags: []string{"-DZSTD_LEGACY_SUPPORT=4", "-DZSTD_MULTITHREAD=1"},
		text:  zstdProgram,
		fetch: fetchZstd,
		pick:  zstdSources,
	}
}

// RE2 is RE2 with the parts of Abseil that it is built with: about 130 C++ files,
// of which a link from the archive takes about 90.
func RE2() Program {
	return Program{
		Name:  "re2",
		CXX:   true,
		flags: []string{"-std=c++20", "-DNDEBUG", "-w", "-Ivendor/re2", "-Ivendor/abseil-cpp"},
		text:  re2Program,
		fetch: fetchPackage(re2Package, re2Integrity),
		pick:  re2Sources,
	}
}

// LevelDB is LevelDB without Snappy: about 45 C++ files, few templates, between
// the other two in the size of its modules.
func LevelDB() Program {
	return Program{
		Name: "leveldb",
		CXX:  true,
		flags: []string{"-std=c++17", "-DNDEBUG", "-w", "-DOS_LINUX", "-DLEVELDB_PLATFORM_POSIX", "-DLEVELDB_ATOMIC_PRESENT", "-pthread",
			"-Ideps/leveldb/leveldb-1.20", "-Ideps/leveldb/leveldb-1.20/include"},
		text:  levelDBProgram,
		fetch: fetchPackage(levelDBPackage, levelDBIntegrity),
		pick:  levelDBSources,
	}
}

// SQLite is SQLite in one C file, as it is distributed: one module of 250,000 lines,
// that gains nothing from being distributed and must lose nothing. It is not among
// All, whose users compile each program several times.
func SQLite() Program {
	return Program{
		Name:  "sqlite",
		flags: []string{"-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION"},
		text:  sqliteProgram,
		fetch: fetchSQLite,
		pick:  func(string) ([]string, error) { return []string{"sqlite3-binding.c"}, nil },
	}
}

// All is every program but SQLite.
func All() []Program { return []Program{Zstd(), LevelDB(), RE2()} }

func zstdSources(dir string) ([]string, error) {
	var sources []string
	for _, glob := range []string{"*.c", "*.S"} {
		found, err := filepath.Glob(filepath.Join(dir, glob))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			sources = append(sources, filepath.Base(f))
		}
	}
	if len(sources) < 40 {
		return nil, fmt.Errorf("%s: %d sources of zstd, want 40 or more", dir, len(sources))
	}
	return sources, nil
}

// levelDBSources takes the library's folders less its tests, benchmarks, tools
// and ports to other systems.
func levelDBSources(dir string) ([]string, error) {
	other := regexp.MustCompile(`_test\.cc$|_bench\.cc$|_main\.cc$|leveldbutil\.cc$|test(util|harness)\.cc$|_win\.cc$`)
	var sources []string
	for _, folder := range []string{"db", "table", "util", "port", "helpers/memenv"} {
		found, err := filepath.Glob(filepath.Join(dir, "deps/leveldb/leveldb-1.20", folder, "*.cc"))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if source, err := filepath.Rel(dir, f); err == nil && !other.MatchString(f) {
				sources = append(sources, source)
			}
		}
	}
	if len(sources) < 35 {
		return nil, fmt.Errorf("%s: %d sources of LevelDB, want 35 or more", dir, len(sources))
	}
	return sources, nil
}

// re2Sources takes the list of sources from the package's own build file, less
// what is for Windows and the package's binding to Node.
func re2Sources(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, "binding.gyp"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	source := regexp.MustCompile(`^\s*"(vendor/[^"]+\.cc)"`)
	var sources []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		m := source.FindStringSubmatch(lines.Text())
		if m != nil && !strings.Contains(m[1], "win") {
			sources = append(sources, m[1])
		}
	}
	if len(sources) < 80 {
		return nil, fmt.Errorf("%s: %d sources of RE2, want 80 or more", f.Name(), len(sources))
	}
	return sources, lines.Err()
}
