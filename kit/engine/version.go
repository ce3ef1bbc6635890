package engine

import (
	"fmt"
	"regexp"
	"strings"

	"aicv/kit/pep440"
	"aicv/spec"
)

// ItemVersion stands in a mapping for the engine's version.
const ItemVersion = "version"

// ReadVersion checks a declared version against the table, and against the tag of the
// image where that tells one. A version newer than the table is taken, with a mapping
// that says so.
func (e *Engine) ReadVersion(address, declared, image string) (pep440.Version, *spec.ItemMapping, error) {
	if declared == "" {
		return pep440.Version{}, nil, usage(address+" needs a version: its flags depend on it",
			fmt.Sprintf("add version = %q, or whichever runs there: pip show %s tells", e.Newest, e.Kind))
	}
	v, err := pep440.Parse(declared)
	if err != nil {
		return v, nil, &spec.Error{Kind: spec.ErrUsage, Summary: address + ": its version can not be read", Cause: err,
			Fix: "give the version that the image or the installation has, not the name of a tag"}
	}
	if err := e.tagAgrees(address, v, image); err != nil {
		return v, nil, err
	}
	if v.Compare(e.oldest) < 0 {
		return v, nil, usage(fmt.Sprintf("%s: %s %s is older than what aicv knows the flags of (%s to %s)", address, e.Engine, v, e.Oldest, e.Newest),
			"use a newer version, or runtime \"command\" with arguments of your own")
	}
	if v.Public().Compare(e.newest) > 0 {
		return v, &spec.ItemMapping{Item: ItemVersion, Fidelity: spec.FidelityApproximate,
			Why: fmt.Sprintf("aicv knows the flags of %s up to %s; those of %s are taken to be the same", e.Engine, e.Newest, v)}, nil
	}
	return v, nil, nil
}

// tagAgrees compares the version with one that the image's tag names.
func (e *Engine) tagAgrees(address string, v pep440.Version, image string) error {
	tag := tagOf(image)
	if tag == "" {
		return nil
	}
	m := regexp.MustCompile(`^v?(\d+(?:\.\d+)+(?:rc\d+|(?:\.post|\.dev)\d+)?)(?:-|$)`).FindStringSubmatch(tag)
	if m == nil {
		return nil
	}
	named, err := pep440.Parse(m[1])
	if err != nil || named.Compare(v.Public()) == 0 {
		return nil
	}
	return usage(fmt.Sprintf("%s: version is %s, and its image's tag says %s", address, v, tag), "make both agree")
}

// tagOf is an image reference's tag; empty: it has none.
func tagOf(image string) string {
	name, _, _ := strings.Cut(image, "@")
	slash := strings.LastIndexByte(name, '/')
	if colon := strings.LastIndexByte(name, ':'); colon > slash {
		return name[colon+1:]
	}
	return ""
}
