package spec

import (
	"encoding/json"
	"testing"
)

// waiting is a component of which one attribute is incidental.
func waiting(role Role, timeout, noise string) *Component {
	return &Component{Role: role, Kind: "sim", Name: "x", Incidental: []string{"log", "timeout"},
		Attrs: Attrs{"timeout": StringValue(timeout), "noise": NumberValue(noise)}}
}

func cellOf(timeout, noise string) *Cell {
	return &Cell{Model: &Model{ID: "m"}, Runtime: waiting(RoleRuntime, timeout, noise), Target: waiting(RoleTarget, timeout, "0"),
		Benchmark: waiting(RoleBenchmark, timeout, "0"), Load: Load{Concurrency: 8, InputTokens: 1, OutputTokens: 1}}
}

func TestIncidentalAttributesAreNoPartOfIdentities(t *testing.T) {
	first, patient, noisy := cellOf("1s", "0.1"), cellOf("1h", "0.1"), cellOf("1s", "0.2")
	cached := NewIdentities()
	for name, id := range map[string]func(*Cell) ID{
		"deployment": (*Cell).DeploymentID, "measurement": (*Cell).MeasurementID,
		"cached deployment": cached.Deployment, "cached measurement": cached.Measurement,
	} {
		if id(first) != id(patient) {
			t.Errorf("%s: a longer timeout is another one", name)
		}
		if id(first) == id(noisy) {
			t.Errorf("%s: another noise is the same one", name)
		}
	}
	if first.MeasurementID() != cached.Measurement(first) || first.DeploymentID() != cached.Deployment(first) {
		t.Error("cached identities are others")
	}
	counting := cellOf("1s", "0.1")
	counting.Runtime.Incidental = nil
	if counting.DeploymentID() == first.DeploymentID() {
		t.Error("an attribute that counts is left out")
	}
}

// How a run is taken is part of what was measured; a deployment may serve all of it.
func TestSamplingIsPartOfTheMeasurement(t *testing.T) {
	plain, seen := cellOf("1s", "0.1"), map[ID]string{}
	for name, s := range map[string]Sampling{
		"as usual": {}, "requests": {Requests: 7}, "duration": {Duration: 7}, "warm-up": {Warmup: 7}, "warm-up by time": {WarmupTime: 7}, "seed": {Seed: 7},
	} {
		c := *plain
		c.Sampling = s
		if other, known := seen[c.MeasurementID()]; known {
			t.Errorf("%s and %s are one measurement", name, other)
		}
		seen[c.MeasurementID()] = name
		if c.DeploymentID() != plain.DeploymentID() {
			t.Errorf("%s makes another deployment", name)
		}
	}
}

// A saved plan carries its components as JSON: what it measures is the same afterwards.
func TestComponentKeepsItsIdentityInJSON(t *testing.T) {
	c := waiting(RoleRuntime, "1s", "0.1")
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Component
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if got, want := string(back.appendIdentity(nil)), `sim:{"noise":0.1}`; got != want {
		t.Errorf("identity %s, want %s", got, want)
	}
	if back.Attrs.Text("timeout") != "1s" || c.Attrs.Text("timeout") != "1s" {
		t.Error("the attribute itself is lost")
	}
}

func TestCellGPUs(t *testing.T) {
	hardware := &Hardware{System: "h200_sxm", GPUs: 8}
	four := &Component{Role: RoleTarget, Attrs: Attrs{AttrGPUs: IntValue(4)}}
	config := NewConfiguration(Setting{ItemTensorParallel, IntValue(2)}, Setting{ItemReplicas, IntValue(3)})
	for name, c := range map[string]struct {
		cell Cell
		want int
	}{
		"nothing known":         {Cell{Config: config}, 0},
		"a target without them": {Cell{Config: config, Target: &Component{Role: RoleTarget}}, 0},
		"of the hardware":       {Cell{Config: config, Hardware: hardware}, 6},
		"behind the target":     {Cell{Config: config, Target: four}, 4},
		"the target knows best": {Cell{Config: config, Target: four, Hardware: hardware}, 4},
	} {
		if got := c.cell.GPUs(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
