package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

func committed(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, table))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestTheTableIsTheTools compares the committed table with an installed tool's files.
func TestTheTableIsTheTools(t *testing.T) {
	venv := os.Getenv("AICV_AICONFIGURATOR")
	if venv == "" {
		venv = filepath.Join(root, ".tools", "aiconfigurator")
	}
	tool, err := find(venv)
	if err != nil {
		t.Skip("no aiconfigurator: set AICV_AICONFIGURATOR to its virtual environment, or run scripts/real-tools")
	}
	want := committed(t)
	if made := regexp.MustCompile(`ToolVersion = "(.*)"`).FindStringSubmatch(want); made[1] != tool.version {
		t.Skipf("the table is of aiconfigurator %s, and %s is installed: go run ./scripts/retabulate-hardware -venv %s takes its figures over", made[1], tool.version, venv)
	}
	got, err := tool.tabulate()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the tool's files say; go run ./scripts/retabulate-hardware -venv %s rewrites it (-committed +tool)\n%s", table, venv, diff)
	}
}

// TestTheTableIsTheFixtures compares rows with system files of an earlier commit of the
// tool, whose figures were the same.
func TestTheTableIsTheFixtures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "..", "shared", "fixtures", "aiconfigurator", "systems", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Skip("no system files: the fixtures are not beside the repository (../shared/fixtures/aiconfigurator)")
	}
	table := strings.Join(strings.Fields(committed(t)), "")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		row, err := system(strings.TrimSuffix(filepath.Base(file), ".yaml"), string(text), false)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if compact := strings.ReplaceAll(strings.Join(strings.Fields(row), ""), ",}", "}"); !strings.Contains(table, compact) {
			t.Errorf("%s: the table lacks the row\n%s", file, row)
		}
	}
}

const good = `# A comment: with a colon.
data_dir: data/x # relative
gpu:
  mem_bw: 100 # B/s
  mem_capacity: 200
  bfloat16_tc_flops: 300
  power: 400  # Watt
node:
  num_gpus_per_node: 8
  inter_node_bw: 1
  intra_node_bw: 2
  pcie_bw: 3

misc:
  nccl_mem: # observed
    8: 30
    1: 0
  other_mem: 7
  nccl_version: '2.27'
`

func TestSystem(t *testing.T) {
	got, err := system("x", good, true)
	want := "\t\t{Name: \"x\", EstimateOnly: true, Power: 400, Memory: 200, MemoryBandwidth: 100,\n\t\t\t BF16: 300,\n" +
		"\t\t\t GPUsPerNode: 8, IntraNode: 2, InterNode: 1, PCIe: 3,\n\t\t\t Reserve: 7, NCCL: []NCCL{{1, 0}, {8, 30}, }},\n"
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
}

func TestFilesThatAreNotUnderstood(t *testing.T) {
	for _, change := range [][3]string{
		{"  mem_bw: 100 # B/s", "", "gpu.mem_bw"},
		{"  mem_bw: 100 # B/s", "  mem_bw: 1e2", "gpu.mem_bw"},
		{"  mem_bw: 100 # B/s", "  mem_bw: -1", "gpu.mem_bw"},
		{"  pcie_bw: 3", "  pcie_bw: 3\n  new_bw: 3", "node.new_bw"},
		{"  pcie_bw: 3", "  pcie_bw: 3\n  pcie_bw: 3", "twice"},
		{"    8: 30", "    many: 30", "no size of a group"},
		{"    8: 30", "    8: none", "misc.nccl_mem.8"},
		{"  other_mem: 7", "  - 7", "no plain mapping"},
		{"  other_mem: 7", "  other_mem", "no plain mapping"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if row, err := system("x", text, false); err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%q: %s, error %v", change[1], row, err)
		}
	}
}

func TestFindWantsOneTool(t *testing.T) {
	venv := t.TempDir()
	if _, err := find(venv); err == nil {
		t.Error("an empty folder is an installation")
	}
	for _, version := range []string{"0.12.0", "0.13.0"} {
		site := filepath.Join(venv, "lib", "python3.11", "site-packages", fmt.Sprintf("aiconfigurator_core-%s.dist-info", version))
		if err := os.MkdirAll(site, 0o755); err != nil {
			t.Fatal(err)
		}
		got, err := find(venv)
		if version == "0.12.0" && (err != nil || got.version != version) || version != "0.12.0" && err == nil {
			t.Errorf("after %s: %+v, error %v", version, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("a:\n b:\n  c: 1\n d: 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parse(text)
		if err != nil && values != nil {
			t.Errorf("%q: %v and the error %v", text, values, err)
		}
	})
}
