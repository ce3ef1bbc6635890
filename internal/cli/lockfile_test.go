package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/lang/lock"
)

// Pins of images outlive applies that do not use them, hold what later ones may use, and
// are let go of by an upgrade, one at a time.
func TestImagePins(t *testing.T) {
	at := place{lock: filepath.Join(t.TempDir(), ".aicv.lock")}
	a := &app{stdio: Stdio{Out: io.Discard, Err: io.Discard}}
	prediction := lock.Entry{Name: "predictor.x.y", What: "version", Value: "1"}
	p := &engine.Plan{Locks: []engine.LockEntry{{Name: prediction.Name, What: prediction.What, Value: prediction.Value}}}
	apply := func(p *engine.Plan, upgrade bool) *imagePins {
		t.Helper()
		pins, err := a.writeLock(at, p, upgrade)
		if err != nil {
			t.Fatal(err)
		}
		return pins
	}
	for _, reference := range []string{"vllm/vllm-openai:v1", "engine:1"} {
		if err := apply(p, false).pin(reference, reference+"@sha256:a"); err != nil {
			t.Fatal(err)
		}
	}
	pins := apply(&engine.Plan{}, false)
	want := map[string]string{"vllm/vllm-openai:v1": "vllm/vllm-openai:v1@sha256:a", "engine:1": "engine:1@sha256:a"}
	if diff := cmp.Diff(want, pins.wanted); diff != "" {
		t.Error(diff)
	}
	pins = apply(p, true)
	if len(pins.wanted) > 0 {
		t.Errorf("an upgrade holds on to %v", pins.wanted)
	}
	if err := pins.pin("engine:1", "engine@sha256:b"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(at.lock)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := lock.Parse(content, at.lock)
	all := []lock.Entry{{Name: "engine:1", What: "image", Value: "engine@sha256:b"}, prediction,
		{Name: "vllm/vllm-openai:v1", What: "image", Value: "vllm/vllm-openai:v1@sha256:a"}}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Error(diff)
	}
	if lines := differences(got, lock.Compare(got, lockEntries(p))); len(lines) > 0 {
		t.Errorf("a plan differs from pins of images: %q", lines)
	}
}
