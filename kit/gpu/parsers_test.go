package gpu

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// detailsXML is a log in the form of the drivers 535 and later, shortened to what is read
// and what stands around it.
const detailsXML = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
	<timestamp>Wed Nov 25 09:00:00 2026</timestamp>
	<driver_version>570.86.15</driver_version>
	<cuda_version>12.8</cuda_version>
	<attached_gpus>2</attached_gpus>
	<gpu id="00000000:18:00.0">
		<product_name>NVIDIA A100-SXM4-80GB</product_name>
		<mig_mode><current_mig>Enabled</current_mig></mig_mode>
		<mig_devices>
			<mig_device><index>0</index><gpu_instance_id>3</gpu_instance_id><fb_memory_usage><total>19968 MiB</total></fb_memory_usage></mig_device>
			<mig_device><index>1</index><gpu_instance_id>4</gpu_instance_id><fb_memory_usage><total>9856 MiB</total></fb_memory_usage></mig_device>
		</mig_devices>
		<uuid>GPU-mig</uuid>
		<processes></processes>
	</gpu>
	<gpu id="00000000:2a:00.0">
		<mig_devices>
			None
		</mig_devices>
		<uuid>GPU-busy</uuid>
		<fb_memory_usage><total>81559 MiB</total></fb_memory_usage>
		<processes>
			<process_info><gpu_instance_id>N/A</gpu_instance_id><pid>116860</pid><type>C</type><process_name>/opt/venv/bin/python3</process_name><used_memory>65710 MiB</used_memory></process_info>
			<process_info><pid>1801</pid><type>G</type><process_name>/usr/lib/xorg/Xorg</process_name><used_memory>9 MiB</used_memory></process_info>
			<process_info><pid>77</pid><type>C+G</type><process_name>[Not Found]</process_name><used_memory>N/A</used_memory></process_info>
			<process_info><pid>none</pid><type>C</type></process_info>
		</processes>
	</gpu>
</nvidia_smi_log>
`

func TestParseDetails(t *testing.T) {
	got, err := parseDetails([]byte(detailsXML))
	if err != nil {
		t.Fatal(err)
	}
	want := details{cuda: "12.8", slices: map[string][]Slice{"GPU-mig": {{MemoryMiB: 19968}, {MemoryMiB: 9856}}},
		processes: map[string][]Process{"GPU-busy": {
			{GPU: "GPU-busy", PID: 116860, Name: "/opt/venv/bin/python3", MemoryMiB: readingOf(65710)}, {GPU: "GPU-busy", PID: 77}}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(details{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestHostileXML holds the reader to what an attacker may put in place of the tool.
func TestHostileXML(t *testing.T) {
	entity := `<!DOCTYPE nvidia_smi_log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><nvidia_smi_log><cuda_version>&b;</cuda_version></nvidia_smi_log>`
	external := `<!DOCTYPE nvidia_smi_log [<!ENTITY x SYSTEM "file:///etc/passwd">]><nvidia_smi_log><cuda_version>&x;</cuda_version></nvidia_smi_log>`
	for name, text := range map[string]string{"entities": entity, "external": external, "empty": "", "other": "<html></html>", "cut": detailsXML[:900],
		"deep": strings.Repeat("<nvidia_smi_log>", 100_000), "binary": "\x00\xff<nvidia_smi_log/>"} {
		if d, err := parseDetails([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, d)
		}
	}
	d, err := parseDetails([]byte("<nvidia_smi_log><cuda_version>Not Found</cuda_version></nvidia_smi_log>"))
	if err != nil || d.cuda != "" {
		t.Errorf("%+v, error %v", d, err)
	}
}

const instancesList = `GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-mig)
  MIG 2g.20gb     Device  0: (UUID: MIG-e138a708-679d-5075-ab88-ba8e298ec5d3)
  MIG 1g.10gb+me  Device  1: (UUID: MIG-GPU-mig/4/0)
GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-busy)
`

func TestParseInstances(t *testing.T) {
	named := parseInstances(instancesList)
	want := map[string][]Slice{"GPU-mig": {{Profile: "2g.20gb", UUID: "MIG-e138a708-679d-5075-ab88-ba8e298ec5d3"}, {Profile: "1g.10gb+me", UUID: "MIG-GPU-mig/4/0"}}}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	sized := []Slice{{MemoryMiB: 19968}, {MemoryMiB: 9856}}
	if got := merged(sized, named["GPU-mig"]); got[0].MemoryMiB != 19968 || got[1].Profile != "1g.10gb+me" || got[1].MemoryMiB != 9856 {
		t.Errorf("merged: %+v", got)
	}
	if got := merged(sized, nil); len(got) != 2 || got[1].MemoryMiB != 9856 {
		t.Errorf("without names: %+v", got)
	}
}

func TestParseProcesses(t *testing.T) {
	got, err := parseProcesses("GPU-a, 3858903, 6265, VLLM::EngineCore\nGPU-a, 77, [N/A], [Not Found]\n\nGPU-b, 5, 12, python serve.py, with, commas\nNo running processes found\n")
	want := map[string][]Process{
		"GPU-a": {{GPU: "GPU-a", PID: 3858903, Name: "VLLM::EngineCore", MemoryMiB: readingOf(6265)}, {GPU: "GPU-a", PID: 77}},
		"GPU-b": {{GPU: "GPU-b", PID: 5, Name: "python serve.py, with, commas", MemoryMiB: readingOf(12)}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	for _, text := range []string{"GPU-a, x, 1, p\n", "GPU-a, 1\n", ", 1, 2, p\n", "GPU-a, -4, 2, p\n"} {
		if got, err := parseProcesses(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

const topology = "\t\x1b[4mGPU0\tGPU1\tGPU2\tGPU3\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m\n" +
	"GPU0\t X \tNV12\tSYS\tSYS\tPIX\t0-23\t0\t\tN/A\n" +
	"GPU1\tNV12\t X \tSYS\tSYS\tNODE\t\t0\t\tN/A\n" +
	"GPU2\tSYS\tSYS\t X \tPHB\tSYS\t24-47\t1\t\tN/A\n" +
	"GPU3\tSYS\tSYS\tPHB\t X \tSYS\t24-47\t1\t\tN/A\n" +
	"NIC0\tPIX\tNODE\tSYS\tSYS\t X \t\t\t\t\n\nLegend:\n\n  X    = Self\n  NV#  = Connection traversing a bonded set of # NVLinks\n"

func TestParseLinks(t *testing.T) {
	links, err := parseLinks(topology)
	want := Links{{"", "NV12", "SYS", "SYS"}, {"NV12", "", "SYS", "SYS"}, {"SYS", "SYS", "", "PHB"}, {"SYS", "SYS", "PHB", ""}}
	if diff := cmp.Diff(want, links); diff != "" || err != nil {
		t.Fatalf("error %v (-want +got)\n%s", err, diff)
	}
	if !links.NVLinked([]int{0, 1}) || links.NVLinked([]int{0, 1, 2}) || links.NVLinked([]int{0}) || links.NVLinked([]int{0, 9}) || links.NVLinked([]int{-1, 0}) {
		t.Error("NVLinked is wrong")
	}
	for _, text := range []string{"", "no matrix", "\tGPU0\n", "\tGPU999999\nGPU999999\tX\n", "GPU0\tX\n", "GPU0\tX\tNV4\nGPU1\tNV4\tX\n"} {
		if links, err := parseLinks(text); err == nil {
			t.Errorf("%q was read as %v", text, links)
		}
	}
	odd, err := parseLinks("\tGPU0\tGPU1\nGPU0\tX\tNVERMORE\nGPU1\tnv4\tX\n")
	if err != nil || odd.Between(0, 1) != "" || odd.Between(1, 0) != "" {
		t.Errorf("%v, error %v", odd, err)
	}
}

// amdStatic and rocmTable have the shape of the tools' answers, shortened.
const (
	amdStatic = `{"gpu_data": [{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X", "asic_serial": "0x6F1F0A2B", "num_compute_units": 304},
		"bus": {"bdf": "0000:83:00.0"}, "vram": {"type": "HBM3", "size": {"value": 196592, "unit": "MB"}}, "driver": {"name": "amdgpu", "version": "6.19.14"}},
		{"gpu": 1, "asic": {"market_name": "N/A", "asic_serial": 7}, "vram": {"size": {"value": "N/A", "unit": "MB"}}}]}`
	rocmTable = `{"card1": {"Card series": "Arcturus GL-XL [Instinct MI100]", "Unique ID": "0x4edf", "VRAM Total Memory (B)": "34342961152", "PCI Bus": "0000:A3:00.0"},
		"card0": {"Card Series": "AMD Instinct MI300X", "Unique ID": "0x79cc", "VRAM Total Memory (B)": "206141652992", "Node ID": 4}, "system": {"Driver version": "6.3.6"}}`
)

func TestParseAMD(t *testing.T) {
	devices, driver, err := parseAMD([]byte(amdStatic))
	if err != nil || driver != "6.19.14" || len(devices) != 2 {
		t.Fatalf("%d devices, driver %q, error %v", len(devices), driver, err)
	}
	if d := devices[0]; d.Maker != MakerAMD || d.Name != "AMD Instinct MI300X" || d.MemoryMiB != 196592 || d.UUID != "0x6F1F0A2B" || d.BusID != "0000:83:00.0" {
		t.Errorf("%+v", d)
	}
	if d := devices[1]; d.Name != "AMD GPU" || d.MemoryMiB != 0 || d.UUID != "" {
		t.Errorf("%+v", d)
	}
	list := amdStatic[len(`{"gpu_data": `) : len(amdStatic)-1] // before ROCm 7
	if devices, _, err := parseAMD([]byte(list)); err != nil || len(devices) != 2 {
		t.Errorf("%d devices, error %v", len(devices), err)
	}
	for _, text := range []string{"", "Driver not initialized", `[{"gpu": -1}]`, `{"gpu_data": 7}`} {
		if got, _, err := parseAMD([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestParseROCm(t *testing.T) {
	devices, driver, err := parseROCm([]byte(rocmTable))
	if err != nil || driver != "6.3.6" || len(devices) != 2 {
		t.Fatalf("%d devices, driver %q, error %v", len(devices), driver, err)
	}
	if d := devices[0]; d.Name != "AMD Instinct MI300X" || d.MemoryMiB != 196592 || d.UUID != "0x79cc" || d.Index != 0 {
		t.Errorf("%+v", d)
	}
	if d := devices[1]; d.Name != "AMD Arcturus GL-XL [Instinct MI100]" || d.BusID != "0000:A3:00.0" {
		t.Errorf("%+v", d)
	}
	for _, text := range []string{"", "ERROR: no GPU", "[]", `{"card0": 1}`} {
		if got, _, err := parseROCm([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

// clean reports whether a text can be shown.
func clean(texts ...string) bool {
	return !strings.ContainsAny(strings.Join(texts, ""), "\n\r\x1b\x00")
}

func FuzzParseDetails(f *testing.F) {
	f.Add([]byte(detailsXML))
	f.Add([]byte("<nvidia_smi_log/>"))
	f.Add([]byte("<!DOCTYPE x [<!ENTITY a 'b'>]><nvidia_smi_log>&a;</nvidia_smi_log>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parseDetails(text)
		if err != nil && (d.cuda != "" || d.processes != nil) {
			t.Errorf("%q: %+v and the error %v", text, d, err)
		}
		for uuid, list := range d.processes {
			for _, p := range list {
				if p.PID <= 0 || !clean(p.Name, uuid) {
					t.Errorf("%q gives %+v", text, p)
				}
			}
		}
	})
}

func FuzzParseInstances(f *testing.F) {
	f.Add(instancesList)
	f.Add("GPU 0: x (UUID: GPU-a)\n  MIG  Device 0: (UUID: MIG-)\n")
	f.Fuzz(func(t *testing.T, text string) {
		for uuid, list := range parseInstances(text) {
			for _, s := range list {
				if !strings.HasPrefix(s.UUID, "MIG-") || !clean(uuid, s.UUID, s.Profile) {
					t.Errorf("%q gives %+v", text, s)
				}
			}
		}
	})
}

func FuzzParseProcesses(f *testing.F) {
	f.Add("GPU-a, 3858903, 6265, VLLM::EngineCore\n")
	f.Add("No running processes found\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseProcesses(text)
		if err != nil && got != nil {
			t.Errorf("%q: %+v and the error %v", text, got, err)
		}
		for _, list := range got {
			for _, p := range list {
				if p.PID < 0 || !clean(p.Name, p.GPU) {
					t.Errorf("%q gives %+v", text, p)
				}
			}
		}
	})
}

func FuzzParseLinks(f *testing.F) {
	f.Add(topology)
	f.Add("\tGPU0\tGPU1\nGPU1\tNV4\tX\n")
	f.Fuzz(func(t *testing.T, text string) {
		links, err := parseLinks(text)
		if err != nil && links != nil || len(links) > maxLinked {
			t.Errorf("%q: %v, error %v", text, links, err)
		}
		for _, row := range links {
			if len(row) != len(links) {
				t.Errorf("%q: not square", text)
			}
		}
	})
}

func FuzzParseAMD(f *testing.F) {
	f.Add([]byte(amdStatic))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) { checkAMD(t, text, parseAMD) })
}

func FuzzParseROCm(f *testing.F) {
	f.Add([]byte(rocmTable))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) { checkAMD(t, text, parseROCm) })
}

func checkAMD(t *testing.T, text []byte, parse func([]byte) ([]Device, string, error)) {
	devices, _, err := parse(text)
	if err != nil && devices != nil {
		t.Errorf("%q: devices and the error %v", text, err)
	}
	for _, d := range devices {
		if d.Index < 0 || d.MemoryMiB < 0 || !strings.HasPrefix(d.Name, "AMD ") || !clean(d.Name, d.UUID, d.BusID) {
			t.Errorf("%q gives %+v", text, d)
		}
	}
}
