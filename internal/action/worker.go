// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/cas"
)

// Worker is the kind of remote machine that an action is meant for: how the compiler
// is called there, and what is sent along with each action for that. An action for
// a worker has another key than the action itself, which any machine may run that
// has the compiler.
type Worker struct {
	compiler   []string
	properties []message
	folders    message // the root's fields for folders
	Trees      [][]byte
}

// Property is a name and value that a worker must have.
type Property struct{ Name, Value string }

// TreeFile is a file that is sent along. Its name has slashes.
type TreeFile struct {
	Name       string
	Digest     cas.Digest
	Executable bool
}

// NewWorker describes a worker. The words of compiler stand for the compiler in every
// command, relative to the action's folder if they have a slash and do not begin
// with one. Trees are the encoded messages Directory of files, which must be in
// folders, sorted by name.
func NewWorker(compiler []string, properties []Property, files []TreeFile) *Worker {
	w := &Worker{compiler: compiler}
	properties = slices.Clone(properties)
	slices.SortFunc(properties, func(a, b Property) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	for _, property := range properties {
		var m message
		m.text(1, property.Name)
		m.text(2, property.Value)
		w.properties = append(w.properties, m)
	}
	w.folders = w.foldersIn(files)
	return w
}

// EncodeFor is Encode for a kind of worker.
func (a *Action) EncodeFor(w *Worker) Encoded {
	return a.encode(w.compiler, w.properties, w.folders)
}

// foldersIn are the fields of a Directory for the folders that files are in, names
// taken relative to it.
func (w *Worker) foldersIn(files []TreeFile) (fields message) {
	for len(files) > 0 {
		name, _, _ := strings.Cut(files[0].Name, "/")
		n := 0
		var inside []TreeFile
		for ; n < len(files) && strings.HasPrefix(files[n].Name, name+"/"); n++ {
			inside = append(inside, TreeFile{files[n].Name[len(name)+1:], files[n].Digest, files[n].Executable})
		}
		folder := w.folder(inside)
		var node message
		node.text(1, name)
		node.digest(2, cas.DigestOf(folder))
		fields.message(2, node)
		files = files[max(n, 1):]
	}
	return fields
}

// folder is the Directory of files with names relative to it, kept in Trees.
func (w *Worker) folder(files []TreeFile) message {
	m := make(message, 0, 128*len(files))
	var below []TreeFile
	for _, f := range files {
		if strings.Contains(f.Name, "/") {
			below = append(below, f)
			continue
		}
		m.message(1, fileNode(f))
	}
	m = append(m, w.foldersIn(below)...)
	w.Trees = append(w.Trees, m)
	return m
}

func fileNode(f TreeFile) (m message) {
	m.text(1, f.Name)
	m.digest(2, f.Digest)
	if f.Executable {
		m.number(4, 1)
	}
	return m
}
