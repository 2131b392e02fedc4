// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

// Why says in words, a sentence each, why a job was compiled; nothing if it was
// not.
func (j *Job) Why() []string { return nil }
