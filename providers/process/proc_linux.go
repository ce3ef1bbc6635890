package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The labels in a server's environment.
const (
	labelSuite = "AICV_SUITE"
	labelKey   = "AICV_KEY"
	labelURL   = "AICV_URL"
	labelModel = "AICV_MODEL"
	labelWork  = "AICV_WORK" // folder beside the state of the aicv that started it
)

// identity names one process for good: an id alone is used again.
type identity struct {
	Boot  string `json:"boot"` // of the kernel: start times count from it
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // in clock ticks since boot
}

// String is what a server carries as its id.
func (i identity) String() string {
	if i.PID == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d/%s", i.PID, i.Start, i.Boot)
}

// parseIdentity reads what String wrote; the zero identity for anything else.
func parseIdentity(text string) identity {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 {
		return identity{}
	}
	pid, errPID := strconv.Atoi(parts[0])
	start, errStart := strconv.ParseUint(parts[1], 10, 64)
	if errPID != nil || errStart != nil || pid <= 0 {
		return identity{}
	}
	return identity{parts[2], pid, start}
}

// process is one entry of /proc.
type process struct {
	pid, parent, session int
	start                uint64
	state                byte
	exit                 unix.WaitStatus // of a zombie
}

// ended reports a process that runs no more, reaped or not.
func (p process) ended() bool { return p.state == 'Z' || p.state == 'X' }

// The positions in /proc/PID/stat behind the command, which may hold anything.
const (
	statState   = 0
	statParent  = 1
	statSession = 3
	statStart   = 19
	statExit    = 49
)

// readProcess reads one process; false where it is gone.
func readProcess(pid int) (process, bool) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false
	}
	return parseStat(pid, content)
}

func parseStat(pid int, content []byte) (process, bool) {
	end := bytes.LastIndexByte(content, ')')
	if end < 0 {
		return process{}, false
	}
	fields := strings.Fields(string(content[end+1:]))
	if len(fields) <= statExit {
		return process{}, false
	}
	parent, errParent := strconv.Atoi(fields[statParent])
	session, errSession := strconv.Atoi(fields[statSession])
	start, errStart := strconv.ParseUint(fields[statStart], 10, 64)
	exit, errExit := strconv.ParseUint(fields[statExit], 10, 32)
	if err := errors.Join(errParent, errSession, errStart, errExit); err != nil {
		return process{}, false
	}
	return process{pid: pid, parent: parent, session: session, start: start, state: fields[statState][0], exit: unix.WaitStatus(exit)}, true
}

// processes lists all of the host.
func processes() ([]process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer func() { _ = dir.Close() }() // only read
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// labels are what a server's environment says of it.
type labels struct{ suite, key, url, model, work string }

// readLabels reads a process's labels; none where it has none or may not be asked.
func readLabels(pid int) labels {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return labels{}
	}
	var l labels
	for entry := range strings.SplitSeq(string(content), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case labelSuite:
			l.suite = value
		case labelKey:
			l.key = value
		case labelURL:
			l.url = value
		case labelModel:
			l.model = value
		case labelWork:
			l.work = value
		}
	}
	return l
}

// bootID identifies the kernel's boot.
func bootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("identify the boot: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// signal sends a signal to exactly this process: the id can not be used again
// between the check and the signal, because a file descriptor holds the process.
func signal(p process, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err == nil {
		defer func() { _ = unix.Close(fd) }() // nothing was written
	}
	now, ok := readProcess(p.pid)
	if !ok || now.start != p.start {
		return nil
	}
	if err != nil { // no descriptors of processes here: the check stands alone
		err = unix.Kill(p.pid, sig)
	} else {
		err = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
