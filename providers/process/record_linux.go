package process

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aicv/kit/lock"
	"aicv/spec"
)

// The files of a server's folder.
const (
	fileRecord   = "record.json"
	fileLog      = "log"
	filePrevious = "log.previous"
	fileLock     = "lock"
)

// keptLogs is how many folders of stopped servers are kept for their logs.
const keptLogs = 50

// record is what is kept of a server beside the state. It is written before the
// server is started, and again once its process is known. It never holds the
// environment, where secrets are.
type record struct {
	Suite string   `json:"suite"`
	Key   string   `json:"key"`
	URL   string   `json:"url"`
	Model string   `json:"model"`
	Argv  []string `json:"argv"`
	GPUs  []string `json:"gpus,omitempty"`
	identity
}

func (r *record) server() spec.Server {
	return spec.Server{Suite: r.Suite, Key: r.Key, ID: r.identity.String(), URL: r.URL, ModelName: r.Model, Command: r.Argv}
}

// folder is where a server's files are. Its name tells the key to people, and the
// hash keeps keys and suites apart.
func (t *target) folder(suite, key string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, key)
	return filepath.Join(t.work, "servers", readable[:min(48, len(readable))]+"-"+string(spec.HashOf([]byte(suite + "\x00" + key)))[:12])
}

// writeRecord replaces the record in one step: a crash leaves the old or the new.
func writeRecord(folder string, r *record) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the server's record: %w", err)
	}
	path := filepath.Join(folder, fileRecord)
	if err := writeDurably(path+".new", append(content, '\n')); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the server's record: %w", err)
	}
	return nil
}

func writeDurably(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the server's record: %w", err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the server's record: %w", err)
	}
	return nil
}

// readRecord reads a server's record; nil where there is none. A damaged one counts as
// none: the labels of the processes say the same.
func readRecord(folder string) *record {
	content, err := os.ReadFile(filepath.Join(folder, fileRecord))
	if err != nil {
		return nil
	}
	var r record
	if json.Unmarshal(content, &r) != nil || r.Suite == "" || r.Key == "" {
		return nil
	}
	return &r
}

// records lists the records of a suite.
func (t *target) records(suite string) ([]*record, error) {
	root := filepath.Join(t.work, "servers")
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not list the servers' records", Cause: err, Fix: "check the rights of " + root}
	}
	var found []*record
	for _, entry := range entries {
		if r := readRecord(filepath.Join(root, entry.Name())); r != nil && r.Suite == suite {
			found = append(found, r)
		}
	}
	return found, nil
}

// forget removes the record; the log stays for those who want to read it.
func forget(folder string) error {
	err := os.Remove(filepath.Join(folder, fileRecord))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not remove the server's record", Cause: err, Fix: "check the rights of " + folder}
	}
	return nil
}

// prune removes the oldest folders of servers that are gone. What can not be removed
// stays: that is no reason not to start.
func (t *target) prune() {
	root := filepath.Join(t.work, "servers")
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) <= keptLogs {
		return
	}
	type old struct {
		path string
		time int64
	}
	var gone []old
	for _, entry := range entries {
		path := filepath.Join(root, entry.Name())
		info, err := os.Stat(filepath.Join(path, fileLog))
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(path, fileRecord)); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, old{path, info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(gone, func(a, b old) int { return cmp.Compare(b.time, a.time) })
	for i := keptLogs; i < len(gone); i++ {
		if held, err := lock.Try(filepath.Join(gone[i].path, fileLock), lock.Holder{PID: os.Getpid()}); err == nil { // nobody starts there now
			_ = os.RemoveAll(gone[i].path)
			_ = held.Close()
		}
	}
}
