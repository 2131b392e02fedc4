// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/dtlto/dtlto/internal/cas"
)

// A record's file is
//
//	"dtlto link 4\n"
//	the output's path, in front so that a list of records reads no more
//	strings: number, their lengths, their bytes one after another
//	lists of strings (arguments, environments, changes): number, and each: length, strings
//	inputs: number, and each: path, digest
//	lists of inputs (what all compiles read): number, and each: length, inputs
//	folder, start, wall time, compiler, toolchain, tool, mode, cluster, slots, usage
//	phases: number, and each: name, start, and how long as differences
//	files: number, and each: input, note, stat as differences
//	jobs: number of jobs, of actions, of modules in them, of runs, and each job
//	checksum
//
// Numbers are varints, zigzag where they may be negative. Strings, lists and
// inputs are numbers into their tables, from 1 on, 0 being the empty one (an
// input is never empty, and counts from 0). Inputs follow the order of the
// files, and those of an action are near each other: each is written as the
// difference from the one before. What repeats from module to module is in a
// table; what does not, the digests, is most of a record.
//
// Each thing read takes some bytes, so a file cannot ask for more memory than
// about twenty times its size; the tables make two or three times of a real one.
// How much jobs may have in common is limited as well: see amount.
const (
	magic   = "dtlto link "
	version = "4\n"
	// maxSize bounds a record's size in bytes: 250,000 modules or more.
	maxSize = 64 << 20
)

// The fewest bytes that each takes in a file.
const (
	minString = 2 // its length, which is not 0, and that
	minList   = 2
	minInput  = 1 + minDigest
	minPhase  = 3
	minFile   = 8
	minJob    = 9
	minRun    = 6
	minAction = 6 + minDigest
	minDigest = 33
)

// checksum is a CRC-32 by each of two polynomials, which together are a CRC-64
// by their product: all bursts of up to 64 bits are found, and one in 2^64 of
// other accidents is not. Processors have instructions for both, so that it
// takes a tenth of what a cryptographic hash would, which is not needed: who
// can write a false record can write a false cache.
const checksumSize = 8

func checksum(b []byte) (sum [checksumSize]byte) {
	binary.LittleEndian.PutUint32(sum[:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	binary.LittleEndian.PutUint32(sum[4:], crc32.ChecksumIEEE(b))
	return sum
}

var (
	errVersion   = errors.New("of another version")
	errMalformed = errors.New("malformed")
	errAmount    = errors.New("its jobs have too much in common")
)

// checkedBody takes off the magic word and the checksum, which must be right.
func checkedBody(b []byte) ([]byte, error) {
	body, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok {
		return nil, errors.New("not a record of a link")
	}
	if body, ok = bytes.CutPrefix(body, []byte(version)); !ok {
		line, _, _ := bytes.Cut(body, []byte("\n"))
		return nil, fmt.Errorf("%w: %.20q", errVersion, line)
	}
	end := len(b) - checksumSize
	if len(body) < checksumSize || checksum(b[:end]) != [checksumSize]byte(b[end:]) {
		return nil, errors.New("checksum differs")
	}
	return body[:len(body)-checksumSize], nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendDigest(b []byte, d cas.Digest) []byte {
	return binary.AppendUvarint(append(b, d.Hash[:]...), uint64(d.Size))
}
