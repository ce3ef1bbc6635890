package docker

import (
	"context"
	"errors"
	"io"
	"time"
)

// daemon is what this package asks of a Docker daemon. One adapter answers it over the
// daemon's API, and tests answer it themselves.
type daemon interface {
	info(ctx context.Context) (hostInfo, error)
	// image finds a local image; errNoImage where there is none.
	image(ctx context.Context, ref string) (localImage, error)
	pull(ctx context.Context, ref string, login login, tell func(progress)) error
	// load makes an image of one layer out of a tar stream.
	load(ctx context.Context, tag, command string, tar io.Reader) error
	// create makes a container; errNameTaken where its name is another's.
	create(ctx context.Context, c order) (string, error)
	start(ctx context.Context, id string) error
	// find lists containers, running or not, that have all of these labels; an empty
	// value stands for any.
	find(ctx context.Context, labels map[string]string) ([]found, error)
	// inspect looks at one container; errNoContainer where it is gone.
	inspect(ctx context.Context, id string) (found, error)
	// log copies the last lines of a container's log; standard output and error as one.
	log(ctx context.Context, id string, lines int, to io.Writer) error
	// follow copies a container's standard output and error from their beginning, until it
	// ends; errNoContainer where it is gone.
	follow(ctx context.Context, id string, stdout, stderr io.Writer) error
	// processes lists the process ids of a running container on its host.
	processes(ctx context.Context, id string) ([]int, error)
	kill(ctx context.Context, id, signal string) error
	// remove ends a container at once and removes it with its anonymous volumes.
	remove(ctx context.Context, id string) error
	// signals lists the signals that the daemon was asked to send to a container.
	signals(ctx context.Context, id string, since time.Time) ([]string, error)
	close() error
}

// What a daemon's answers are told apart by.
var (
	errNoImage     = errors.New("no such image")
	errNoContainer = errors.New("no such container")
	errNameTaken   = errors.New("the name is in use")
)

// hostInfo is the daemon's host.
type hostInfo struct {
	name     string
	os       string
	arch     string // as GOARCH writes it
	cpus     int
	memory   int64 // bytes
	version  string
	root     string   // where images and containers are
	runtimes []string // names of the container runtimes
	epoch    string   // changes when the daemon is started anew; empty: not known
	rootless bool     // it runs as an ordinary user, whom containers see as root
}

// localImage is an image that the daemon has.
type localImage struct {
	id      string   // digest of its configuration
	digests []string // name@digest under which it was pulled
}

// login is what a registry wants to know.
type login struct{ user, password string }

// progress is how far a pull is.
type progress struct {
	layers, done   int   // layers seen, layers complete
	current, total int64 // bytes of the layers that are being downloaded or were
}

// order is a container to be made.
type order struct {
	name    string
	image   string
	command []string
	env     []string // NAME=value
	labels  map[string]string
	port    int    // inside
	publish string // address on the daemon's host
	gpus    []string
	mounts  []mount
	shm     int64        // bytes; 0: the daemon's default
	memory  int64        // bytes; 0: no limit
	client  *clientOrder // nil: a server
}

// clientOrder is what sets a client's container apart: it is in the network of its host,
// runs the command in place of the image's own, and has no more rights than it needs.
type clientOrder struct {
	user string // UID:GID; empty: the image's
	dir  string // working folder inside
}

type mount struct {
	source, target string
	readOnly       bool
}

// found is a container that is there.
type found struct {
	id       string
	name     string
	image    string // digest of its configuration
	command  []string
	labels   map[string]string
	status   string // created, running, paused, restarting, removing, exited, dead
	exitCode int
	failure  string // the daemon's own words on why it does not run
	noMemory bool   // the kernel killed it for memory
	port     int    // published; 0: none
	started  time.Time
}

func (f *found) running() bool { return f.status == "running" || f.status == "paused" }
