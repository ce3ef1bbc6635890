package loadgen

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// direct makes a connection of the kernel read and write without telling Go's scheduler.
// Its sockets never block, so that nothing has to run in a caller's place; but each
// ordinary call wakes the scheduler's monitor (sysmon) out of its sleep, which then looks
// around every 20 microseconds for a while. For tokens that come alone that takes as much
// CPU time as reading them. Other connections are left as they are.
func direct(conn net.Conn) net.Conn {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return conn
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return conn // it is closed, as its first use says
	}
	c := &directConn{Conn: conn, raw: raw}
	c.reading.call, c.writing.call = c.reading.read, c.writing.write
	return c
}

// directConn takes one reader and one writer at a time, which is what net/http and
// crypto/tls have.
type directConn struct {
	net.Conn
	raw     syscall.RawConn
	reading transfer
	writing transfer
}

// transfer is a reading or a writing of bytes under way.
type transfer struct {
	call   func(fd uintptr) bool // read or write; false: wait until the socket is ready
	bytes  []byte
	done   int // of bytes
	failed error
}

// Read implements net.Conn.
func (c *directConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.reading.run("read", c.raw.Read, p)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, c.explain("read", err)
}

// Write implements net.Conn.
func (c *directConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.writing.run("write", c.raw.Write, p)
	return n, c.explain("write", err)
}

// explain makes an error what it would be of the connection itself.
func (c *directConn) explain(op string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*net.OpError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return &net.OpError{Op: op, Net: c.RemoteAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// run makes the calls that it takes, with the waits that the way of the connection has
// between them: it ends them at deadlines and when the connection is closed.
func (t *transfer) run(name string, way func(func(uintptr) bool) error, p []byte) (int, error) {
	t.bytes, t.done, t.failed = p, 0, nil
	err := way(t.call)
	if err == nil && t.failed != nil {
		err = os.NewSyscallError(name, t.failed)
	}
	t.bytes = nil
	return t.done, err
}

// read takes what is there.
func (t *transfer) read(fd uintptr) bool {
	n, again := t.step(syscall.SYS_READ, fd)
	t.done = n
	return !again
}

// write sends all bytes.
func (t *transfer) write(fd uintptr) bool {
	for t.done < len(t.bytes) && t.failed == nil {
		n, again := t.step(syscall.SYS_WRITE, fd)
		if again {
			return false
		}
		t.done += n
	}
	return true
}

// step makes one system call on the bytes that are left; again: the socket is not ready.
func (t *transfer) step(call, fd uintptr) (n int, again bool) {
	left := t.bytes[t.done:]
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(left))), uintptr(len(left)))
		switch errno {
		case 0:
			return int(n), false
		case syscall.EAGAIN:
			return 0, true
		case syscall.EINTR:
		default:
			t.failed = errno
			return 0, false
		}
	}
}
