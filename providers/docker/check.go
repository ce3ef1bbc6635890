package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aicv/kit/gpu"
	"aicv/spec"
)

// Check asks the daemon what it is, whether it can give GPUs to containers, and how much
// room it has for images.
func (t *target) Check(ctx context.Context) []spec.Check {
	const name = "docker daemon"
	d, err := t.reach(ctx)
	if err == nil {
		err = t.checkPublish()
	}
	if err != nil {
		return []spec.Check{spec.FailedCheck(name, err)}
	}
	i, err := d.info(ctx)
	if err != nil {
		return []spec.Check{spec.FailedCheck(name, t.explain(ctx, "look at its host", err))}
	}
	return []spec.Check{{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("Docker %s on %s (%s, from %s)", i.version, i.name, t.at.host, t.at.from)},
		t.checkToolkit(ctx, &i), t.checkRoom(i.root)}
}

// checkToolkit matters only where there are GPUs.
func (t *target) checkToolkit(ctx context.Context, i *hostInfo) spec.Check {
	const name = "GPU toolkit"
	if slices.Contains(i.runtimes, "nvidia") {
		return spec.Check{Name: name, Status: spec.CheckOK, Found: "the daemon has the runtime nvidia"}
	}
	if !t.at.local() {
		return spec.Check{Name: name, Status: spec.CheckWarn, Found: "the daemon has no runtime nvidia", Fix: "install the NVIDIA container toolkit on its host if servers there need GPUs"}
	}
	host, err := gpu.Read(ctx, t.run)
	if err != nil || len(host.GPUs()) == 0 {
		return spec.Check{Name: name, Status: spec.CheckSkip, Found: "this host has no NVIDIA GPU that servers could get"}
	}
	// Daemons since 25 may give GPUs by CDI, without a runtime of that name.
	return spec.Check{Name: name, Status: spec.CheckWarn, Found: "the daemon has no runtime nvidia, and this host has GPUs: " + strings.Join(names(host.GPUs()), ", "),
		Fix: "install the NVIDIA container toolkit, then nvidia-ctk runtime configure --runtime=docker and restart the daemon"}
}

func names(gpus []spec.GPU) []string {
	var out []string
	for _, g := range gpus {
		out = append(out, g.Name)
	}
	return out
}

// littleRoom is less than most engines' images need.
const littleRoom = 30 << 30

func (t *target) checkRoom(root string) spec.Check {
	const name = "disk space"
	var stat unix.Statfs_t
	if !t.at.local() || root == "" || unix.Statfs(root, &stat) != nil {
		return spec.Check{Name: name, Status: spec.CheckSkip, Found: "the daemon's disk can not be seen from here"}
	}
	free := int64(stat.Bavail) * int64(stat.Bsize)
	c := spec.Check{Name: name, Status: spec.CheckOK, Found: fmt.Sprintf("%s free in %s", megabytes(free), root)}
	if free < littleRoom {
		c.Status, c.Fix = spec.CheckWarn, "images of engines take 10 to 30 GB: free some (docker system df, docker image prune)"
	}
	return c
}

// CheckImage looks whether a runtime's image is there or would be pulled, and whether the
// one that is there is the pinned one.
func (t *target) CheckImage(ctx context.Context, s *spec.ServerSpec, pinned string) spec.Check {
	const name = "image"
	d, err := t.reach(ctx)
	if err != nil {
		return spec.FailedCheck(name, err)
	}
	if s.Image == "" {
		if t.isSelf(s) {
			return spec.Check{Name: name, Status: spec.CheckOK, Found: "made of aicv itself"}
		}
		return spec.FailedCheck(name, noImage("the runtime"))
	}
	there, err := d.image(ctx, s.Image)
	switch {
	case err == nil && pinned != "" && !there.has(pinned):
		return t.drifted(s.Image, pinned, &there)
	case err == nil && pinned != "":
		return spec.Check{Name: name, Status: spec.CheckOK, Found: there.digest(s.Image) + ", as pinned"}
	case err == nil:
		return spec.Check{Name: name, Status: spec.CheckOK, Found: there.digest(s.Image)}
	case t.pull == pullNever:
		return spec.Check{Name: name, Status: spec.CheckFail, Found: s.Image + " is not there, and pull is \"never\"", Fix: "docker pull " + s.Image}
	}
	return spec.Check{Name: name, Status: spec.CheckWarn, Found: s.Image + " is not there yet: the first apply pulls it", Fix: "docker pull " + s.Image}
}

// drifted is an image that is another one than the suite pins: an apply refuses it, unless
// it pulls first and the registry still has the pinned one.
func (t *target) drifted(ref, pinned string, there *localImage) spec.Check {
	c := spec.Check{Name: "image", Status: spec.CheckFail, Found: fmt.Sprintf("%s is another one than pinned: pinned is %s, and the daemon has %s", ref, pinned, there.digest(ref)), Fix: howToTakeImage}
	if t.pull == pullAlways {
		c.Status, c.Fix = spec.CheckWarn, "the next apply pulls it anew; where the registry has another one too, "+howToTakeImage
	}
	return c
}
