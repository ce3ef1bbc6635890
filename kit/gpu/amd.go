package gpu

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"aicv/spec"
)

// The drivers' tools of AMD, the newer first.
const (
	amdSMI  = "amd-smi"
	rocmSMI = "rocm-smi"
)

// queryAMD lists AMD GPUs with whichever of the two tools is there.
func queryAMD(ctx context.Context, run Runner) (string, []Device, string, error) {
	out, err := run(ctx, amdSMI, "static", "--asic", "--bus", "--vram", "--driver", "--json")
	if !errors.Is(err, exec.ErrNotFound) {
		devices, driver, err := answered(amdSMI, out, err, parseAMD)
		return amdSMI, devices, driver, err
	}
	out, err = run(ctx, rocmSMI, "--showproductname", "--showuniqueid", "--showbus", "--showmeminfo", "vram", "--showdriverversion", "--json")
	if errors.Is(err, exec.ErrNotFound) {
		return amdSMI, nil, "", err
	}
	devices, driver, err := answered(rocmSMI, out, err, parseROCm)
	return rocmSMI, devices, driver, err
}

func answered(tool string, out []byte, err error, parse func([]byte) ([]Device, string, error)) ([]Device, string, error) {
	if err == nil {
		devices, driver, parseErr := parse(out)
		if parseErr == nil {
			return devices, driver, nil
		}
		err = parseErr
	}
	return nil, "", fmt.Errorf("%s: %w", tool, err)
}

// amdGPU is what amd-smi says of one GPU.
type amdGPU struct {
	GPU  int `json:"gpu"`
	ASIC struct {
		MarketName text `json:"market_name"`
		Serial     text `json:"asic_serial"`
	} `json:"asic"`
	Bus struct {
		BDF text `json:"bdf"`
	} `json:"bus"`
	VRAM struct {
		Size struct {
			Value json.RawMessage `json:"value"` // a number, or words
			Unit  text            `json:"unit"`
		} `json:"size"`
	} `json:"vram"`
	Driver struct {
		Version text `json:"version"`
	} `json:"driver"`
}

// text is a string of foreign JSON; anything else that stands in its place is empty.
type text string

// UnmarshalJSON never fails: a figure of another type is not known.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil && known(s) != "" {
		*t = text(printable(s))
	}
	return nil
}

// parseAMD reads amd-smi's JSON: a list of GPUs, since ROCm 7 inside an object.
func parseAMD(out []byte) ([]Device, string, error) {
	var list []amdGPU
	var object struct {
		Data []amdGPU `json:"gpu_data"`
	}
	into := any(&list)
	if bytes.HasPrefix(bytes.TrimSpace(out), []byte("{")) {
		into = &object
	}
	if err := json.Unmarshal(out, into); err != nil {
		return nil, "", fmt.Errorf("its JSON can not be read: %w", err)
	}
	var devices []Device
	driver := ""
	for _, g := range append(list, object.Data...) {
		if g.GPU < 0 || len(devices) == maxDevices {
			return nil, "", errors.New("its JSON numbers GPUs oddly")
		}
		devices = append(devices, Device{Maker: MakerAMD, BusID: string(g.Bus.BDF), GPU: spec.GPU{
			Index: g.GPU, UUID: string(g.ASIC.Serial), Name: amdName(string(g.ASIC.MarketName)), MemoryMiB: g.memory()}})
		driver = cmp.Or(driver, version(string(g.Driver.Version)))
	}
	return devices, driver, nil
}

// memory is in MiB: what the tool calls MB is 2^20 bytes.
func (g amdGPU) memory() int {
	n := whole(string(g.VRAM.Size.Value), 0)
	switch strings.ToUpper(string(g.VRAM.Size.Unit)) {
	case "MB", "MIB":
		return n
	case "GB", "GIB":
		return min(n, 1<<20) << 10
	}
	return 0
}

// parseROCm reads rocm-smi's JSON: an object per card, with texts for figures, whose
// names changed their case over the versions.
func parseROCm(out []byte) ([]Device, string, error) {
	var cards map[string]map[string]any
	if err := json.Unmarshal(out, &cards); err != nil {
		return nil, "", fmt.Errorf("its JSON can not be read: %w", err)
	}
	var devices []Device
	for _, name := range slices.Sorted(maps.Keys(cards)) {
		card := cards[name]
		number, isCard := strings.CutPrefix(name, "card")
		index := whole(number, -1)
		if !isCard || index < 0 || len(devices) == maxDevices {
			continue
		}
		devices = append(devices, Device{Maker: MakerAMD, BusID: entry(card, "PCI Bus"), GPU: spec.GPU{
			Index: index, UUID: entry(card, "Unique ID"), Name: amdName(entry(card, "Card Series")), MemoryMiB: mebibytes(entry(card, "VRAM Total Memory (B)"))}})
	}
	slices.SortFunc(devices, func(a, b Device) int { return a.Index - b.Index })
	return devices, version(entry(cards["system"], "Driver version")), nil
}

// entry finds a text by its name, case left aside.
func entry(card map[string]any, name string) string {
	for _, key := range slices.Sorted(maps.Keys(card)) {
		if s, isText := card[key].(string); isText && strings.EqualFold(key, name) {
			return known(printable(s))
		}
	}
	return ""
}

func mebibytes(bytes string) int {
	r := reading(bytes)
	if !r.Known || r.Value < 0 {
		return 0
	}
	return int(r.Value) >> 20
}

// amdName makes sure that a name says whose GPU it is.
func amdName(name string) string {
	if name == "" {
		return "AMD GPU"
	}
	if !strings.HasPrefix(name, "AMD ") {
		return "AMD " + name
	}
	return name
}
