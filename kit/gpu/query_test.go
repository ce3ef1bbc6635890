package gpu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

func TestQueryReadsEveryField(t *testing.T) {
	var asked []string
	table := mustQuery(t, fakeDriver(rowOf(), &asked))
	want := Table{Driver: "570.86.15", Devices: []Device{{
		GPU:   spec.GPU{Index: 0, UUID: "GPU-aaaa-1", Name: "NVIDIA H100 80GB HBM3", MemoryMiB: 81559, PowerLimitW: 700, MaxSMClockMHz: 1980, MaxMemoryClockMHz: 2619, ECC: "enabled"},
		Maker: MakerNVIDIA, BusID: "00000000:18:00.0", ComputeCap: "9.0", MemoryUsedMiB: readingOf(4), PowerW: readingOf(69.51), SMClockMHz: readingOf(345),
		MemClockMHz: readingOf(2619), TemperatureC: readingOf(29), Utilization: readingOf(0), Slowdowns: []string{"gpu_idle"},
	}}}
	if diff := cmp.Diff(want, table); diff != "" || len(asked) != 1 {
		t.Errorf("asked %d times (-want +got)\n%s", len(asked), diff)
	}
}

// TestOlderDrivers holds the way of asking to drivers that lack fields: older names are
// tried, then the field is left out.
func TestOlderDrivers(t *testing.T) {
	row := rowOf("clocks_throttle_reasons.active", "0x0000000000000004", "power.limit", "650.00")
	for _, f := range []string{"clocks_event_reasons.active", "compute_cap", "enforced.power.limit"} {
		delete(row, f)
	}
	var asked []string
	d := mustQuery(t, fakeDriver(row, &asked)).Devices[0]
	if d.PowerLimitW != 650 || d.ComputeCap != "" || len(d.Slowdowns) != 1 || d.Slowdowns[0] != "sw_power_cap" || d.MaxSMClockMHz != 1980 {
		t.Errorf("%+v", d)
	}
	if len(asked) != 4 {
		t.Errorf("asked %d times", len(asked))
	}
}

func TestADriverThatKnowsNothing(t *testing.T) {
	var asked []string
	if table, err := Query(noContext(), fakeDriver(nil, &asked)); err == nil || !strings.Contains(err.Error(), `"index" is not a valid field`) && !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("%+v, %v", table, err)
	}
	run := func(_ context.Context, _ string, args ...string) ([]byte, error) {
		return []byte(`Field "no.such" is not a valid field to query.`), errors.New("exit status 2")
	}
	if _, err := Query(noContext(), run); err == nil {
		t.Error("no error for a tool that refuses what it was not asked")
	}
}

func TestFiguresThatDevicesLack(t *testing.T) {
	for _, lack := range []string{"[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", "[Insufficient Permissions]", "", "nan", "inf", "1e300", "Requested functionality has been deprecated"} {
		line := lineOf("memory.total", lack, "memory.used", lack, "enforced.power.limit", lack, "clocks.max.sm", lack, "ecc.mode.current", lack,
			"temperature.gpu", lack, "mig.mode.current", lack, "clocks_event_reasons.active", lack, "compute_cap", lack, "driver_version", lack, "pci.bus_id", lack)
		table, err := parseTable(line, fields())
		if err != nil {
			t.Errorf("%q: %v", lack, err)
			continue
		}
		d := table.Devices[0]
		if d.MemoryMiB != 0 || d.MemoryUsedMiB.Known || d.PowerLimitW != 0 || d.MaxSMClockMHz != 0 || d.TemperatureC.Known || d.MIG || d.Slowdowns != nil {
			t.Errorf("%q is read as a figure: %+v", lack, d)
		}
		if d.ECC != "" || d.ComputeCap != "" || table.Driver != "" {
			t.Errorf("%q is read as a text: %+v, driver %q", lack, d, table.Driver)
		}
	}
}

func TestNegativeFiguresAreNone(t *testing.T) {
	d := mustQuery(t, fakeTools{"nvidia-smi": says(lineOf("memory.total", "-5", "enforced.power.limit", "-700", "clocks.max.sm", "1.5", "temperature.gpu", "-3"))}.run).Devices[0]
	if d.MemoryMiB != 0 || d.PowerLimitW != 0 || d.MaxSMClockMHz != 0 || d.TemperatureC != readingOf(-3) {
		t.Errorf("%+v", d)
	}
}

// TestABrokenGPUDoesNotLoseTheOthers reads what the tool prints when one GPU has fallen
// off the bus or needs a reset.
func TestABrokenGPUDoesNotLoseTheOthers(t *testing.T) {
	text := lineOf() + "Unable to determine the device handle for GPU0000:02:00.0: Unknown Error\n" +
		strings.Repeat("[Unknown Error], ", len(fields())-1) + "[Unknown Error]\n" +
		lineOf("index", "3", "uuid", "[N/A]") +
		lineOf("index", "2", "uuid", "GPU-cccc", "temperature.gpu", "[GPU requires reset]", "utilization.gpu", "[GPU requires reset]")
	table, err := parseTable(text, fields())
	if err != nil || len(table.Devices) != 2 || len(table.Problems) != 3 {
		t.Fatalf("%d devices, problems %+v, error %v", len(table.Devices), table.Problems, err)
	}
	if d := table.Devices[1]; d.Broken != "GPU requires reset" || d.InUse() != "broken: GPU requires reset" {
		t.Errorf("broken %q, in use %q", d.Broken, d.InUse())
	}
	if got := (Host{Devices: table.Devices}).GPUs(); len(got) != 1 || got[0].UUID != "GPU-aaaa-1" {
		t.Errorf("GPUs %+v", got)
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	for _, text := range []string{"x, GPU-a, H100\n", "no gpus here\n", lineOf("index", "x"), lineOf("index", "-1"), lineOf("uuid", ""), lineOf("uuid", "GPU-../../etc"),
		lineOf("uuid", "MIG-1"), lineOf() + lineOf(), lineOf() + lineOf("index", "1"), lineOf("name", "a, b")} {
		if table, err := parseTable(text, fields()); err == nil {
			t.Errorf("%q was read as %+v", text, table)
		}
	}
}

func TestNoDevices(t *testing.T) {
	for _, a := range []answer{says("No devices were found\n"), {"No devices were found\n", errors.New("exit status 6")}, says("")} {
		table, err := Query(noContext(), fakeTools{"nvidia-smi": a}.run)
		if err != nil || len(table.Devices) != 0 {
			t.Errorf("%+v: %+v, error %v", a, table, err)
		}
	}
}

func TestSlowdowns(t *testing.T) {
	for mask, want := range map[string]string{"0x0": "", "0x0000000000000000": "", "0x00000000000000C8": "hw_slowdown hw_thermal_slowdown hw_power_brake_slowdown",
		"0x1FF": "gpu_idle applications_clocks_setting sw_power_cap hw_slowdown sync_boost sw_thermal_slowdown hw_thermal_slowdown hw_power_brake_slowdown display_clocks_setting",
		"0x601": "gpu_idle 0x600", "Active": ""} {
		if got := strings.Join(slowdowns(mask), " "); got != want {
			t.Errorf("%s: %q, want %q", mask, got, want)
		}
	}
}

// TestARecordedTable reads what a real host with eight B300 printed: with a header, units
// and fewer fields than are asked for here.
func TestARecordedTable(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "fixtures", "measured", "sglang_repeats", "b300_nvidia_smi_idle.csv")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Skip("no recorded table: the fixtures are not beside the repository (../shared/fixtures/measured)")
	}
	header, rows, _ := strings.Cut(string(content), "\n")
	var columns []field
	for name := range strings.SplitSeq(header, ",") {
		name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
		at := columnNamed(name)
		if at == nil {
			t.Fatalf("column %q is not asked for", name)
		}
		columns = append(columns, *at)
	}
	columns = append(columns, field{[]string{"uuid"}, func(d *Device, s string) { d.UUID = s }}) // left out of the recording
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(rows), "\n") {
		b.WriteString(strings.TrimSpace(line) + ", GPU-" + string(rune('a'+i)) + "\n")
	}
	table, err := parseTable(b.String(), columns)
	if err != nil || len(table.Devices) != 8 || table.Driver != "610.57.04" {
		t.Fatalf("%d devices, driver %q, error %v", len(table.Devices), table.Driver, err)
	}
	d := table.Devices[7]
	if d.Name != "NVIDIA B300 SXM6 AC" || d.MemoryMiB != 275040 || d.PowerLimitW != 1100 || d.PowerW != readingOf(130.79) || d.SMClockMHz != readingOf(120) || d.TemperatureC != readingOf(29) {
		t.Errorf("%+v", d)
	}
}

func columnNamed(name string) *field {
	for _, f := range fields() {
		for _, n := range f.names {
			if n == name {
				return &f
			}
		}
	}
	return nil
}

func FuzzParseTable(f *testing.F) {
	f.Add(linesOf(2))
	f.Add(lineOf("index", "0", "uuid", "[Unknown Error]"))
	f.Add("Unable to determine the device handle for GPU1: Unknown Error\n")
	f.Add("No devices were found\n")
	f.Add(strings.Repeat(",", 40))
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseTable(text, fields())
		if err != nil && len(table.Devices) > 0 {
			t.Errorf("devices and the error %v", err)
		}
		for _, d := range table.Devices {
			if !usableUUID(d.UUID) || d.Index < 0 || d.MemoryMiB < 0 || d.PowerLimitW < 0 || strings.ContainsAny(d.Name+d.BusID+d.ECC, "\n\x1b\x00") {
				t.Errorf("%q gives %+v", text, d)
			}
		}
	})
}
