// Package docker is the target that runs servers as containers of a Docker daemon.
//
// Each server is one container with the suite and the idempotency key as labels and in
// its name, so that the daemon itself refuses a second one. A container's processes end
// with it. Images are used as they are there, or pulled with their digest checked by the
// daemon. An aicv binary without an image runs in one that is made of it on the spot.
package docker

import (
	"cmp"
	"fmt"
	"net"
	"time"

	"aicv/spec"
)

// Kind is the kind under which suites declare it: target "docker" "name".
const Kind = "docker"

const (
	since          = "0.1"
	defaultPublish = "127.0.0.1"
	defaultPull    = pullMissing
	pullMissing    = "missing"
	pullAlways     = "always"
	pullNever      = "never"
)

// Registration is a Docker daemon as a target.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RoleTarget,
		Kind: Kind,
		Doc:  "Servers as containers of a Docker daemon.",
		Schema: spec.Block{
			Doc: "Servers as containers of a Docker daemon, on this host or another. The runtime's `image` says which image; the simulator needs none.",
			Attributes: append([]spec.Attribute{
				{Name: "host", Type: spec.TypeString, Since: since, Example: `"unix:///run/user/1000/docker.sock"`,
					Doc: "Address of the daemon. Without it `context`, DOCKER_HOST, DOCKER_CONTEXT and the docker command's current context are followed, in this order."},
				{Name: "context", Type: spec.TypeString, Since: since, Example: `"gpu-host"`,
					Doc: "Context of the docker command (`docker context ls`) whose daemon is used."},
				{Name: "publish", Type: spec.TypeString, Default: spec.StringValue(defaultPublish), Since: since, Example: `"127.0.0.1"`,
					Doc: "Address of the daemon's host on which a server's port is published. Others than loopback let other hosts in; a daemon on another host needs one."},
				spec.BalanceRow(),
				{Name: "pull", Type: spec.TypeString, Default: spec.StringValue(defaultPull), Allowed: []string{pullMissing, pullAlways, pullNever}, Incidental: true, Since: since, Example: `"never"`,
					Doc: "When images are pulled: where they are missing, before each start, or never."},
				{Name: "registry_user", Type: spec.TypeString, Incidental: true, Since: since, Example: `"ci"`,
					Doc: "User for the images' registry."},
				{Name: "registry_password", Type: spec.TypeString, Secret: true, Incidental: true, Since: since, Example: `env("REGISTRY_PASSWORD")`,
					Doc: "Password or token for the images' registry, by reference."},
			}, limitRows()...),
		},
		New: spec.Constructor{Target: newTarget},
	}
}

// limitRows are the rows of what containers get of their host.
func limitRows() []spec.Attribute {
	return []spec.Attribute{
		{Name: "memory", Type: spec.TypeSize, Since: since, Example: `"64GiB"`,
			Doc: "Most memory that a container may use. No limit without it."},
		{Name: "shm_size", Type: spec.TypeSize, Since: since, Example: `"16GiB"`,
			Doc: "Size of a container's /dev/shm, which engines use between their processes. What the runtime asks for, else the daemon's default, without it."},
		{Name: "gpu_uuids", Type: spec.TypeStringList, Since: since, Example: `["GPU-8a3f6b1c-0000-0000-0000-000000000000"]`,
			Doc: "GPUs that servers may get, for daemons on other hosts, whose GPUs can not be listed from here."},
		{Name: "share_host", Type: spec.TypeBool, Default: spec.BoolValue(false), Since: since, Example: "true",
			Doc: "Whether servers of other suites may run on the host at the same time. They disturb what is measured."},
		{Name: "host_wait", Type: spec.TypeDuration, Default: spec.StringValue("0s"), Incidental: true, Since: since, Example: `"30m"`,
			Doc: "How long to wait for the servers of other suites to leave the host before giving up."},
	}
}

// settings are a target's checked attributes.
type settings struct {
	address       string // of the component
	host, context string
	publish       string
	pull          string
	user          string
	password      spec.Value
	memory, shm   int64
	gpus          []string
	share         bool
	wait          time.Duration
}

func parseSettings(c *spec.Component) (settings, error) {
	a := c.Attrs
	s := settings{address: c.Address(), host: a.Text("host"), context: a.Text("context"), publish: cmp.Or(a.Text("publish"), defaultPublish),
		pull: cmp.Or(a.Text("pull"), defaultPull), user: a.Text("registry_user"), password: a["registry_password"], share: a.Bool("share_host"),
		memory: int64(a.Int("memory")), shm: int64(a.Int("shm_size")), gpus: a.Strings("gpu_uuids")}
	if s.host != "" && s.context != "" {
		return s, usage(s.address+": host and context both name a daemon", "keep one of them")
	}
	if net.ParseIP(s.publish) == nil {
		return s, usage(fmt.Sprintf("%s: publish %q is no IP address", s.address, s.publish), `write publish = "127.0.0.1"`)
	}
	if k := s.password.Kind(); k != spec.Null && k != spec.Secret {
		return s, usage(s.address+": registry_password holds a password itself", `write registry_password = env("REGISTRY_PASSWORD"), so that it is written nowhere`)
	}
	var err error
	if s.wait, err = time.ParseDuration(cmp.Or(a.Text("host_wait"), "0s")); err != nil {
		return s, usage(fmt.Sprintf("%s: host_wait %q is no duration", s.address, a.Text("host_wait")), `write host_wait = "30m"`)
	}
	return s, nil
}

func usage(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}
