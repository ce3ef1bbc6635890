package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// needGenAIBench is the virtual environment of the real tool, where its interpreter is.
func needGenAIBench(t *testing.T) string {
	t.Helper()
	needDocker(t)
	if os.Getenv("AICV_ACCEPTANCE") == "" {
		t.Skip("makes an image of a gigabyte and takes minutes: AICV_ACCEPTANCE=1, as scripts/acceptance sets it; TestRealDockerClient has a stand-in")
	}
	venv, err := filepath.EvalSymlinks(cmp.Or(os.Getenv("AICV_GENAI_BENCH"), "../../.tools/genai-bench"))
	if err == nil {
		venv, err = filepath.Abs(venv)
	}
	if err != nil {
		t.Skip("needs genai-bench: scripts/real-tools genai-bench, or AICV_GENAI_BENCH names a virtual environment that has it")
	}
	return venv
}

// importGenAIBench makes an image of a virtual environment's packages with their
// interpreter and the libraries that both need, and of nothing else.
func importGenAIBench(t *testing.T, tag, venv string) {
	t.Helper()
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	lines := strings.Fields(run(filepath.Join(venv, "bin", "python"), "-c", `
import sys, sysconfig, genai_bench.cli.cli, oci
print(sys.base_prefix)
print(sysconfig.get_path("purelib"))
print(oci.__path__[0])
print(*{m.split(".")[1] for m in sys.modules if m.startswith("oci.")})`))
	base, site, oci, used := lines[0], lines[1], lines[2], lines[3:]
	tarArgs := []string{"-c", "-P", "--transform=s,^" + site + ",/opt/site-packages,", "--exclude=" + base + "/lib/python3*/site-packages", "--exclude=" + base + "/lib/python3*/test", "--exclude=" + base + "/lib/*.a"}
	services, err := os.ReadDir(oci) // half a gigabyte, of which the tool uses little
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if s.IsDir() && !slices.Contains(used, s.Name()) {
			tarArgs = append(tarArgs, "--exclude="+filepath.Join(oci, s.Name()))
		}
	}
	rest := t.TempDir() // of the image
	tool := "#!" + base + "/bin/python3\nimport sys\nfrom genai_bench.cli.cli import cli\nsys.exit(cli())\n"
	run("mkdir", "-p", filepath.Join(rest, "opt", "bin"))
	if err := os.WriteFile(filepath.Join(rest, "opt", "bin", "genai-bench"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	objects := strings.Fields(run("find", base+"/lib", site, "-name", "*.so*", "-not", "-path", base+"/lib/python3*/site-packages/*"))
	linked, _ := exec.Command("ldd", append(objects, filepath.Join(base, "bin", "python3"))...).Output() // fails on what is no program
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)(?:=> )?(/\S+) \(0x`).FindAllStringSubmatch(string(linked), -1) {
		if found[m[1]] || strings.HasPrefix(m[1], site) || strings.HasPrefix(m[1], base) {
			continue
		}
		found[m[1]] = true
		run("mkdir", "-p", filepath.Join(rest, filepath.Dir(m[1])))
		run("cp", "-L", m[1], filepath.Join(rest, m[1]))
	}
	t.Logf("%d libraries beside %s and %s", len(found), site, base)
	archive := exec.Command("tar", append(tarArgs, site, base, "-C", rest, ".")...)
	archive.Stderr = os.Stderr
	content, err := archive.StdoutPipe()
	if err == nil {
		err = archive.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	importImage(t, tag, "/opt/bin:"+base+"/bin PYTHONPATH=/opt/site-packages", content)
	if err := archive.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestRealDockerGenAIBench measures a server in a container with the real genai-bench, in
// an image of its own and as a process of the host, in one suite.
func TestRealDockerGenAIBench(t *testing.T) {
	venv := needGenAIBench(t)
	importGenAIBench(t, "genai-bench:0.0.5", venv)
	const key = "sk-real-and-secret"
	t.Setenv("AICV_TEST_KEY", key)
	// Where a tool comes from is no part of what is measured; another spelling is.
	suite := clientSuite("genai-bench:0.0.5", `api_key = env("AICV_TEST_KEY")`) + `
benchmark "genaibench" "here" {
  venv      = "` + venv + `"
  tokenizer = "./tokenizer"
}
`
	suite = strings.NewReplacer("{ concurrency = [2] }", "{\n    concurrency = [4]\n    benchmark   = [benchmark.genaibench.gb, benchmark.genaibench.here]\n  }",
		"min = 2", "min = 1", "max = 2", "max = 1", "input_tokens  = 16", "input_tokens  = 64", "output_tokens = 4", "output_tokens = 16", "requests      = 8", "requests      = 40").Replace(suite)
	dir := newClientCase(t, suite)
	out, _ := exec.Command("aicv", "apply", dir).CombinedOutput() // short runs are not comparable
	t.Logf("%s", out)
	for name, call := range map[string]string{"gb": "in genai-bench:0.0.5 (sha256:", "here": venv + "/bin/genai-bench benchmark --api-backend vllm --api-base http://127.0.0.1:"} {
		shown, err := exec.Command("aicv", "state", "show", `experiment.e["benchmark=`+name+`,concurrency=4"]`, "--suite", dir, "--json").CombinedOutput()
		if err != nil || !strings.Contains(string(shown), call) || !strings.Contains(string(shown), `"0.0.5"`) || !strings.Contains(string(shown), `"ttft"`) {
			t.Errorf("%s: %v\n%.3000s", name, err, shown)
		}
	}
	found, err := exec.Command("grep", "-rl", key, dir).Output()
	if len(found) > 0 {
		t.Errorf("the key stands in %s (%v)", found, err)
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}
