package spec_test

import (
	"strings"
	"testing"

	"aicv/spec"
)

func TestDrift(t *testing.T) {
	earlier := spec.ServerStart{Number: 1, Server: spec.Server{Image: "sha256:a"}, Inventory: spec.Inventory{Host: "box", Driver: "570",
		GPUs: []spec.GPU{{Index: 0, UUID: "GPU-a", Name: "H200", PowerLimitW: 700}}}}
	for want, change := range map[string]func(s *spec.ServerStart){
		"": func(s *spec.ServerStart) {
			s.Server.Image, s.Inventory.GPUs[0].UUID, s.Inventory.GPUs[0].Index = "", "GPU-b", 3
		},
		"its image: sha256:a at the start before, sha256:b now":          func(s *spec.ServerStart) { s.Server.Image = "sha256:b" },
		"its driver: 570 at the start before, 580 now":                   func(s *spec.ServerStart) { s.Inventory.Driver = "580" },
		"its host: box at the start before, bax now":                     func(s *spec.ServerStart) { s.Inventory.Host = "bax" },
		"its GPUs: H200 at 700 W at the start before, H200 at 500 W now": func(s *spec.ServerStart) { s.Inventory.GPUs[0].PowerLimitW = 500 },
	} {
		now := earlier
		now.Number, now.Inventory.GPUs = 2, append([]spec.GPU(nil), earlier.Inventory.GPUs...)
		change(&now)
		if got := strings.Join(now.Drift(&earlier), "; "); got != want {
			t.Errorf("drift %q, want %q", got, want)
		}
	}
}
