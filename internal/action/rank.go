// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Names gives each module of a job its name in the job's action: its rank
// among them, "00.bc", "01.bc" and so on, wide enough that names sort as ranks
// do. Nothing else of a path is left: no folder, archive offset, task number
// or process id.
//
// LLVM imports in the bytewise order of module ids, so the ranks follow the
// order that the modules would have in-process: bytewise by LLD's ids, less
// what DTLTO added to them. An archive member's offset moves whenever the
// archive is made anew; it only breaks ties.
//
// output is the link's output and pid the linker's process, both as in the
// job file.
func Names(modules []string, output string, pid int) map[string]string {
	keys := make([]orderKey, len(modules))
	for i, module := range modules {
		keys[i] = keyOf(module, path.Dir(output), pid)
	}
	slices.SortFunc(keys, orderKey.compare)
	names := make(map[string]string, len(modules))
	for rank, key := range keys {
		names[key.module] = RankName(rank, len(modules))
	}
	return names
}

// RankName is the name of the module with a rank, from 0 on, among so many.
func RankName(rank, modules int) string {
	return fmt.Sprintf("%0*d.bc", max(2, len(strconv.Itoa(modules-1))), rank)
}

// orderKey is what a module is ordered by, the first that differs deciding.
type orderKey struct {
	id     string // LLD's in-process id without the offset
	offset string // as text: LLVM compares ids as text
	module string // the path itself, for two that are the same otherwise
}

func (k orderKey) compare(other orderKey) int {
	return cmp.Or(strings.Compare(k.id, other.id), strings.Compare(k.offset, other.offset), strings.Compare(k.module, other.module))
}

// ModuleID is LLD's id of a module, less what DTLTO adds to it when it has to write
// the module out: the same from link to link, but for an archive member's offset.
// output and pid are as for Names.
func ModuleID(module, output string, pid int) string {
	return withoutDTLTO(module, path.Dir(output), pid)
}

func keyOf(module, folder string, pid int) orderKey {
	id := withoutDTLTO(module, folder, pid)
	key := orderKey{id: id, module: module}
	if at := strings.LastIndex(id, " at "); at >= 0 && strings.HasSuffix(id, ")") {
		if offset := id[at+4 : len(id)-1]; isNumber(offset) {
			key.id, key.offset = id[:at], offset
		}
	}
	return key
}

// withoutDTLTO takes off what LLD 22 adds to the id of a module that it has to
// write out, a regular archive's member or a FatLTO section:
// "<folder of the output>/<id>.<sequence>.<process id in hex>.o".
func withoutDTLTO(module, folder string, pid int) string {
	suffix := fmt.Sprintf(".%X.o", pid)
	stem, ok := strings.CutSuffix(module, suffix)
	dot := strings.LastIndexByte(stem, '.')
	if !ok || pid <= 0 || dot < 0 || !isNumber(stem[dot+1:]) {
		return module
	}
	return strings.TrimPrefix(stem[:dot], folder+"/")
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
