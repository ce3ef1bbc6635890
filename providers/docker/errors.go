package docker

import (
	"context"
	"fmt"
	"strings"

	"aicv/spec"
)

func interrupted(err error) error {
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "the work with the Docker daemon was interrupted", Cause: err, Fix: "apply again"}
}

// explanation is what words in a daemon's error mean.
type explanation struct {
	words   []string // any of them
	summary string
	fix     string
}

// explain says what went wrong between the daemon and us.
func (t *target) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return interrupted(fmt.Errorf("%w (%w)", ctx.Err(), err))
	}
	failed := fmt.Sprintf("%s: the Docker daemon at %s ", t.address, t.at.host)
	for _, e := range []explanation{
		{[]string{"permission denied"}, "can not be asked: this user may not use its socket", "add the user to the group docker (usermod -aG docker USER) and log in again, or set host to a daemon of your own"},
		{[]string{"x509:", "tls:", "HTTP request to an HTTPS server", "HTTP response to HTTPS client"}, "can not be asked: the keys do not fit", "check the certificates that " + t.at.from + " names"},
		{[]string{"is too old", "is too new"}, "speaks an API that this aicv does not", "update the older of the two"},
		{[]string{"no space left on device"}, "can not " + doing + ": its disk is full", "free space on its host: docker system df, docker image prune"},
	} {
		if e.fits(err) {
			return &spec.Error{Kind: spec.ErrInfrastructure, Summary: failed + e.summary, Cause: err, Fix: e.fix}
		}
	}
	if unreachable(err) {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: failed + "does not answer", Cause: err,
			Fix: "start it (systemctl start docker), or name another one: host or context in the target, DOCKER_HOST"}
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: failed + "could not " + doing, Cause: err, Fix: "see the daemon's log (journalctl -u docker)"}
}

func (e *explanation) fits(err error) bool {
	text := strings.ToLower(err.Error())
	for _, w := range e.words {
		if strings.Contains(text, strings.ToLower(w)) {
			return true
		}
	}
	return false
}

// explainPull says why an image did not come.
func (t *target) explainPull(ctx context.Context, ref string, err error) error {
	if ctx.Err() != nil || unreachable(err) {
		return t.explain(ctx, "pull "+ref, err)
	}
	for _, e := range []explanation{
		{[]string{"manifest verification failed", "does not match", "digest invalid", "filesystem layer verification failed", "unexpected digest"}, "what the registry gives has another digest than the one asked for",
			"do not use it before you know why: the registry or the way to it changed the image"},
		{[]string{"manifest unknown", "not found", "no such image", "repository name not known"}, "the registry has no such image or tag", "check the name and the tag in the suite's image"},
		{[]string{"unauthorized", "access denied", "authentication required", "denied:", "no basic auth credentials"}, "the registry wants to know who asks, or has no such image", `set registry_user and registry_password = env("...") in the target`},
		{[]string{"no matching manifest"}, "the image is not made for the daemon's system", "choose an image of its architecture"},
		{[]string{"toomanyrequests", "rate limit"}, "the registry gives no more for now", "wait, or log in: registry_user and registry_password"},
		{[]string{"no space left on device"}, "the disk of the daemon's host is full", "free space: docker system df, docker image prune"},
		{[]string{"invalid reference format"}, "that is no image's name", `write image = "registry/name:tag", with @sha256:... to pin it`},
		{[]string{"server gave http response to https client"}, "the registry speaks no TLS", "add it to the daemon's insecure-registries if it is yours"},
		{[]string{"no such host", "connection refused", "i/o timeout", "network is unreachable", "tls handshake timeout", "eof", "connection reset"}, "the registry can not be reached from the daemon's host", "check its name and the network of the daemon's host; what was pulled so far is kept"},
	} {
		if e.fits(err) {
			return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not pull " + ref + ": " + e.summary, Cause: err, Fix: e.fix}
		}
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not pull " + ref, Cause: err, Fix: "try it by hand: docker pull " + ref}
}

// explainStart says why a container did not start; what names what runs in it.
func (t *target) explainStart(ctx context.Context, what string, o *order, err error) error {
	if ctx.Err() != nil || unreachable(err) {
		return t.explain(ctx, "start "+what, err)
	}
	failed := "can not start " + what + " in a container of " + o.image + ": "
	for _, e := range []explanation{
		{[]string{"could not select device driver"}, "the daemon can give no GPUs to containers", "install the NVIDIA container toolkit on its host and restart it (nvidia-ctk runtime configure --runtime=docker)"},
		{[]string{"unsatisfied condition: cuda"}, "the GPUs' driver is older than the image needs", "update the driver, or use an image for an older CUDA"},
		{[]string{"nvidia-container-cli", "unknown device", "no such device"}, "its GPUs can not be given to it", "check nvidia-smi on the daemon's host; a GPU may have fallen off the bus"},
		{[]string{"bind source path does not exist"}, "a folder that it mounts is not there", "check the paths of the model, the tokenizer and the caches on the daemon's host"},
		{[]string{"executable file not found", "no such file or directory", "exec format error"}, "the image has no such command", "check the command, and that the image is the right one"},
		{[]string{"port is already allocated", "address already in use"}, "its port is taken", "the next attempt gets another one"},
		{[]string{"memory limit"}, "the memory limit is refused", "raise memory in the target"},
		{[]string{"no space left on device"}, "the disk of the daemon's host is full", "free space: docker system df, docker image prune"},
		{[]string{errNameTaken.Error()}, "another container has its name", "remove it, or see whose it is: docker ps -a --filter name=" + o.name},
		{[]string{errNoImage.Error()}, "the image went away meanwhile", "apply again"},
	} {
		if e.fits(err) {
			return &spec.Error{Kind: spec.ErrInfrastructure, Summary: failed + e.summary, Cause: err, Fix: e.fix}
		}
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: failed + "the daemon refuses", Cause: err, Fix: "see the daemon's log (journalctl -u docker)"}
}
