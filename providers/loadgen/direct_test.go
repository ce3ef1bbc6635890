package loadgen

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// socketPair is a connection over loopback as the client has it, and the server's end.
func socketPair(t *testing.T) (net.Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	ours, err := dialer((&net.Dialer{}).DialContext).direct(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, ok := (<-accepted).(*net.TCPConn)
	if !ok {
		t.Fatal("no connection was accepted")
	}
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// More than the sockets hold goes both ways at once, and not a byte is lost or doubled.
func TestDirectCarriesBothWays(t *testing.T) {
	ours, theirs := socketPair(t)
	sent := make([]byte, 16<<20)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(sent); i += 8 {
		copy(sent[i:], []byte{byte(i), byte(i >> 8), byte(i >> 16), byte(r.Uint32())})
	}
	failed := make(chan error, 2)
	go func() {
		_, err := io.CopyN(theirs, theirs, int64(len(sent))) // an echo, so that both ways are full
		failed <- err
	}()
	go func() {
		_, err := ours.Write(sent)
		failed <- err
	}()
	got := make([]byte, len(sent))
	_, err := io.ReadFull(ours, got)
	if err := errors.Join(err, <-failed, <-failed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes came back than were sent")
	}
}

// The last bytes of a server come, then the end; or the reset.
func TestDirectSeesTheEnd(t *testing.T) {
	ours, theirs := socketPair(t)
	if _, err := theirs.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	if got, err := io.ReadAll(ours); err != nil || string(got) != "last words" {
		t.Errorf("%q, %v", got, err)
	}
	ours, theirs = socketPair(t)
	_ = theirs.SetLinger(0)
	time.AfterFunc(10*time.Millisecond, func() { _ = theirs.Close() })
	var failed *net.OpError
	if n, err := ours.Read(make([]byte, 8)); n != 0 || !errors.As(err, &failed) || failed.Op != "read" || errors.Is(err, io.EOF) {
		t.Errorf("after a reset: %d, %v", n, err)
	}
	if _, err := ours.Write([]byte("x")); !errors.As(err, &failed) || failed.Op != "write" {
		t.Errorf("after a reset: %v", err)
	}
}

// Deadlines and closing end a wait.
func TestDirectStopsWaiting(t *testing.T) {
	ours, _ := socketPair(t)
	_ = ours.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	if _, err := ours.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = ours.SetReadDeadline(time.Time{})
	time.AfterFunc(5*time.Millisecond, func() { _ = ours.Close() })
	if _, err := ours.Read(make([]byte, 8)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
	if _, err := ours.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

// A full socket holds a writer until its deadline, and says how much went out.
func TestDirectWritesUntilFull(t *testing.T) {
	ours, theirs := socketPair(t)
	begun := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(theirs, make([]byte, 1))
		begun <- errors.Join(err, ours.SetWriteDeadline(time.Unix(1, 0)))
	}()
	n, err := ours.Write(make([]byte, 64<<20))
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || n <= 0 || n >= 64<<20 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	_ = ours.Close()
	if got, err := io.Copy(io.Discard, theirs); err != nil || got != int64(n)-1 {
		t.Errorf("%d bytes came, %d were written: %v", got, n, err)
	}
}
