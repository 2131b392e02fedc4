// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package page makes one self-contained HTML file of what is on record about a link.
package page
