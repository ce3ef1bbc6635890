package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aicv/spec"
)

const (
	// supportVersion is of the file's layout; a file of any other version is forgotten.
	supportVersion = 1
	// maxSupport bounds the answers that are kept; with more, the old ones go.
	maxSupport = 2000
	// maxSupportBytes bounds the file that is read.
	maxSupportBytes = 4 << 20
)

// Support keeps the answers of predictors to the question whether they have data, in a
// file of its own that may be deleted at any time. What can not be read is forgotten, and
// where no file can be written nothing is kept. Of two processes that write at once one
// wins.
type Support struct{ path, build string }

// NewSupport keeps the answers that a build of aicv gets, at a path. Nothing is opened or made before the first answer.
func NewSupport(path, build string) *Support { return &Support{path, build} }

// supportFile is the file's content.
type supportFile struct {
	Version int                     `json:"version"`
	Answers map[string]spec.Support `json:"answers"` // by the hash of fingerprint and key
}

// Get returns what is known of the keys under a fingerprint.
func (s *Support) Get(fingerprint string, keys []spec.ID) map[spec.ID]spec.Support {
	found := map[spec.ID]spec.Support{}
	answers := s.read()
	for _, key := range keys {
		if answer, ok := answers[entry(ours(s.build, fingerprint), key)]; ok {
			found[key] = answer
		}
	}
	return found
}

// Put keeps answers under a fingerprint.
func (s *Support) Put(fingerprint string, answers map[spec.ID]spec.Support) {
	all := s.read()
	if len(all)+len(answers) > maxSupport {
		clear(all)
	}
	for key, answer := range answers {
		all[entry(ours(s.build, fingerprint), key)] = answer
	}
	_ = s.write(all) // what is not kept is asked again
}

func entry(fingerprint string, key spec.ID) string {
	return string(spec.HashOf([]byte(fingerprint + "\x00" + string(key))))
}

func (s *Support) read() map[string]spec.Support {
	info, err := os.Stat(s.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSupportBytes {
		return map[string]spec.Support{}
	}
	content, err := os.ReadFile(s.path)
	var file supportFile
	if err != nil || json.Unmarshal(content, &file) != nil || file.Version != supportVersion || file.Answers == nil {
		return map[string]spec.Support{}
	}
	return file.Answers
}

// write replaces the file whole.
func (s *Support) write(answers map[string]spec.Support) error {
	content, err := json.Marshal(supportFile{supportVersion, answers})
	if err != nil {
		return err
	}
	folder := filepath.Dir(s.path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, ".support-")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err == nil {
		return nil
	}
	if gone := os.Remove(file.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return errors.Join(err, gone)
	}
	return err
}
