package gpu

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aicv/kit/lock"
	"aicv/spec"
)

func TestClaimLeavesWhatIsTaken(t *testing.T) {
	pool := Pool{Dir: t.TempDir(), Run: idleHost(4).run}
	all := func(there spec.Inventory) ([]spec.GPU, error) { return there.GPUs, nil }
	uuids := []string{}
	for _, g := range gpusOf(4) {
		uuids = append(uuids, g.UUID)
	}
	visible := "3,1"
	for _, test := range []struct {
		name  string
		claim Claim
		want  []string
		wrong string
	}{
		{"two of four", Claim{Count: 2, Fit: all}, uuids[:2], ""},
		{"beside a container", Claim{Count: 2, Fit: all, Taken: map[string]string{uuids[0]: "container x has it"}}, uuids[1:3], ""},
		{"too few beside it", Claim{Count: 4, Fit: all, Taken: map[string]string{uuids[0]: "container x has it"}}, nil, "3 of 4 are free (GPU 0: container x has it)"},
		{"visible", Claim{Count: 1, Fit: all, Visible: &visible}, uuids[1:2], ""},
		{"more than visible", Claim{Count: 3, Fit: all, Visible: &visible}, nil, "leaves 2 that fit"},
		{"none fits", Claim{Count: 1, Fit: func(spec.Inventory) ([]spec.GPU, error) { return nil, errors.New("another system") }}, nil, "another system"},
	} {
		test.claim.For = lock.Holder{Suite: "s"}
		r, err := pool.Claim(noContext(), test.claim)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := r.UUIDs(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		r.Release()
	}
}
