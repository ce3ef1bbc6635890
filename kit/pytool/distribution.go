package pytool

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Distribution is one installed Python package.
type Distribution struct {
	Name     string // as the query names it
	Version  string
	Site     string // the folder that it is installed in
	Info     string // its dist-info folder
	Editable bool   // installed from sources that may change without notice
}

// installed finds the distributions that an interpreter imports, as far as its own
// folders show them.
func installed(python string, names []string) []Distribution {
	var found []Distribution
	sites := sitesOf(python)
	for _, name := range names {
		for _, site := range sites {
			if d, ok := findDistribution(site, name); ok {
				found = append(found, d)
				break
			}
		}
	}
	return found
}

// sitesOf lists the folders in which an interpreter looks for packages: those of its
// virtual environment, and those of the installation behind it where the environment
// shares them or there is none.
func sitesOf(python string) []string {
	if python == "" {
		return nil
	}
	prefix := filepath.Dir(filepath.Dir(python))
	var sites []string
	if config, err := os.ReadFile(filepath.Join(prefix, "pyvenv.cfg")); err == nil {
		sites = packageFolders(prefix, "")
		if !sharesSystem(config) {
			return sites
		}
	}
	real, err := filepath.EvalSymlinks(python)
	if err != nil {
		return sites
	}
	sites = append(sites, packageFolders(filepath.Dir(filepath.Dir(real)), filepath.Base(real))...)
	if home, err := os.UserHomeDir(); err == nil {
		sites = append(sites, packageFolders(filepath.Join(home, ".local"), filepath.Base(real))...)
	}
	return sites
}

func sharesSystem(config []byte) bool {
	for line := range bytes.Lines(bytes.ToLower(config)) {
		key, value, _ := bytes.Cut(line, []byte("="))
		if string(bytes.TrimSpace(key)) == "include-system-site-packages" {
			return string(bytes.TrimSpace(value)) == "true"
		}
	}
	return false
}

// packageFolders lists the folders of packages under a prefix. Where the interpreter
// says its version in its name ("python3.11"), those of other versions are left out.
func packageFolders(prefix, interpreter string) []string {
	var folders []string
	for _, pattern := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "local/lib/python3*/dist-packages", "lib64/python3*/site-packages"} {
		found, _ := filepath.Glob(filepath.Join(prefix, pattern)) // the pattern is well formed
		for _, folder := range found {
			version := filepath.Base(filepath.Dir(folder))
			if version == "python3" || !strings.Contains(interpreter, ".") || version == interpreter {
				folders = append(folders, folder)
			}
		}
	}
	return folders
}

func findDistribution(site, name string) (Distribution, bool) {
	entries, err := os.ReadDir(site)
	if err != nil {
		return Distribution{}, false
	}
	for _, entry := range entries {
		folder, ok := strings.CutSuffix(entry.Name(), ".dist-info")
		if !ok {
			continue
		}
		project, version, ok := strings.Cut(folder, "-")
		if !ok || normal(project) != normal(name) {
			continue
		}
		d := Distribution{Name: name, Version: version, Site: site, Info: filepath.Join(site, entry.Name())}
		d.Editable = isEditable(d.Info)
		return d, true
	}
	return Distribution{}, false
}

// normal is a project's name as installers compare it.
func normal(name string) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(name))
}

// isEditable reads the record of a direct installation (PEP 610).
func isEditable(info string) bool {
	content, err := os.ReadFile(filepath.Join(info, "direct_url.json"))
	if err != nil {
		return false
	}
	var direct struct {
		Dir struct {
			Editable bool `json:"editable"`
		} `json:"dir_info"`
	}
	return json.Unmarshal(content, &direct) == nil && direct.Dir.Editable
}

// Find returns the path of the first installed file whose name ends in the suffix:
// "systems/h200_sxm.yaml".
func (d Distribution) Find(suffix string) (string, bool) {
	for path, err := range d.record() {
		if err == nil && strings.HasSuffix(path.name, suffix) {
			return filepath.Join(d.Site, filepath.FromSlash(path.name)), true
		}
	}
	return "", false
}

// errNoRecord says that content can not be identified without asking the tool.
var errNoRecord = errors.New("it does not record its files")

// digest identifies the content of an installation: the hashes of its files as the
// installer wrote them down. What differs from machine to machine (scripts, which hold
// the interpreter's path, and compiled files) is left out.
func (d Distribution) digest() (string, error) {
	if d.Editable {
		return "", fmt.Errorf("%s is installed from sources that may change: %w", d.Name, errNoRecord)
	}
	var files []string
	for file, err := range d.record() {
		if err != nil {
			return "", fmt.Errorf("%s: %w", d.Name, err)
		}
		if file.hash != "" && !strings.HasPrefix(file.name, "..") && !strings.Contains(file.name, ".dist-info/") {
			files = append(files, file.name+" "+file.hash)
		}
	}
	if len(files) == 0 {
		return "", fmt.Errorf("%s: %w", d.Name, errNoRecord)
	}
	slices.Sort(files)
	sum := sha256.Sum256([]byte(strings.Join(files, "\n")))
	return hex.EncodeToString(sum[:]), nil
}

// recorded is one file of an installation.
type recorded struct{ name, hash string }

// record lists the files of an installation (PEP 376: path, hash, size).
func (d Distribution) record() func(yield func(recorded, error) bool) {
	return func(yield func(recorded, error) bool) {
		file, err := os.Open(filepath.Join(d.Info, "RECORD"))
		if err != nil {
			yield(recorded{}, err)
			return
		}
		defer file.Close()
		rows := csv.NewReader(file)
		rows.FieldsPerRecord = -1
		rows.ReuseRecord = true
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && len(row) < 2 {
				err = fmt.Errorf("RECORD has a row of %d columns", len(row))
			}
			if err != nil {
				yield(recorded{}, err)
				return
			}
			if !yield(recorded{strings.Clone(row[0]), strings.Clone(row[1])}, nil) {
				return
			}
		}
	}
}
