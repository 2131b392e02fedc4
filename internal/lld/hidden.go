// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// Hidden are symbols that bitcode makes less visible than a link of its objects
// would: a declaration with hidden visibility hides a symbol in in-process LTO also
// when nothing of it is left in the object, so that a shared library does not
// export it.
type Hidden struct {
	all     map[string]bitcode.SymbolVisibility // what bitcode says in sum, where that is not the default
	weaker  map[string]bool                     // of these, those that some bitcode defines with a weaker visibility
	natives []Loaded                            // that may define what no bitcode does
}

// Hidden reads the bitcode files' symbol tables. The error is an *Inexact for a file
// without one.
func (l *Load) Hidden(workers int) (*Hidden, error) {
	var modules []Loaded
	h := &Hidden{all: map[string]bitcode.SymbolVisibility{}, weaker: map[string]bool{}}
	for _, loaded := range l.Loaded {
		switch loaded.Kind {
		case Module, Regular:
			modules = append(modules, loaded)
		case Native:
			h.natives = append(h.natives, loaded)
		case Shared:
		}
	}
	var mu sync.Mutex
	err := eachSymbolTable(modules, workers, func(symbols []bitcode.LinkSymbol) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range symbols {
			if name := string(s.Name); stricter(s.Visibility, h.all[name]) {
				h.all[name] = s.Visibility
			}
		}
	}, func(s bitcode.LinkSymbol) bool { return s.Visibility != bitcode.DefaultVisibility })
	if err != nil || len(h.all) == 0 {
		return h, err
	}
	defined := map[string]bool{}
	err = eachSymbolTable(modules, workers, func(symbols []bitcode.LinkSymbol) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range symbols {
			defined[string(s.Name)] = true
			if stricter(h.all[string(s.Name)], s.Visibility) {
				h.weaker[string(s.Name)] = true
			}
		}
	}, func(s bitcode.LinkSymbol) bool { _, ok := h.all[string(s.Name)]; return ok && !s.Undefined })
	for name := range h.all {
		if defined[name] && !h.weaker[name] {
			delete(h.all, name)
		}
	}
	return h, err
}

// stricter says whether a hides more than b.
func stricter(a, b bitcode.SymbolVisibility) bool {
	rank := [4]int{bitcode.DefaultVisibility: 0, bitcode.Protected: 1, bitcode.Hidden: 2}
	return rank[a&3] > rank[b&3]
}

// eachSymbolTable gives f those symbols of each file that want chooses.
func eachSymbolTable(files []Loaded, workers int, f func([]bitcode.LinkSymbol), want func(bitcode.LinkSymbol) bool) error {
	var wait sync.WaitGroup
	errs := make([]error, max(1, workers))
	for w := range errs {
		wait.Go(func() {
			for i := w; i < len(files) && errs[w] == nil; i += len(errs) {
				errs[w] = symbolTable(&files[i], f, want)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func symbolTable(file *Loaded, f func([]bitcode.LinkSymbol), want func(bitcode.LinkSymbol) bool) error {
	var chosen []bitcode.LinkSymbol
	var found error
	part := object.Part{File: file.File, Offset: file.Offset, Size: file.Size}
	err := part.Look(func(r io.ReaderAt, size int64) {
		found = bitcode.EachLinkSymbol(r, size, func(s bitcode.LinkSymbol) {
			if want(s) {
				s.Name = slices.Clone(s.Name)
				chosen = append(chosen, s)
			}
		})
	})
	if err = errors.Join(err, found); err != nil {
		return &Inexact{file.Name(), "does not tell its symbols: " + err.Error()}
	}
	if len(chosen) > 0 {
		f(chosen)
	}
	return nil
}

// Assembly is the source of an object that hides in the final link what must be
// hidden of what objects, those of modules, and native ones define. It is empty if
// there is nothing, as there mostly is.
func (h *Hidden) Assembly(objects []string) (string, error) {
	if len(h.all) == 0 {
		return "", nil
	}
	hide := map[string]bitcode.SymbolVisibility{}
	for _, native := range h.natives {
		part := object.Part{File: native.File, Offset: native.Offset, Size: native.Size}
		if err := h.defined(part, hide); err != nil {
			return "", err
		}
	}
	if len(h.weaker) > 0 {
		for _, path := range objects {
			info, err := os.Stat(path)
			if err == nil {
				err = h.defined(object.Part{File: path, Size: info.Size()}, hide)
			}
			if err != nil {
				return "", err
			}
		}
	}
	return assembly(hide), nil
}

// defined adds to hide what an object defines too visibly.
func (h *Hidden) defined(part object.Part, hide map[string]bitcode.SymbolVisibility) (err error) {
	if part.Size == 0 {
		return nil // data
	}
	looked := part.Look(func(r io.ReaderAt, _ int64) {
		var file *elf.File
		if file, err = elf.NewFile(r); err != nil {
			return
		}
		var symbols []elf.Symbol
		if symbols, err = file.Symbols(); errors.Is(err, elf.ErrNoSymbols) {
			err = nil
		}
		for _, s := range symbols {
			wanted, ok := h.all[s.Name]
			if ok && s.Section != elf.SHN_UNDEF && elf.ST_BIND(s.Info) != elf.STB_LOCAL && stricter(wanted, visibilityOf(s)) {
				hide[s.Name] = wanted
			}
		}
	})
	if err = errors.Join(looked, err); err != nil {
		return &Inexact{part.File, "is an object that cannot be read: " + err.Error()}
	}
	return nil
}

func visibilityOf(s elf.Symbol) bitcode.SymbolVisibility {
	switch elf.ST_VISIBILITY(s.Other) {
	case elf.STV_HIDDEN, elf.STV_INTERNAL:
		return bitcode.Hidden
	case elf.STV_PROTECTED:
		return bitcode.Protected
	}
	return bitcode.DefaultVisibility
}

// assembly refers to the symbols, weakly so that nothing is loaded for them. The
// property note has all features: the linker gives the program those that every
// object has.
func assembly(hide map[string]bitcode.SymbolVisibility) string {
	if len(hide) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(hide)) {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
		kind := map[bitcode.SymbolVisibility]string{bitcode.Hidden: ".hidden", bitcode.Protected: ".protected"}[hide[name]]
		fmt.Fprintf(&b, ".weak %s\n%s %s\n", quoted, kind, quoted)
	}
	b.WriteString(".section .note.GNU-stack,\"\",%progbits\n.section .note.gnu.property,\"a\",%note\n.p2align 3\n" +
		".long 4, 32, 5\n.asciz \"GNU\"\n.long 0xc0000000, 4, 0xffffffff, 0\n.long 0xc0000002, 4, 0xffffffff, 0\n")
	return b.String()
}
