// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

// described is a name and what it means.
type described struct{ name, what string }

var variables = []described{
	{"XDG_CACHE_HOME", "The folder that has the cache, in dtlto; without it ~/.cache."},
	{"XDG_CONFIG_HOME", "The folder that has the file of settings; without it ~/.config."},
	{"MAKEFLAGS", "Where make, or ninja, has its jobserver: compiles take its tokens."},
	{"NO_COLOR", "No colours, if it is set and not empty."},
	{"TERM", "If it is dumb, nothing is drawn on the terminal."},
	{"CI", "If it is set, and neither false nor 0, nothing is drawn on the terminal unless asked for."},
}

const variableHelp = `Each setting, in capitals and with _ for -, as in DTLTO_REMOTE_EXECUTOR. The
command line counts more, files of settings less. One that can be given again has a
value on each line.`

// environment are the variables that the programs read.
func environment(p *page) {
	p.heading("ENVIRONMENT")
	p.beginList()
	p.item("Ev", "DTLTO_", "Ns", "Ar", argument("NAME"))
	p.fill(variableHelp)
	for _, v := range variables {
		p.item("Ev", argument(v.name))
		p.fill(v.what)
	}
	p.endList()
}

var fileNames = []described{
	{"~/.config/dtlto/config.toml", "The user's settings: lines of NAME = VALUE, texts in quotes, lists in brackets. dtlto config prints what counts."},
	{"~/.cache/dtlto", "Results and what links remember. It may be deleted at any time."},
	{"/usr/share/doc/dtlto", "The documentation, from the first link to clusters and limits."},
}

func files(p *page) {
	p.heading("FILES")
	p.beginList()
	for _, f := range fileNames {
		p.item("Pa", argument(f.name))
		p.fill(f.what)
	}
	p.endList()
}
