package gpu

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The driver's tool of NVIDIA, and the form in which tables are asked for.
const (
	smi       = "nvidia-smi"
	smiFormat = "--format=csv,noheader,nounits"
)

// field is one figure of the table of GPUs: the names under which drivers have it,
// newest first, and what is done with it.
type field struct {
	names []string
	set   func(d *Device, text string)
}

// fields are what is asked of every GPU. The first three identify it.
func fields() []field {
	one := func(name string, set func(*Device, string)) field { return field{[]string{name}, set} }
	return []field{
		one("index", func(d *Device, s string) { d.Index = whole(s, -1) }),
		one("uuid", func(d *Device, s string) { d.UUID = s }),
		one("name", func(d *Device, s string) { d.Name = s }),
		one("memory.total", func(d *Device, s string) { d.MemoryMiB = whole(s, 0) }),
		one("memory.used", func(d *Device, s string) { d.MemoryUsedMiB = reading(s) }),
		one("pci.bus_id", func(d *Device, s string) { d.BusID = known(s) }),
		{[]string{"enforced.power.limit", "power.limit"}, func(d *Device, s string) { d.PowerLimitW = max(0, reading(s).Value) }},
		one("power.draw", func(d *Device, s string) { d.PowerW = reading(s) }),
		one("clocks.current.sm", func(d *Device, s string) { d.SMClockMHz = reading(s) }),
		one("clocks.current.memory", func(d *Device, s string) { d.MemClockMHz = reading(s) }),
		one("clocks.max.sm", func(d *Device, s string) { d.MaxSMClockMHz = whole(s, 0) }),
		one("clocks.max.memory", func(d *Device, s string) { d.MaxMemoryClockMHz = whole(s, 0) }),
		one("ecc.mode.current", func(d *Device, s string) { d.ECC = mode(s) }),
		one("temperature.gpu", func(d *Device, s string) { d.TemperatureC = reading(s) }),
		one("utilization.gpu", func(d *Device, s string) { d.Utilization = reading(s) }),
		one("mig.mode.current", func(d *Device, s string) { d.MIG = strings.EqualFold(s, "enabled") }),
		{[]string{"clocks_event_reasons.active", "clocks_throttle_reasons.active"}, func(d *Device, s string) { d.Slowdowns = slowdowns(s) }},
		one("compute_cap", func(d *Device, s string) { d.ComputeCap = version(s) }),
		one("driver_version", nil), // of the host, taken apart
	}
}

const identifying = 3 // fields without which nothing is known

// Table is what the tool's table of GPUs says.
type Table struct {
	Devices  []Device // sorted by index
	Driver   string
	Problems []Problem
}

// Query asks for the table of NVIDIA GPUs, the quickest look at all of them. Fields that
// the driver does not know are asked under their older name, then left out.
func Query(ctx context.Context, run Runner) (Table, error) {
	asked := fields()
	for {
		names := make([]string, len(asked))
		for i, f := range asked {
			names[i] = f.names[0]
		}
		out, err := run(ctx, smi, "--query-gpu="+strings.Join(names, ","), smiFormat)
		if err == nil || nothingThere(string(out)) {
			return parseTable(string(out), asked)
		}
		at := refused(string(out)+err.Error(), names)
		if at < identifying || ctx.Err() != nil {
			return Table{}, fmt.Errorf("%s: %w", smi, err)
		}
		if rest := asked[at].names[1:]; len(rest) > 0 {
			asked[at].names = rest
		} else {
			asked = slices.Delete(asked, at, at+1)
		}
	}
}

// refused finds the field that the tool says it does not know; -1 where it says no such
// thing.
func refused(said string, names []string) int {
	match := regexp.MustCompile(`Field "([^"]*)" is not a valid field`).FindStringSubmatch(said)
	if match == nil {
		return -1
	}
	return slices.Index(names, match[1])
}

// nothingThere recognises the tool's words for a driver without GPUs.
func nothingThere(out string) bool { return strings.HasPrefix(out, "No devices were found") }

const maxDevices = 1024

// parseTable reads the table. A line in which the tool complains of one GPU is a
// problem and does not lose the others.
func parseTable(text string, asked []field) (Table, error) {
	var t Table
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || nothingThere(line) {
			continue
		}
		if err := t.add(line, asked); err != nil {
			return Table{}, err
		}
	}
	slices.SortStableFunc(t.Devices, func(a, b Device) int { return cmp.Compare(a.Index, b.Index) })
	return t, nil
}

func (t *Table) add(line string, asked []field) error {
	cells := strings.Split(line, ",")
	if complaint := complaintIn(line, cells); complaint != "" {
		t.Problems = append(t.Problems, Problem{"a GPU", complaint})
		return nil
	}
	if len(cells) != len(asked) {
		return fmt.Errorf("%s: line %q names no GPU", smi, firstLine(line))
	}
	d := Device{Maker: MakerNVIDIA}
	driver := ""
	for i, f := range asked {
		cell := printable(cells[i])
		if f.set == nil {
			driver = version(cell)
			continue
		}
		f.set(&d, cell)
		if strings.Contains(cell, "requires reset") || strings.Contains(cell, "is lost") {
			d.Broken = strings.Trim(cell, "[]")
		}
	}
	if d.Index < 0 || !usableUUID(d.UUID) || len(t.Devices) == maxDevices || t.has(d) {
		return fmt.Errorf("%s: line %q names no GPU, or one twice", smi, firstLine(line))
	}
	t.Devices, t.Driver = append(t.Devices, d), driver
	return nil
}

func (t *Table) has(d Device) bool {
	return slices.ContainsFunc(t.Devices, func(o Device) bool { return o.Index == d.Index || o.UUID == d.UUID })
}

// complaintIn finds the tool's words about a GPU that it can not read: a sentence in
// place of a line, or errors in place of what identifies it.
func complaintIn(line string, cells []string) string {
	if strings.HasPrefix(line, "Unable to determine the device handle") {
		return firstLine(line)
	}
	for _, identity := range cells[:min(len(cells), identifying)] {
		if cell := strings.TrimSpace(identity); cell != "" && known(cell) == "" {
			return firstLine(line)
		}
	}
	return ""
}

// usableUUID reports whether a UUID can name a lock and be passed to a server.
func usableUUID(uuid string) bool {
	return regexp.MustCompile(`^GPU-[0-9A-Za-z-]{1,80}$`).MatchString(uuid)
}

// known is a text, empty for the tool's ways to say that there is none: N/A, and
// everything in brackets.
func known(cell string) string {
	if cell == "N/A" || strings.HasPrefix(cell, "[") || strings.HasPrefix(cell, "Requested functionality") {
		return ""
	}
	return cell
}

// mode is "enabled" or "disabled", empty where the device has no such mode.
func mode(cell string) string {
	if cell = strings.ToLower(cell); cell == "enabled" || cell == "disabled" {
		return cell
	}
	return ""
}

// version is a version number, empty where the tool has words in its place.
func version(cell string) string {
	if regexp.MustCompile(`^[0-9]+(\.[0-9A-Za-z]+){1,4}$`).MatchString(cell) {
		return cell
	}
	return ""
}

// reading is a figure; not known where the cell is no finite number. Units are cut.
func reading(cell string) Reading {
	number, _, _ := strings.Cut(cell, " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e12 {
		return Reading{}
	}
	return Reading{v, true}
}

// whole is a whole number that is not negative, or the other value.
func whole(cell string, otherwise int) int {
	r := reading(cell)
	if !r.Known || r.Value < 0 || r.Value != math.Trunc(r.Value) || r.Value > 1e9 {
		return otherwise
	}
	return int(r.Value)
}

// slowdowns names the bits of NVML's mask of reasons for lowered clocks
// (nvmlClocksEventReasons), as the tool itself names them.
func slowdowns(mask string) []string {
	digits, isMask := strings.CutPrefix(mask, "0x")
	bits, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || !isMask {
		return nil
	}
	names := []string{"gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost", "sw_thermal_slowdown",
		"hw_thermal_slowdown", "hw_power_brake_slowdown", "display_clocks_setting"}
	var out []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	if rest := bits >> len(names); rest != 0 {
		out = append(out, fmt.Sprintf("%#x", rest<<len(names)))
	}
	return out
}
