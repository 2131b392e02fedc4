// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"io"
	"os"
	"strconv"
	"sync"

	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/stage"
)

// moduleFiles are the modules of a link as files. Those that are parts of files are
// written out when a compile needs them, once.
type moduleFiles struct {
	parts map[string]object.Part

	mu      sync.Mutex
	written map[string]*moduleFile
}

type moduleFile struct {
	once sync.Once
	path string
	err  error
}

// file is the path of a file that has what the module has, in the stage if it must be
// written.
func (m *moduleFiles) file(s *stage.Stage, module string) (string, error) {
	part, ok := m.parts[module]
	if !ok {
		return module, nil
	}
	if info, err := os.Stat(part.File); err == nil && part.Offset == 0 && part.Size == info.Size() {
		return part.File, nil // a thin archive's
	}
	f, number := m.of(module)
	f.once.Do(func() {
		f.path, f.err = s.Path("modules", strconv.Itoa(number)+".bc")
		if f.err == nil {
			f.err = part.Extract(f.path)
		}
	})
	return f.path, f.err
}

func (m *moduleFiles) of(module string) (f *moduleFile, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written == nil {
		m.written = map[string]*moduleFile{}
	}
	f = m.written[module]
	if f == nil {
		f = new(moduleFile)
		m.written[module] = f
	}
	return f, len(m.written)
}

// look opens a module for f, unless it cannot be opened.
func (m *moduleFiles) look(module string, f func(r io.ReaderAt, size int64)) {
	part, ok := m.parts[module]
	if !ok {
		info, err := os.Stat(module)
		if err != nil {
			return
		}
		part = object.Part{File: module, Size: info.Size()}
	}
	_ = part.Look(f)
}

// open opens a module to be read.
func (m *moduleFiles) open(module string) (io.ReadCloser, error) {
	part, ok := m.parts[module]
	if !ok {
		return os.Open(module)
	}
	return part.Open()
}

// size is a module's size in bytes, 0 if it cannot be told.
func (m *moduleFiles) size(module string) int64 {
	if part, ok := m.parts[module]; ok {
		return part.Size
	}
	info, err := os.Stat(module)
	if err != nil {
		return 0
	}
	return info.Size()
}
