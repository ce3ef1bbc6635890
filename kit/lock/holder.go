package lock

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

// Holder describes who holds a lock. It is for messages only: anybody may have written
// it, and the lock is the kernel's.
type Holder struct {
	PID   int       `json:"pid"`   // of the process that took it; a server that inherited the lock may outlive it
	Suite string    `json:"suite"` // whose server it is for
	Key   string    `json:"key,omitempty"`
	Since time.Time `json:"since"`
}

// String writes the holder for messages.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another server"
	}
	text := fmt.Sprintf("suite %s (process %d", h.Suite, h.PID)
	if h.Suite == "" {
		text = fmt.Sprintf("another server (process %d", h.PID)
	}
	if !h.Since.IsZero() {
		text += ", since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text + ")"
}

const (
	maxDescription = 4096 // bytes of a lock's file that are read
	maxName        = 200  // characters of a name that are shown
)

// Describe writes the holder into a lock that was taken. The lock holds without it, so
// that a full disk or a file that we may only read stops nobody.
func Describe(file *os.File, h Holder) {
	content, err := json.Marshal(h)
	if err != nil || file.Truncate(0) != nil {
		return
	}
	_, _ = file.WriteAt(append(content, '\n'), 0)
}

// Read reads who holds a lock; zero where that is not said. It waits a moment for a
// holder that has only just taken the lock.
func Read(path string) Holder {
	for range 5 {
		if h := read(path); h.PID != 0 {
			return h
		}
		time.Sleep(4 * time.Millisecond)
	}
	return Holder{}
}

func read(path string) Holder {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Holder{}
	}
	defer func() { _ = file.Close() }() // only read
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return Holder{}
	}
	content, err := io.ReadAll(io.LimitReader(file, maxDescription))
	if err != nil {
		return Holder{}
	}
	return parseHolder(content)
}

// parseHolder takes what is written in a lock as foreign text.
func parseHolder(content []byte) Holder {
	var h Holder
	if json.Unmarshal(content, &h) != nil || h.PID <= 0 {
		return Holder{}
	}
	h.Suite, h.Key = printable(h.Suite), printable(h.Key)
	if y := h.Since.Year(); y < 2000 || y > 9999 {
		h.Since = time.Time{}
	}
	return h
}

// printable cuts a name and leaves out what a terminal would obey.
func printable(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text))
	return string(runes[:min(len(runes), maxName)])
}
