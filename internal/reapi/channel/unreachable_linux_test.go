// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// blackHole is a port whose queue of connections is full: the kernel leaves more of
// them unanswered.
func blackHole(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("NOT TESTED: this kernel's queue of connections does not fill")
	return ""
}

func TestBlackHole(t *testing.T) {
	address := blackHole(t)
	for _, scheme := range []string{"grpc://", "grpcs://"} {
		c := open(t, scheme+address, Execution, remote.Options{ConnectTimeout: 500 * time.Millisecond, Retries: 5})
		began := time.Now()
		err := ask(t, c)
		line(t, err, "no connection within 500ms", "check --remote-executor", "can be reached")
		final(t, err)
		if took := time.Since(began); took < 400*time.Millisecond || took > 900*time.Millisecond {
			t.Errorf("took %s", took)
		}
	}
}
