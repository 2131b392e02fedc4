// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// Hidden are symbols that bitcode makes less visible than a link of its objects
// would: a declaration with hidden visibility hides a symbol in in-process LTO also
// when nothing of it is left in the object, so that a shared library does not
// export it. So does a definition that another one, native and visible, prevails over.
type Hidden struct {
	all     map[string]bitcode.SymbolVisibility // what bitcode says in sum, where that is not the default
	weaker  map[string]bool                     // of these, those that some bitcode defines with a weaker visibility
	natives []Loaded                            // that may define them too visibly
	others  []string                            // what --defsym and linker scripts define
	triple  string                              // of the modules
	load    *Load
}

// Hidden reads the bitcode files' symbol tables. The error is an *Inexact for a file
// without one.
func (l *Load) Hidden(workers int) (*Hidden, error) {
	var modules []Loaded
	h := &Hidden{all: map[string]bitcode.SymbolVisibility{}, weaker: map[string]bool{}, others: l.assigned(), load: l}
	for _, loaded := range l.Loaded {
		switch loaded.Kind {
		case Module, Regular:
			modules = append(modules, loaded)
			h.triple = cmp.Or(h.triple, loaded.Triple)
		case Native:
			h.natives = append(h.natives, loaded)
		case Shared:
		}
	}
	hides := func(s bitcode.LinkSymbol) bool { return s.Visibility != bitcode.DefaultVisibility }
	err := eachSymbolTable(modules, workers, hides, func(name string, s bitcode.LinkSymbol) {
		if stricter(s.Visibility, h.all[name]) {
			h.all[name] = s.Visibility
		}
	})
	if err != nil || len(h.all) == 0 {
		return h, err
	}
	tooVisible := func(s bitcode.LinkSymbol) bool {
		return !s.Undefined && stricter(h.all[linkName(string(s.Name))], s.Visibility)
	}
	return h, eachSymbolTable(modules, workers, tooVisible, func(name string, _ bitcode.LinkSymbol) { h.weaker[name] = true })
}

// assigned are the symbols that --defsym and linker scripts define.
func (l *Load) assigned() []string {
	names := l.command.Values("defsym")
	for i, definition := range names {
		names[i], _, _ = strings.Cut(definition, "=")
	}
	scripts := slices.Concat(l.command.Values("script"), l.command.Values("default-script"))
	for i, name := range scripts {
		scripts[i] = l.command.included(name)
	}
	for i := range l.Inputs {
		if in := &l.Inputs[i]; in.Script && !in.Lists {
			scripts = append(scripts, in.Path)
		}
	}
	for _, path := range scripts {
		text, _ := scriptText(path)
		names = append(names, readScript(text).assigned...)
	}
	return names
}

// linkName is a symbol's name to the linker: NAME@@VERSION is NAME.
func linkName(name string) string {
	name, _, _ = strings.Cut(name, "@@")
	return name
}

// stricter says whether a hides more than b.
func stricter(a, b bitcode.SymbolVisibility) bool {
	rank := [4]int{bitcode.DefaultVisibility: 0, bitcode.Protected: 1, bitcode.Hidden: 2}
	return rank[a&3] > rank[b&3]
}

// eachSymbolTable gives f those symbols of the files that want chooses: want is called
// many times at once, f is not.
func eachSymbolTable(files []Loaded, workers int, want func(bitcode.LinkSymbol) bool, f func(name string, s bitcode.LinkSymbol)) error {
	var mu sync.Mutex
	var wait sync.WaitGroup
	errs := make([]error, max(1, workers))
	for w := range errs {
		wait.Go(func() {
			for i := w; i < len(files) && errs[w] == nil; i += len(errs) {
				var chosen []bitcode.LinkSymbol
				chosen, errs[w] = symbolTable(&files[i], want)
				mu.Lock()
				for _, s := range chosen {
					f(linkName(string(s.Name)), s)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func symbolTable(file *Loaded, want func(bitcode.LinkSymbol) bool) (chosen []bitcode.LinkSymbol, err error) {
	part := object.Part{File: file.File, Offset: file.Offset, Size: file.Size}
	looked := part.Look(func(r io.ReaderAt, size int64) {
		err = bitcode.EachLinkSymbol(r, size, func(s bitcode.LinkSymbol) {
			if want(s) {
				s.Name = slices.Clone(s.Name)
				chosen = append(chosen, s)
			}
		})
	})
	if err = errors.Join(looked, err); err != nil {
		return nil, &Inexact{file.Name(), "does not tell its symbols: " + err.Error()}
	}
	return chosen, nil
}

// Triple is the target of the modules.
func (h *Hidden) Triple() string { return h.triple }

// Assembly is the source of an object that hides in the final link what must be
// hidden of what objects, those of modules, and the others of the FinalLink define. It
// is empty if there is nothing, as there mostly is. An error is an *Inexact or of a file.
func (h *Hidden) Assembly(objects []string) (string, error) {
	hide, err := h.byOthers()
	if err != nil {
		return "", err
	}
	if len(h.weaker) == 0 {
		objects = nil
	}
	for _, object := range append(slices.Clone(objects), h.load.combined) {
		if err := h.definedIn(object, hide); err != nil {
			return "", err
		}
	}
	return assembly(hide, h.triple)
}

// EarlyAssembly is Assembly when the objects are still to be made, but for the combined
// one if there is any: it hides also what they may turn out not to define.
func (h *Hidden) EarlyAssembly(combined string) (string, error) {
	hide, err := h.byOthers()
	if err == nil {
		err = h.definedIn(combined, hide)
	}
	if err != nil {
		return "", err
	}
	for name := range h.weaker {
		hide[name] = h.all[name]
	}
	return assembly(hide, h.triple)
}

// byOthers is what must be hidden of what is defined elsewhere than in bitcode.
func (h *Hidden) byOthers() (map[string]bitcode.SymbolVisibility, error) {
	hide := map[string]bitcode.SymbolVisibility{}
	if len(h.all) == 0 {
		return hide, nil
	}
	for _, name := range h.others {
		if wanted, ok := h.all[name]; ok {
			hide[name] = wanted
		}
	}
	for _, native := range h.natives {
		part := object.Part{File: native.File, Offset: native.Offset, Size: native.Size}
		if err := h.defined(part, hide); err != nil {
			return nil, err
		}
	}
	return hide, nil
}

// definedIn is defined of an object that LTO made. The combined one defines visibly what
// no bitcode does: tables for control flow integrity have the names of hidden functions.
func (h *Hidden) definedIn(file string, hide map[string]bitcode.SymbolVisibility) error {
	if file == "" || len(h.all) == 0 {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return h.defined(object.Part{File: file, Size: info.Size()}, hide)
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
			name := linkName(s.Name)
			wanted, ok := h.all[name]
			if ok && s.Section != elf.SHN_UNDEF && elf.ST_BIND(s.Info) != elf.STB_LOCAL && stricter(wanted, visibilityOf(s)) {
				hide[name] = wanted
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
func assembly(hide map[string]bitcode.SymbolVisibility, triple string) (string, error) {
	if len(hide) == 0 {
		return "", nil
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(hide)) {
		// LLVM 13 to 19 take a backslash in quotes as it is, LLVM 22 does not.
		if strings.HasPrefix(name, ".L") || strings.ContainsAny(name, "\"\\\n\r\x00") {
			return "", &Inexact{strconv.Quote(name), "is a symbol that bitcode hides and assembly cannot name"}
		}
		quoted := `"` + name + `"`
		kind := map[bitcode.SymbolVisibility]string{bitcode.Hidden: ".hidden", bitcode.Protected: ".protected"}[hide[name]]
		fmt.Fprintf(&b, ".weak %s\n%s %s\n", quoted, kind, quoted)
	}
	notes, ok := notes(triple)
	if !ok {
		return "", &Inexact{slices.Sorted(maps.Keys(hide))[0], "is a symbol that bitcode hides, in code for " + triple}
	}
	return b.String() + notes, nil
}

// notes are what every object of a target needs for that the program keeps its
// properties. They are not known for targets whose objects must agree on more, such as
// how floating-point numbers are passed.
func notes(triple string) (source string, ok bool) {
	const stack = ".section .note.GNU-stack,\"\",%progbits\n.section .note.gnu.property,\"a\",%note\n"
	machine, _, _ := strings.Cut(triple, "-")
	switch {
	case strings.HasSuffix(triple, "x32") || strings.HasSuffix(triple, "ilp32"):
		return "", false
	case machine == "x86_64":
		return stack + ".p2align 3\n.long 4, 16, 5\n.asciz \"GNU\"\n.long 0xc0000002, 4, 0xffffffff, 0\n", true
	case machine == "aarch64":
		return stack + ".p2align 3\n.long 4, 16, 5\n.asciz \"GNU\"\n.long 0xc0000000, 4, 0xffffffff, 0\n", true
	case len(machine) == 4 && strings.HasPrefix(machine, "i") && strings.HasSuffix(machine, "86"):
		return stack + ".p2align 2\n.long 4, 12, 5\n.asciz \"GNU\"\n.long 0xc0000002, 4, 0xffffffff\n", true
	}
	return "", false
}
