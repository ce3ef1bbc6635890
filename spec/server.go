package spec

import "time"

// Placeholders in a server spec's arguments and environment that the target fills in.
const (
	HostPlaceholder = "{{host}}"
	PortPlaceholder = "{{port}}"
)

// ServerSpec is how to run one server.
type ServerSpec struct {
	Image     string        // containers; empty for processes
	Contained bool          // Command and paths hold inside Image only: it can not run as a process of the host
	Command   []string      // argv with placeholders; never a shell line
	Env       []EnvVar      // added to the target's own
	GPUs      int           // to reserve; 0: none
	Mounts    []Mount       // containers: what they see of the host
	ShmBytes  int64         // containers: size of shared memory; 0: the daemon's default
	ModelName string        // served model name, as requests must give it
	Ready     Readiness     //
	Grace     time.Duration // between SIGTERM and SIGKILL
	Simulated bool          // it serves no model really, so that it needs no host for itself
}

// Mount is a folder or file of the host inside a container. Processes see the host as it is.
type Mount struct {
	Source   string // absolute path on the target's host
	Target   string // absolute path inside
	ReadOnly bool
}

// EnvVar is one environment variable; its value may be a secret reference.
type EnvVar struct {
	Name  string
	Value Value
}

// Readiness says when a server may be used.
type Readiness struct {
	HealthPath string        // answers 200 when ready; empty: not asked
	ModelsPath string        // lists the served model; empty: not asked
	LogPattern string        // regular expression that a log line must match; empty: none
	Generate   bool          // a short generation must be answered: health alone does not prove it
	Phases     []LoadPhase   // what the log says of the way to readiness, in order
	Timeout    time.Duration // from start to ready
}

// LoadPhase is one phase of a server's start, told by its log.
type LoadPhase struct {
	Name    string        // "loading weights"
	Pattern string        // regular expression of the line that begins it or tells of its progress; a group `done` and one `total` are counted
	Timeout time.Duration // most time in it; 0: only the whole's
}

// Server is a started server.
type Server struct {
	Suite     string `json:"suite"`
	Key       string `json:"key"`
	ID        string `json:"id"`  // the target's own name: pid and start time, container id
	URL       string `json:"url"` // base URL, no trailing slash
	ModelName string `json:"model_name"`
	Adopted   bool   `json:"adopted,omitempty"` // it ran already under the key
	Image     string `json:"image,omitempty"`   // containers: content digest of the image that runs
	// Command is the argv that really ran, placeholders filled in; empty: the target did
	// not start it, or does not know any more.
	Command []string `json:"command,omitempty"`
	// Replicas are the servers behind the URL, where aicv's own proxy spreads requests over
	// several; ProxyOverhead is what it adds to a short request.
	Replicas      []Server      `json:"replicas,omitempty"`
	ProxyOverhead time.Duration `json:"proxy_overhead,omitempty"`
}

// SignalUnknown stands for the end of a server that nobody watched: it was adopted,
// and whoever waited for it did not keep how it ended.
const SignalUnknown = "unknown"

// ServerStatus is how a server is doing.
type ServerStatus struct {
	Running  bool
	ExitCode int    // where it exited by itself
	Signal   string // where a signal ended it: "killed"; SignalUnknown where nobody kept how it ended
	Why      string // what the target knows of the end beside that: "out of memory"; empty: nothing
}
