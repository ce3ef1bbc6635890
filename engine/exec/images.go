package exec

import (
	"fmt"
	"strings"

	"aicv/spec"
)

// pinned is the content that a group's image must have; empty: any.
func (x *executor) pinned(g *group) string {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.images[g.spec.Image]
}

// pinImage pins the content of the image that a server runs in.
func (x *executor) pinImage(g *group) error { return x.pin(g.spec.Image, g.up.server.Image) }

// pin pins the content of an image that is declared by a tag, the first time that it is
// used: what the tag names later is not what was measured.
func (x *executor) pin(ref, digest string) error {
	if ref == "" || digest == "" || strings.Contains(ref, "@") {
		return nil
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.images[ref] != "" {
		return nil
	}
	if x.request.Pin != nil {
		if err := x.request.Pin(ref, digest); err != nil {
			return fmt.Errorf("pin the image %s: %w", ref, err)
		}
	}
	if x.images == nil {
		x.images = map[string]string{}
	}
	x.images[ref] = digest
	return nil
}

// noteDrift says what is another one than at the deployment's last start: runs of both
// count together.
func (x *executor) noteDrift(g *group, start *spec.ServerStart) {
	x.mutex.Lock()
	last := x.starts[g.deployment.ID].last
	x.mutex.Unlock()
	if last == nil {
		return
	}
	for _, what := range start.Drift(last) {
		x.warn(g.address(), what+"; runs from before are kept, and aicv apply --rerun measures them again")
	}
}
