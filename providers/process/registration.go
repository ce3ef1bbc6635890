// Package process is the target that runs servers as processes of this host.
//
// Each server is the leader of a session of its own, with its standard input closed
// and its output in a log of its own. It outlives a crash of aicv, and is found again
// by its labels, never by its name or its process id alone: suite and idempotency key
// are in its environment, which /proc shows, and a record names the process by id,
// start time and boot. Engines start workers that leave the session or outlive their
// parent; stopping finds these by session, by labels and by descent, and goes on until
// none is left.
//
// Ports and GPUs are reserved by lock files for the whole host. The server inherits
// the open files, so that a reservation lives exactly as long as who uses it.
package process

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"aicv/spec"
)

// Kind is the kind under which suites declare it: target "process" "name".
const Kind = "process"

// The defaults. The ports lie below those that systems hand out for outgoing
// connections.
const (
	defaultPorts = "18000-18999"
	defaultHost  = "127.0.0.1"
	since        = "0.1"
)

// Registration is the host's processes as a target.
func Registration() spec.Registration {
	zero := 0.0
	return spec.Registration{
		Role: spec.RoleTarget,
		Kind: Kind,
		Doc:  "Servers as processes of this host.",
		Schema: spec.Block{
			Doc: "Servers as processes of this host, each with its own session, log and port. The default target.",
			Attributes: []spec.Attribute{
				{Name: "port_range", Type: spec.TypeString, Default: spec.StringValue(defaultPorts), Incidental: true, Since: since, Example: `"18000-18999"`,
					Doc: "Ports that servers may get, first and last. A port in use is stepped over."},
				{Name: "host", Type: spec.TypeString, Default: spec.StringValue(defaultHost), Since: since, Example: `"127.0.0.1"`,
					Doc: "Address that servers listen on. Others than loopback let other hosts in."},
				spec.BalanceRow(),
				{Name: "numa_node", Type: spec.TypeInt, Min: &zero, Since: since, Example: "0",
					Doc: "NUMA node whose processors and memory servers are bound to, with numactl. Not bound without it."},
				{Name: "share_host", Type: spec.TypeBool, Default: spec.BoolValue(false), Since: since, Example: "true",
					Doc: "Whether servers of other suites may run on the host at the same time. They disturb what is measured."},
				{Name: "host_wait", Type: spec.TypeDuration, Default: spec.StringValue("0s"), Incidental: true, Since: since, Example: `"30m"`,
					Doc: "How long to wait for the servers of other suites to leave the host before giving up."},
			},
		},
		New: spec.Constructor{Target: newTarget},
		Validate: func(c *spec.Component) error { // also where servers can not run, on another system than Linux
			_, err := parseSettings(c)
			return err
		},
	}
}

// settings are a target's checked attributes.
type settings struct {
	address     string
	host        string
	first, last int           // ports
	numa        string        // node to bind to; empty: none
	share       bool          // the host, with servers of other suites
	wait        time.Duration // for the host
}

func parseSettings(c *spec.Component) (settings, error) {
	s := settings{address: c.Address(), host: cmp.Or(c.Attrs.Text("host"), defaultHost), numa: c.Attrs.Text("numa_node"),
		share: c.Attrs.Bool("share_host"), wait: c.Attrs.Duration("host_wait")}
	if s.host != "localhost" && net.ParseIP(s.host) == nil {
		return s, wrong("host", fmt.Sprintf("%s: host %q is no address", s.address, s.host), `write an IP address, such as host = "127.0.0.1"`)
	}
	text := cmp.Or(c.Attrs.Text("port_range"), defaultPorts)
	first, last, ok := strings.Cut(text, "-")
	var errFirst, errLast error
	s.first, errFirst = strconv.Atoi(strings.TrimSpace(first))
	s.last, errLast = strconv.Atoi(strings.TrimSpace(last))
	if !ok || errFirst != nil || errLast != nil || s.first < 1024 || s.last > 65535 || s.first > s.last {
		return s, wrong("port_range", fmt.Sprintf("%s: port_range %q is no range of ports from 1024 to 65535", s.address, text), `write port_range = "18000-18999"`)
	}
	return s, nil
}

func wrong(attribute, summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: attribute, Summary: summary, Fix: fix}
}

func usage(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}
