// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command man writes the manual pages: dtlto(1) and ld.dtlto(1) from the help of the
// commands and the table of settings, so that neither says what the other does not.
//
//	go run ./packaging/man -date 2026-11-22 FOLDER
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dtlto/dtlto/internal/command"
)

func main() {
	date := flag.String("date", "", "the pages' date, as 2006-01-02")
	flag.Parse()
	if err := write(flag.Args(), *date); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

func write(args []string, date string) error {
	if len(args) != 1 {
		return fmt.Errorf("needs a folder to write to, got %d arguments", len(args))
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return fmt.Errorf("-date=%s: must be as 2006-01-02", date)
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	for name, text := range pages(day) {
		if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages are the files. dtlto(1) is the page of dtlto-remote, too, which has the same command
// line: packages have a link of that name.
func pages(day time.Time) map[string]string {
	date := day.Format("January 2, 2006") // as mdoc wants it
	return map[string]string{
		"dtlto.1":    dtltoPage(command.NewManual(), date),
		"ld.dtlto.1": linkerPage(date),
	}
}
