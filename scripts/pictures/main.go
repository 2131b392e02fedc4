// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command pictures compiles RE2 with Abseil for the links that scripts/pictures.sh shows,
// or finds it compiled, and prints the folder of its objects.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/dtlto/dtlto/internal/corpus"
)

func main() {
	folder, err := compile(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
	fmt.Println(folder)
}

func compile(ctx context.Context) (folder string, err error) {
	cache, err := corpus.DefaultCache()
	if err != nil {
		return "", err
	}
	objects, err := corpus.RE2().Build(ctx, cache, 22, corpus.ThinLTO()...)
	return objects.Dir, err
}
