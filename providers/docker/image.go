package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"aicv/spec"
)

// prepareImage makes sure that the daemon has the image. It returns what to start and
// the digest that says what it is.
func (t *target) prepareImage(ctx context.Context, d daemon, request *spec.StartRequest, host *hostInfo) (ref, digest string, err error) {
	ref = request.Spec.Image
	if ref == "" {
		return t.selfImage(ctx, d, host)
	}
	there, err := d.image(ctx, ref)
	missing := errors.Is(err, errNoImage)
	switch {
	case err != nil && !missing:
		return "", "", t.explain(ctx, "look for the image "+ref, err)
	case missing && t.pull == pullNever:
		return "", "", &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("%s: the image %s is not there, and pull is %q", t.address, ref, pullNever),
			Fix: "pull or build it on the daemon's host, or set pull = \"missing\""}
	case missing || t.pull == pullAlways:
		if there, err = t.pullImage(ctx, d, request); err != nil {
			return "", "", err
		}
	}
	if request.Digest != "" && !there.has(request.Digest) {
		return "", "", &spec.Error{Kind: spec.ErrUsage,
			Summary: fmt.Sprintf("%s: the image %s is another one now: pinned is %s, and the daemon has %s", t.address, ref, request.Digest, there.digest(ref)),
			Fix:     howToTakeImage}
	}
	return ref, there.digest(ref), nil
}

const howToTakeImage = "apply with --upgrade to go on with the one that is there and pin it, or name the pinned one by its digest in the suite"

// has reports whether the image has this content, under whatever name it was pulled.
func (i localImage) has(digest string) bool {
	content := func(d string) string { return d[strings.LastIndexByte(d, '@')+1:] }
	return i.id == digest || slices.ContainsFunc(i.digests, func(d string) bool { return content(d) == content(digest) })
}

// digest is the one under which the image was pulled from the registry of ref, or any,
// else that of its configuration.
func (i localImage) digest(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	for _, d := range i.digests {
		if strings.HasPrefix(d, name+"@") {
			return d
		}
	}
	if len(i.digests) > 0 {
		return i.digests[0]
	}
	return i.id
}

// pullImage pulls, telling of its progress at most once a second.
func (t *target) pullImage(ctx context.Context, d daemon, request *spec.StartRequest) (localImage, error) {
	ref := request.Spec.Image
	var as login
	if t.user != "" || !t.password.IsNull() {
		password, err := t.secret(t.address+": registry_password", t.password)
		if err != nil {
			return localImage{}, err
		}
		as = login{t.user, password}
	}
	tell(request, "pulling "+ref)
	var told time.Time
	err := d.pull(ctx, ref, as, func(p progress) {
		if time.Since(told) >= time.Second {
			told = time.Now()
			tell(request, "pulling "+ref+": "+p.String())
		}
	})
	if err != nil {
		return localImage{}, t.explainPull(ctx, ref, err)
	}
	there, err := d.image(ctx, ref)
	if errors.Is(err, errNoImage) {
		return localImage{}, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "what was pulled is not " + ref, Fix: "check the name and the digest"}
	}
	if err != nil {
		return localImage{}, t.explain(ctx, "look for the image "+ref, err)
	}
	return there, nil
}

func tell(request *spec.StartRequest, phase string) {
	if request.Tell != nil {
		request.Tell(phase)
	}
}

// selfPath is where images hold the aicv binary.
const selfPath = "/aicv"

// isSelf reports a server that is the aicv binary itself.
func (t *target) isSelf(s *spec.ServerSpec) bool {
	return t.env.Self != "" && len(s.Command) > 0 && s.Command[0] == t.env.Self
}

// selfImage makes an image that holds nothing but the aicv binary, once for each build
// of it.
func (t *target) selfImage(ctx context.Context, d daemon, host *hostInfo) (ref, digest string, err error) {
	file, err := os.Open(t.env.Self)
	if err != nil {
		return "", "", unfit(err)
	}
	defer func() { _ = file.Close() }() // only read
	if err := static(file, host.arch); err != nil {
		return "", "", unfit(err)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return "", "", unfit(err)
	}
	ref = "aicv-self:" + hex.EncodeToString(hash.Sum(nil))[:16]
	there, err := d.image(ctx, ref)
	if errors.Is(err, errNoImage) {
		if err = t.loadSelf(ctx, d, ref, file, size); err == nil {
			there, err = d.image(ctx, ref)
		}
	}
	if err != nil {
		return "", "", t.explain(ctx, "make an image of aicv itself", err)
	}
	return ref, there.id, nil
}

func unfit(err error) error {
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "aicv itself can not run in a container", Cause: err,
		Fix: "build it with CGO_ENABLED=0 for the daemon's system, or give the runtime an image that holds it as " + selfPath}
}

// static checks that a binary runs without anything else.
func static(file io.ReaderAt, arch string) error {
	binary, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("it is no Linux program: %w", err)
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is linked against shared libraries")
		}
	}
	if arch != "" && arch != runtime.GOARCH {
		return fmt.Errorf("it is built for %s, and the daemon runs on %s", runtime.GOARCH, arch)
	}
	return nil
}

// loadSelf streams the image to the daemon.
func (t *target) loadSelf(ctx context.Context, d daemon, ref string, binary io.ReadSeeker, size int64) error {
	if _, err := binary.Seek(0, io.SeekStart); err != nil {
		return err
	}
	from, to := io.Pipe()
	go func() { _ = to.CloseWithError(writeSelf(to, binary, size)) }() // never fails
	err := d.load(ctx, ref, "ENV PATH=/", from)
	_ = from.Close() // ends the writer where the daemon did not read all
	return err
}

func writeSelf(to io.Writer, binary io.Reader, size int64) error {
	archive := tar.NewWriter(to)
	if err := archive.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: strings.TrimPrefix(selfPath, "/"), Typeflag: tar.TypeReg, Mode: 0o755, Size: size}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, binary); err != nil {
		return err
	}
	return archive.Close()
}
