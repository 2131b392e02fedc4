// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import "strings"

// amount is how much there is to say of a link, in bytes about: what a table has once,
// as often as it is used. A report has all of it.
//
// A table's entry takes one byte more in a file for each use, so that a small file could
// have reports that fill the memory. Real links need many times less than is allowed.
type amount struct {
	words     int64 // what is said of jobs, files and phases
	arguments int64 // and the environment, and the files that all compiles read
	modules   int64 // their paths in actions
	lists     map[stringList]listAmount
}

// What is allowed for each byte of a record, of which a job takes 150 or more, and 265
// with 20 imports. Of words a job may so have 9 KiB if all jobs have the same ones, of
// arguments 19 KiB; 30 arguments, before and now, are 2.5 KiB. An import takes a byte or
// two, and its path may so be 240 bytes long in a link that has nothing but imports.
const (
	wordsPerByte     = 64
	argumentsPerByte = 128
	modulesPerByte   = 256
	// allowed is what a record of any size may have of each.
	allowed = 4 << 20
	// maxChanges is how many index changes a job may have; writers keep a dozen.
	maxChanges = 64
	// perString is what a string costs besides its bytes, in memory or in JSON.
	perString = 16
)

// stringList is a list of strings; those that jobs share are weighed once.
type stringList struct {
	first *string
	n     int
}

// maxLists is how many lists are remembered, which is more than there are ranks of a
// job's own module in most links.
const maxLists = 1 << 10

type listAmount struct {
	bytes int64
	files int64 // how many may be files' names in an action, which people are told otherwise
}

// within says whether a link has no more to say than one in so many bytes may have.
func (l *Link) within(size int) bool {
	a := amount{lists: map[stringList]listAmount{}}
	limit := func(perByte int64) int64 { return allowed + perByte*int64(size) }
	fits := func() bool {
		return a.words <= limit(wordsPerByte) && a.arguments <= limit(argumentsPerByte) && a.modules <= limit(modulesPerByte)
	}
	for i := range l.Phases {
		a.word(l.Phases[i].Name)
	}
	for i := range l.Files {
		a.word(l.Files[i].Path)
		a.word(l.Files[i].Note)
	}
	for i := range l.Jobs {
		// No sum overflows: one job adds less than the square of a record's size, a few times.
		if a.job(&l.Jobs[i]); !fits() || len(l.Jobs[i].IndexChanges) > maxChanges {
			return false
		}
	}
	return fits()
}

func (a *amount) word(s string) { a.words += perString + int64(len(s)) }

func (a *amount) job(j *Job) {
	for _, s := range [...]string{j.Module, j.Reason, j.IndexReason, j.Source} {
		a.word(s)
	}
	for _, s := range j.IndexChanges {
		a.word(s)
	}
	if j.Run != nil {
		a.word(j.Run.Worker)
	}
	var longest, files int64
	for _, action := range [...]*Action{j.Action, j.Before} {
		if action != nil {
			args, env := a.ofList(action.Args), a.ofList(action.Env)
			paths, path := ofInputs(action.Modules)
			extra, file := ofInputs(action.Extra)
			a.arguments += args.bytes + env.bytes + extra
			a.modules += paths
			files += args.files
			longest = max(longest, path, file)
		}
	}
	a.arguments += files * longest
}

func (a *amount) ofList(strs []string) (sum listAmount) {
	if len(strs) == 0 {
		return sum
	}
	key := stringList{&strs[0], len(strs)}
	sum, ok := a.lists[key]
	if ok {
		return sum
	}
	for _, s := range strs {
		sum.bytes += perString + int64(len(s))
		if strings.HasSuffix(s, ".bc") || strings.Contains(s, "input") { // see withPaths
			sum.files++
		}
	}
	if len(a.lists) == maxLists {
		clear(a.lists)
	}
	a.lists[key] = sum
	return sum
}

func ofInputs(inputs []*Input) (sum, longest int64) {
	for _, in := range inputs {
		n := int64(len(in.Path))
		sum += perString + n
		longest = max(longest, n)
	}
	return sum, longest
}
