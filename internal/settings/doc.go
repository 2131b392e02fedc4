// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package settings knows what a user can choose, and where each choice came from.
//
// Every setting is a flag of the distributor (--NAME), an option of the linker
// (--dtlto-NAME), an environment variable (DTLTO_NAME, with _ for -) and a key in a
// TOML file (NAME). The command line wins over variables, variables over the file that
// --config or DTLTO_CONFIG names, and that over the user's own file. Of a setting that
// can be given again, such as a header, all that was given counts, but for what a
// stronger source says of the same header.
//
// Values of headers and passwords in addresses are in no message that this package
// makes.
package settings
