// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

// BitcodeArchive is an archive with bitcode in it, whole.
type BitcodeArchive struct {
	Path    string
	Members []Loaded // in the archive's order, less what is no object
	used    map[int64]bool
}

// Used says whether the thin link took a member.
func (a *BitcodeArchive) Used(member *Loaded) bool { return a.used[member.Member.HeaderOffset] }

// readBitcodeArchives finds the archives with bitcode among those that the link opened,
// in the order in which it names or loads them first.
func (l *Load) readBitcodeArchives() error {
	seen := map[string]bool{}
	add := func(path string) error {
		a := l.archives[path]
		if a == nil || seen[path] {
			return nil
		}
		seen[path] = true
		archive, mixed, err := l.bitcodeArchive(a)
		if mixed {
			l.Archives = append(l.Archives, archive)
		}
		return err
	}
	for i := range l.Inputs {
		if err := add(l.Inputs[i].Path); err != nil {
			return err
		}
	}
	for i := range l.Loaded {
		if err := add(l.Loaded[i].Path); err != nil {
			return err
		}
	}
	return nil
}

func (l *Load) bitcodeArchive(a *archiveFile) (archive BitcodeArchive, has bool, err error) {
	archive = BitcodeArchive{Path: a.path, used: a.taken}
	for i := range a.all {
		loaded, err := l.lookMember(a, &a.all[i])
		if err != nil {
			if native, unreadable := l.isNative(a, a.all[i]); native && unreadable == nil {
				continue // no object: LLD passes it over
			}
			return archive, has, err
		}
		has = has || loaded.Kind == Module || loaded.Kind == Regular
		archive.Members = append(archive.Members, loaded)
	}
	return archive, has, nil
}
