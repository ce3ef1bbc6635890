package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bareReader is the least that a client can do which sees each token as it comes: one
// thread waits for any of its sockets and reads the one that is ready. It parses nothing,
// keeps no times and checks nothing, so what it costs is the kernel's part of a measurement.
type bareReader struct {
	poll    int // file descriptor of epoll
	request []byte
	left    int // requests still to send
}

// bare sends requests, so many at a time, and reads the answers to their ends.
func bare(address string, concurrency, requests int) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"%s"}],"max_tokens":%d,"ignore_eos":true,"stream":true}`, strings.Repeat("the ", outputTokens), outputTokens)
	r := &bareReader{poll: poll, left: requests, request: []byte("POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)}
	for range min(concurrency, requests) {
		if err := r.open(at); err != nil {
			return err
		}
	}
	return r.read(requests)
}

// open connects and sends a first request.
func (r *bareReader) open(at netip.AddrPort) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return err
	}
	if err := syscall.EpollCtl(r.poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
		return err
	}
	return r.send(fd)
}

// send sends a request, which fits into an empty socket's buffer.
func (r *bareReader) send(fd int) error {
	r.left--
	_, err := syscall.Write(fd, r.request)
	return err
}

// patience is how long no byte of any answer comes before the reader gives up.
const patience = time.Minute

// read takes what comes until so many answers have ended.
func (r *bareReader) read(answers int) error {
	events, buffer := make([]syscall.EpollEvent, 256), make([]byte, 64<<10)
	for answers > 0 {
		n, err := syscall.EpollWait(r.poll, events, int(patience.Milliseconds()))
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("nothing came for %s, with %d answers to come", patience, answers)
		}
		for i := range n {
			ended, err := r.take(int(events[i].Fd), buffer)
			if err != nil {
				return err
			}
			answers -= ended
		}
	}
	return nil
}

// take reads a socket once; where an answer ends it sends the next request.
func (r *bareReader) take(fd int, buffer []byte) (ended int, err error) {
	n, err := syscall.Read(fd, buffer)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if !bytes.HasSuffix(buffer[:n], []byte("0\r\n\r\n")) {
		return 0, nil
	}
	if r.left > 0 {
		return 1, r.send(fd)
	}
	return 1, nil
}
