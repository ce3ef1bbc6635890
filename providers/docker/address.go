package docker

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aicv/spec"
)

// defaultHost is where a daemon listens if nobody says otherwise.
const defaultHost = "unix:///var/run/docker.sock"

// address is how a daemon is reached.
type address struct {
	host          string // unix:///path, tcp://host:port
	ca, cert, key string // files for TLS; empty: none
	from          string // what named it, for messages
}

// local reports whether the daemon runs on this host, as far as the address tells.
func (a address) local() bool {
	u, err := url.Parse(a.host)
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// hostname is the daemon's host as the address names it.
func (a address) hostname() string {
	u, err := url.Parse(a.host)
	if err != nil || a.local() {
		return "127.0.0.1"
	}
	return u.Hostname()
}

// locate finds the daemon as the docker command does: what the target declares, then
// DOCKER_HOST, DOCKER_CONTEXT and the current context of the docker configuration.
func (s *settings) locate(getenv func(string) string) (address, error) {
	config := cmp.Or(getenv("DOCKER_CONFIG"), filepath.Join(getenv("HOME"), ".docker"))
	a := address{host: defaultHost, from: "the default"}
	var err error
	switch current := currentContext(config); {
	case s.host != "":
		a = address{host: s.host, from: "the target's host"}
	case s.context != "":
		a, err = readContext(config, s.context)
	case getenv("DOCKER_HOST") != "":
		a = address{host: getenv("DOCKER_HOST"), from: "DOCKER_HOST"}
		if getenv("DOCKER_TLS_VERIFY") != "" {
			a = a.withKeys(cmp.Or(getenv("DOCKER_CERT_PATH"), config))
		}
	case getenv("DOCKER_CONTEXT") != "":
		a, err = readContext(config, getenv("DOCKER_CONTEXT"))
	case current != "":
		a, err = readContext(config, current)
	}
	if err != nil {
		return address{}, err
	}
	return a, a.check(s.address)
}

func (a address) withKeys(dir string) address {
	a.ca, a.cert, a.key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	return a
}

func (a address) check(target string) error {
	switch scheme, rest, _ := strings.Cut(a.host, "://"); {
	case rest != "" && slices.Contains([]string{"unix", "tcp", "npipe", "http", "https"}, scheme):
		return nil
	case scheme == "ssh":
		return usage(fmt.Sprintf("%s: %s (%s) is reached over ssh, which aicv does not speak", target, a.host, a.from),
			"forward its socket (ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST) and set host = \"unix:///tmp/docker.sock\", or run aicv on that host")
	}
	return usage(fmt.Sprintf("%s: %q (%s) is no address of a Docker daemon", target, a.host, a.from), `write host = "unix:///var/run/docker.sock" or "tcp://host:2376"`)
}

// maxConfig bounds what is read of a configuration file.
const maxConfig = 1 << 20

// readJSON reads a small file; false where it is not there.
func readJSON(path string, into *contextFile) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size() > maxConfig {
		return false, fmt.Errorf("%s is larger than 1 MB", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

// contextFile is what is read of config.json and of a context's meta.json.
type contextFile struct {
	CurrentContext string `json:"currentContext"`
	Endpoints      map[string]struct {
		Host string
	}
}

// currentContext is the one that `docker context use` chose; empty: the default.
func currentContext(config string) string {
	var f contextFile
	if there, err := readJSON(filepath.Join(config, "config.json"), &f); !there || err != nil || f.CurrentContext == "default" {
		return "" // the docker command says what is wrong with its file
	}
	return f.CurrentContext
}

// readContext reads a context of the docker command.
func readContext(config, name string) (address, error) {
	if name == "default" {
		return address{host: defaultHost, from: "context default"}, nil
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	var f contextFile
	there, err := readJSON(filepath.Join(config, "contexts", "meta", id, "meta.json"), &f)
	if err != nil || !there {
		return address{}, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("there is no Docker context %q", name), Cause: err,
			Fix: "list them with `docker context ls`, or set host in the target"}
	}
	a := address{host: f.Endpoints["docker"].Host, from: "context " + name}
	keys := filepath.Join(config, "contexts", "tls", id, "docker")
	if _, err := os.Stat(keys); err == nil {
		a = a.withKeys(keys)
	}
	return a, nil
}
