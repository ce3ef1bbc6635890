package exec

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"aicv/spec"
)

// withImage is a bench whose servers run in an image, and the pins that its applies made.
func withImage(t *testing.T, image, digest string) (*bench, map[string]string) {
	b := newBench(t, small())
	b.world.image, b.world.digest = image, digest
	return b, map[string]string{}
}

func (b *bench) applyPinning(wanted, pins map[string]string) (*Result, error) {
	r := b.request()
	r.Images, r.Pin = wanted, func(reference, digest string) error {
		b.world.mutex.Lock()
		defer b.world.mutex.Unlock()
		if pins[reference] != "" || b.world.benchRuns > 0 {
			b.t.Errorf("%s is pinned twice, or after %d runs", reference, b.world.benchRuns)
		}
		pins[reference] = digest
		return nil
	}
	return apply(b.t.Context(), r, fakeProbe{b.world})
}

func TestAnImageIsPinnedByItsFirstUse(t *testing.T) {
	for image, pinned := range map[string]string{"engine:1": "sha256:a", "engine@sha256:a": "", "": ""} {
		synctest.Test(t, func(t *testing.T) {
			b, pins := withImage(t, image, "sha256:a")
			if _, err := b.applyPinning(nil, pins); err != nil {
				t.Fatal(err)
			}
			if pins[image] != pinned {
				t.Errorf("%q: pinned %v", image, pins)
			}
			b.clean()
		})
	}
}

// Another content behind the tag ends the apply before anything runs on it, also where
// the tag moves in the middle.
func TestAnotherImageIsRefused(t *testing.T) {
	for name, wanted := range map[string]map[string]string{"pinned": {"engine:1": "sha256:a"}, "moves meanwhile": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, pins := withImage(t, "engine:1", "sha256:b")
				b.world.onStart = func(int, *fakeServer) error {
					b.world.digest = "sha256:c" // from the next start on
					return nil
				}
				before := maps.Clone(wanted)
				_, err := b.applyPinning(wanted, pins)
				if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "another image") {
					t.Errorf("error %v", err)
				}
				if !maps.Equal(wanted, before) {
					t.Errorf("the caller's pins became %v", wanted)
				}
				b.clean()
			})
		})
	}
}

func TestAPinThatCanNotBeWrittenLetsNothingRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := withImage(t, "engine:1", "sha256:a")
		r := b.request()
		r.Pin = func(string, string) error { return errors.New("disk full") }
		if _, err := apply(t.Context(), r, fakeProbe{b.world}); err != nil {
			t.Fatal(err)
		}
		if b.world.benchRuns != 0 {
			t.Errorf("%d runs on an image that is not pinned", b.world.benchRuns)
		}
		b.clean()
	})
}

func TestDriftBetweenStartsIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := small()
		s.repeats.Starts = 2
		b := newBench(t, s)
		b.world.image, b.world.digest = "engine@sha256:a", "sha256:a"
		b.world.onStart = func(n int, server *fakeServer) error {
			if n%2 == 0 { // the second of a deployment
				server.Image = "sha256:b"
			}
			return nil
		}
		b.mustFinish()
		if said := b.heard.text(spec.EventWarning); strings.Count(said, "its image: sha256:a at the start before, sha256:b now") != 2 {
			t.Errorf("warned of %q; %d starts", said, b.world.begun)
		}
	})
}
