// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "errors"

// skipModule is the flag of a summary that makes a backend emit an empty object:
// ModuleSummaryIndex::skipModuleByDistributedBackend.
const skipModule = 0x2

// skipSummaryVersion is the summary version of LLVM 13, which newer ones read.
const skipSummaryVersion = 9

// SkipIndex is the index shard of a module that the link has no use for, as LLD
// writes it for an object file that stays lazy: it names no module, and the backend
// that gets it makes an object without symbols. LLVM 13 and newer read it.
func SkipIndex() []byte {
	w := newWriter()
	w.enter(moduleBlock, summaryWidth)
	w.record(moduleVersion, 2)
	w.enter(moduleStrtabBlock, summaryWidth)
	w.end()
	w.enter(summaryBlock, summaryWidth)
	w.record(summaryVersion, skipSummaryVersion)
	w.record(summaryFlags, skipModule)
	w.end()
	w.end()
	w.enter(strtabBlock, summaryWidth)
	w.blob(stringBlob, nil)
	w.end()
	return w.bytes()
}

// errFound ends a walk.
var errFound = errors.New("found")

// IsSkipIndex reports whether a shard tells the backend to skip its module, whoever
// wrote it. What is no index shard does not.
func IsSkipIndex(shard []byte) bool {
	c, err := NewCursor(shard)
	if err != nil {
		return false
	}
	flags := func(e Entry) error {
		if e.Kind != Record || e.ID != summaryFlags {
			return nil
		}
		ops, err := c.Operands()
		if err == nil && len(ops.Values) == 1 && ops.Values[0]&skipModule != 0 {
			return errFound
		}
		return err
	}
	summary := func(e Entry) error {
		if e.Kind != Block || e.ID != summaryBlock {
			return nil
		}
		return eachEntry(c, flags)
	}
	for {
		e, err := c.Next()
		if err == nil && e.Kind == Block && e.ID == moduleBlock {
			err = eachEntry(c, summary)
		}
		if err != nil {
			return errors.Is(err, errFound)
		}
	}
}
