// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// browser is a Chromium without a window, spoken to over its DevTools pipe: commands and
// answers are JSON, each with a zero byte after it.
type browser struct {
	t       testing.TB
	to      io.WriteCloser
	from    *bufio.Reader
	session string
	last    int
}

type message struct {
	ID        int            `json:"id,omitzero"`
	SessionID string         `json:"sessionId,omitzero"`
	Method    string         `json:"method,omitzero"`
	Params    any            `json:"params,omitzero"`
	Result    jsontext.Value `json:"result,omitzero"`
	Error     jsontext.Value `json:"error,omitzero"`
}

// openBrowser starts a Chromium with one empty page. It ends with the test.
func openBrowser(t testing.TB) *browser {
	t.Helper()
	program := llvmtest.Tool(t, "chromium")
	toRead, toWrite := pipe(t)
	fromRead, fromWrite := pipe(t)
	// The sandbox does not work for root, nor in many containers; the page is our own.
	cmd := exec.Command(program, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{toRead, fromWrite}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toRead.Close()
	fromWrite.Close()
	b := &browser{t: t, to: toWrite, from: bufio.NewReaderSize(fromRead, 1<<20)}
	// What hangs is ended, and the test with it.
	watch := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil)
		toWrite.Close()
		_ = cmd.Wait()
		watch.Stop()
		fromRead.Close()
	})
	b.attach()
	return b
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (b *browser) attach() {
	b.t.Helper()
	target := decode[struct {
		TargetID string `json:"targetId"`
	}](b.t, b.call("Target.createTarget", map[string]any{"url": "about:blank"}))
	attached := decode[struct {
		SessionID string `json:"sessionId"`
	}](b.t, b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}))
	b.session = attached.SessionID
	b.call("Page.enable", nil)
}

// call calls a method and waits for its answer; events are passed over.
func (b *browser) call(method string, params any) jsontext.Value {
	b.t.Helper()
	b.last++
	text, err := json.Marshal(message{ID: b.last, SessionID: b.session, Method: method, Params: params})
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(method, err)
	}
	for {
		if m := b.read(method); m.ID == b.last {
			if m.Error != nil {
				b.t.Fatalf("%s: %s", method, m.Error)
			}
			return m.Result
		}
	}
}

func (b *browser) read(method string) message {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: chromium ended: %v", method, err)
	}
	return decode[message](b.t, text[:len(text)-1])
}

func decode[T any](t testing.TB, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v\n%.300s", err, text)
	}
	return v
}

// window says how large the page is and whether the user likes it dark.
func (b *browser) window(width, height int, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}})
}

// open writes a page and opens it; it returns how many milliseconds passed until it
// was built, and until its first frame was there.
func (b *browser) open(d *Data) (built, ready int) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.html")
	if err := os.WriteFile(path, pageOf(b.t, d), 0o666); err != nil {
		b.t.Fatal(err)
	}
	return b.openFile(path)
}

func (b *browser) openFile(path string) (built, ready int) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": "file://" + path})
	for range 600 {
		if state := b.eval(`document.documentElement?.dataset.error || document.documentElement?.dataset.ready || ""`); state != "" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.fine()
	times := b.numbers("`${document.documentElement.dataset.built} ${document.documentElement.dataset.ready}`")
	return times[0], times[1]
}

// numbers are the whole numbers that an expression gives, with spaces between them.
func (b *browser) numbers(expression string) (found []int) {
	b.t.Helper()
	for _, text := range strings.Fields(b.eval(expression)) {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.t.Fatal(expression, err)
		}
		found = append(found, n)
	}
	return found
}

// fine fails the test if the page met an error, or never was ready.
func (b *browser) fine() {
	b.t.Helper()
	if got := b.eval(`document.documentElement.dataset.error || (document.documentElement.dataset.ready ? "" : "not ready")`); got != "" {
		b.t.Fatal("the page: " + got)
	}
}

// eval is the value of an expression in the page, as a string.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	answer := decode[struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
		Exception jsontext.Value `json:"exceptionDetails"`
	}](b.t, b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}))
	if answer.Exception != nil {
		b.t.Fatalf("%s: %s", expression, answer.Exception)
	}
	if answer.Result.Value == nil {
		return ""
	}
	return fmt.Sprint(answer.Result.Value)
}

// press presses keys, by the names that the web has for them.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		down := map[string]any{"type": "keyDown", "key": key, "code": key}
		if len(key) == 1 {
			down["text"] = key
		} else if code := map[string]int{"Enter": 13, "Tab": 9, "Escape": 27}[key]; code != 0 {
			down["windowsVirtualKeyCode"] = code
			if key == "Enter" {
				down["text"] = "\r"
			}
		}
		b.call("Input.dispatchKeyEvent", down)
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key})
	}
	b.settle()
}

// settle waits for two frames.
func (b *browser) settle() {
	b.t.Helper()
	b.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))`)
}

// part writes a picture of the page from the upper end of one element to the lower end of
// another, each the first of a selector; an empty one is the beginning of the page.
func (b *browser) part(path, from, to string) {
	b.t.Helper()
	b.settle()
	const margin = 12 // less than what is between parts
	extent := b.numbers(fmt.Sprintf("(() => { scrollTo(0, 0); const at = (s) => document.querySelector(s).getBoundingClientRect(); "+
		"return `${innerWidth} ${Math.floor(%[1]q ? at(%[1]q).top - %[3]d : 0)} ${Math.ceil(at(%[2]q).bottom + %[3]d)}`; })()", from, to, margin))
	clip := map[string]any{"x": 0, "y": extent[1], "width": extent[0], "height": extent[2] - extent[1], "scale": 1}
	b.picture(path, map[string]any{"format": "png", "captureBeyondViewport": true, "clip": clip})
}

// pictures writes the whole page as PNGs, of 1,600 pixels' height each.
func (b *browser) pictures(name string) {
	b.t.Helper()
	extent := b.numbers("`${innerWidth} ${document.documentElement.scrollHeight}`")
	width, height := extent[0], extent[1]
	for y := 0; y < height; y += 1600 {
		clip := map[string]any{"x": 0, "y": y, "width": width, "height": min(1600, height-y), "scale": 1}
		b.picture(fmt.Sprintf("%s-%d.png", name, y/1600+1), map[string]any{"format": "png", "captureBeyondViewport": true, "clip": clip})
	}
}

func (b *browser) picture(path string, params map[string]any) {
	b.t.Helper()
	b.settle()
	shot := decode[struct {
		Data string `json:"data"`
	}](b.t, b.call("Page.captureScreenshot", params))
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(path, data, 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
