// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/report"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
)

// view is how a link is shown, while it goes on and afterwards.
type view struct {
	// messages is where all words about the link go.
	messages io.Writer
	// log takes what happens; nil if nobody looks.
	log *report.Log
	// id is the link's in events and for clusters.
	id      string
	started time.Time
	output  string

	status *report.StatusLine
	lines  *report.JSONLines
	events *eventsFile
	trace  *report.ChromeTrace
	traces string // the trace's file

	ended bool // which was told

	mu     sync.Mutex
	phases []record.Phase
}

// openView gets ready what the user wants to see of a link of output, which began at a
// time. What people read is written to messages. The error is a *UsageError.
func openView(s *settings.Settings, messages io.Writer, output string, started time.Time) (*view, error) {
	v := &view{messages: messages, id: remote.UUID(), started: started, output: output}
	var sinks []report.Sink
	if s.Events != "" {
		var err error
		if v.events, err = openEvents(s.Events, output); err != nil {
			return nil, &UsageError{fmt.Errorf("--events=%s: cannot be written: %w", s.Events, withoutPath(err))}
		}
		v.lines = report.NewJSONLines(v.events, v.id)
		sinks = append(sinks, v.lines)
	}
	if s.Trace != "" {
		var err error
		if v.traces, err = traceFile(s.Trace, output); err != nil {
			_ = v.closeEvents()
			return nil, &UsageError{fmt.Errorf("--trace=%s: cannot be written: %w", s.Trace, withoutPath(err))}
		}
		v.trace = report.NewChromeTrace()
		sinks = append(sinks, v.trace)
	}
	if out, ok := messages.(*os.File); ok && report.WantsStatus(out, os.Getenv, string(s.Progress)) {
		v.status = report.NewStatusLine(out, report.StatusOptions{Colour: report.WantsColour(out, os.Getenv)})
		v.messages = v.status
		sinks = append(sinks, v.status)
	}
	v.log = report.NewLog(started, sinks...)
	return v, nil
}

// traceFile is where the trace of a link goes. That it can be written is found out now,
// not at the end.
func traceFile(path, output string) (string, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, filepath.Base(output)+".trace.json")
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", errNotRegular
	}
	if isOutput(path, output) {
		return "", errIsOutput
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return "", err
	}
	return path, file.Close()
}

// start tells of the link: who does it, and what it makes with which compiler.
func (v *view) start(mode, output, compiler, reason string, s *settings.Settings) {
	if v.log == nil {
		return
	}
	e := &report.Start{
		Schema: report.SchemaVersion, Time: v.started, Tool: "dtlto " + Version(), Mode: mode, Output: output,
		PID: os.Getpid(), Compiler: compiler, Reason: reason, Cluster: clusterAddress(s),
	}
	if path, err := filepath.Abs(output); err == nil {
		e.Output = path
	}
	e.Folder, _ = os.Getwd()
	v.log.Add(e)
}

// phase says that a part of the link begins, and gives what says that it has ended.
func (v *view) phase(name string) (end func()) {
	if v.log != nil {
		v.log.Add(&report.PhaseStart{Phase: name})
	}
	start := time.Since(v.started)
	return func() { v.addPhase(record.Phase{Name: name, Start: start, End: time.Since(v.started)}) }
}

func (v *view) addPhase(p record.Phase) {
	v.mu.Lock()
	v.phases = append(v.phases, p)
	v.mu.Unlock()
	if v.log != nil {
		v.log.Add(&report.Phase{Phase: p.Name, Start: report.Seconds(p.Start), End: report.Seconds(p.End)})
	}
}

// warn says something that does not keep the link from being made.
func (v *view) warn(err error) {
	fmt.Fprintf(v.messages, "dtlto: warning: %v\n", err)
	v.log.Add(&report.Message{Text: "warning: " + err.Error()})
}

// end tells that the link is over, which comes last. What the view knows itself it adds.
func (v *view) end(e *report.End) {
	v.ended = true
	e.Wall = report.Seconds(time.Since(v.started))
	if path, err := filepath.Abs(v.output); err == nil {
		e.Output = path
	}
	v.mu.Lock()
	for _, p := range v.phases {
		e.Phases = append(e.Phases, report.Phase{Phase: p.Name, Start: report.Seconds(p.Start), End: report.Seconds(p.End)})
	}
	v.mu.Unlock()
	v.log.Add(e)
}

// clear takes the status line away, for good: somebody else is going to print.
func (v *view) clear() {
	if v.status != nil {
		v.status.Stop()
	}
}

// close ends the view. What could not be written is a warning: the link is made.
func (v *view) close() {
	v.clear()
	if !v.ended {
		v.end(&report.End{})
	}
	for _, err := range []error{v.closeEvents(), v.writeTrace()} {
		if err != nil {
			fmt.Fprintf(v.messages, "dtlto: warning: %v\n", err)
		}
	}
}

func (v *view) closeEvents() error {
	if v.events == nil {
		return nil
	}
	err := v.events.Close()
	if v.lines.Err() != nil {
		err = v.lines.Err()
	}
	if err != nil {
		err = fmt.Errorf("events are missing in %s: %w", v.events.Name(), withoutPath(err))
	}
	return err
}

// writeTrace writes the trace, all of it or what was there before.
func (v *view) writeTrace() error {
	if v.trace == nil {
		return nil
	}
	var b bytes.Buffer
	_, err := v.trace.WriteTo(&b)
	if err == nil {
		err = writeWhole(v.traces, b.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("there is no trace in %s: %w", v.traces, withoutPath(err))
	}
	return err
}

// writeWhole gives a file its contents, all of them or what it had; one that is no regular
// file, such as /dev/stdout, gets them as they come.
func writeWhole(path string, contents []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, contents, 0o666)
	}
	aside := stage.For(path)
	err := aside.Write(path, "whole", contents)
	return errors.Join(err, aside.Remove())
}
