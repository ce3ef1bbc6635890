// Package conformance holds the tests that every managed target must pass: start,
// ready, log, crash, stop, find, adopt, clean-up of what a crash left, names that
// clash, suites side by side, and servers that do not want to end. The server under
// test is the test binary itself, started once more.
package conformance

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// modeVariable tells the test binary to be a server instead.
const modeVariable = "AICV_CONFORMANCE_MODE"

// The modes of the server.
const (
	modeServe    = "serve"    // answers until SIGTERM
	modeStubborn = "stubborn" // answers, and ignores SIGTERM
	modeCrash    = "crash"    // exits with 3 at once
	modeFamily   = "family"   // serves, with workers that leave the session and lose their parent
	modeWorker   = "worker"   // sleeps in a session of its own, and ignores SIGTERM
	modeMiddle   = "middle"   // starts a worker and exits
)

// crashCode is the exit code of modeCrash.
const crashCode = 3

// Helper turns the test binary into the server where it was started as one; it does
// not return then. TestMain calls it first.
func Helper() {
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(serve(mode))
	}
}

func serve(mode string) int {
	switch mode {
	case modeCrash:
		fmt.Println("starting")
		fmt.Println("fatal: out of luck")
		return crashCode
	case modeWorker:
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Hour)
		return 0
	case modeMiddle:
		return spawn(modeWorker)
	case modeFamily:
		if code := spawn(modeWorker) + spawn(modeMiddle); code != 0 {
			return code
		}
	}
	return listen(mode)
}

// spawn starts the binary in another mode, in a session of its own.
func spawn(mode string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), modeVariable+"="+mode)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	if mode == modeMiddle {
		_ = command.Wait()
	}
	return 0
}

// listen serves at the host and port that the arguments name.
func listen(mode string) int {
	asked := make(chan os.Signal, 1)
	if mode == modeStubborn {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(asked, syscall.SIGTERM)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name"))) // a client that left is no matter
	})
	mux.HandleFunc("/log", func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.Query().Get("line")) })
	mux.HandleFunc("/at", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, os.Args[1]+":"+os.Args[2]) // a client that left is no matter
	})
	fmt.Println("ready at " + strings.Join(os.Args[1:3], " "))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with the process
	<-asked
	fmt.Println("bye")
	return 0
}
