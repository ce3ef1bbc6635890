package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The programs of an image that stand in for genai-bench: this test binary.
const (
	standInTool   = "genai-bench"
	standInPython = "python3"
)

// standIn does what genai-bench does as far as aicv sees it: it calls the server and
// writes a result. With the parameter "hang" it stays.
func standIn(args []string) {
	option := func(name string) string { return args[slices.Index(args, name)+1] }
	folder := filepath.Join(option("--experiment-base-dir"), option("--experiment-folder-name"))
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			panic(err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		panic(err)
	}
	write("experiment_metadata.json", `{"benchmark_version": "0.0.5", "cmd": "`+os.Getenv("AICV_GENAI_BENCH_KEY")+`"}`)
	concurrency, scenario := option("--num-concurrency"), option("--traffic-scenario")
	fmt.Println("INFO     x - genai_bench.benchmark:benchmark - Starting benchmark with concurrency=" + concurrency)
	if slices.Contains(args, "--additional-request-params") && strings.Contains(option("--additional-request-params"), "hang") {
		time.Sleep(time.Hour)
	}
	answer, err := http.Get(option("--api-base") + "/v1/models")
	if err != nil || answer.StatusCode != http.StatusOK {
		fmt.Println("ERROR    no server:", err)
		os.Exit(1)
	}
	if _, err := os.Stat(filepath.Join(option("--model-tokenizer"), "tokenizer.json")); err != nil {
		fmt.Println("ERROR    no tokenizer:", err)
		os.Exit(1)
	}
	rows := strings.TrimSuffix(strings.Repeat(`{"ttft": 0.1, "tpot": 0.01, "e2e_latency": 0.13, "num_input_tokens": 16, "num_output_tokens": 4},`, 8), ",")
	write("run.json", `{"aggregated_metrics": {"scenario": "`+scenario+`", "num_concurrency": `+concurrency+`, "run_duration": 0.52, "num_requests": 8, "num_completed_requests": 8}, "individual_request_metrics": [`+rows+`]}`)
	if err := os.Rename(filepath.Join(folder, "run.json"), filepath.Join(folder, "D16_4_concurrency_"+concurrency+"_1s.json")); err != nil {
		panic(err)
	}
}

// importImage makes an image of one layer out of a tar.
func importImage(t *testing.T, tag, path string, content io.Reader) {
	t.Helper()
	repo, version, _ := strings.Cut(tag, ":")
	query := url.Values{"fromSrc": {"-"}, "repo": {repo}, "tag": {version}, "changes": {"ENV PATH=" + path}}
	answer := sendDaemon(t, "POST", "/images/create?"+query.Encode(), "application/x-tar", content)
	if strings.Contains(answer, "errorDetail") {
		t.Fatal(answer)
	}
}

// importStandIn makes an image of the stand-in and nothing else; label makes its content another one.
func importStandIn(t *testing.T, tag, label string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for name, content := range map[string][]byte{standInTool: self, standInPython: nil, "label": []byte(label)} {
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}
		if content == nil {
			header.Typeflag, header.Linkname = tar.TypeSymlink, standInTool
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	importImage(t, tag, "/", &archive)
}

// clientSuite measures the simulator with genai-bench in an image.
func clientSuite(image, more string) string {
	return dockerLine + `
model "llama" { id = "meta-llama/Llama-3.1-8B-Instruct" }
runtime "sim" "engine" {}
benchmark "genaibench" "gb" {
  image     = "` + image + `"
  tokenizer = "tokenizer"
` + more + `
}
workload "chat" {
  input_tokens  = 16
  output_tokens = 4
  requests      = 8
  warmup        = 2
}
experiment "e" {
  matrix { concurrency = [2] }
  repeats {
    min = 2
    max = 2
  }
  assert "a" { expect = ["error_rate == 0", "ttft < 20s"] }
}
`
}

// newClientCase is a suite's folder with a tokenizer.
func newClientCase(t *testing.T, suite string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "tokenizer"), os.DirFS("../../providers/genaibench/testdata/tokenizer")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(suite), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRealDockerClient measures with a benchmark's client in an image: it reaches the
// server, its content is pinned, its key is written nowhere, and no container is left.
func TestRealDockerClient(t *testing.T) {
	needDocker(t)
	const key = "sk-in-a-container"
	t.Setenv("AICV_TEST_KEY", key)
	importStandIn(t, "stand-in:1", "first")
	dir := newClientCase(t, clientSuite("stand-in:1", `api_key = env("AICV_TEST_KEY")`))
	if out, err := exec.Command("aicv", "apply", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lockFile, err := os.ReadFile(filepath.Join(dir, ".aicv.lock"))
	if err != nil || !strings.Contains(string(lockFile), "lock \"stand-in:1\" {\n  image = \"sha256:") {
		t.Errorf("pinned %v:\n%s", err, lockFile)
	}
	shown, err := exec.Command("aicv", "state", "show", `experiment.e["concurrency=2"]`, "--suite", dir, "--json").CombinedOutput()
	if err != nil || !strings.Contains(string(shown), "in stand-in:1 (sha256:") {
		t.Errorf("the runs do not name their image: %v\n%s", err, shown)
	}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), key) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	importStandIn(t, "stand-in:1", "second")
	out, err := exec.Command("aicv", "apply", "--rerun", "e", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "stand-in:1 is another one now") {
		t.Errorf("another image: error %v\n%s", err, out)
	}
	if out, err := exec.Command("aicv", "apply", "--upgrade", "--rerun", "e", dir).CombinedOutput(); err != nil {
		t.Errorf("upgrade: %v\n%s", err, out)
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}

// TestRealDockerClientOfReplicas has the client call aicv's own proxy, which is on the host.
func TestRealDockerClientOfReplicas(t *testing.T) {
	needDocker(t)
	importStandIn(t, "stand-in:replicas", "replicas")
	suite := strings.Replace(clientSuite("stand-in:replicas", ""), "  repeats {", "  configuration { replicas = 2 }\n  repeats {", 1)
	dir := newClientCase(t, suite)
	if out, err := exec.Command("aicv", "apply", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}

// hanging begins an apply whose client stays, and waits for that.
func hanging(t *testing.T) (dir string, apply *exec.Cmd, ended <-chan error) {
	t.Helper()
	importStandIn(t, "stand-in:hang", "hang")
	dir = newClientCase(t, clientSuite("stand-in:hang", "params = { hang = true }"))
	apply = exec.Command("aicv", "apply", dir)
	var out bytes.Buffer
	apply.Stdout, apply.Stderr = &out, &out
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- apply.Wait() }()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if all := strings.Join(containersOf(t, dir), "\n"); strings.Count(all, "running") == 2 { // the server and its client
			return dir, apply, done
		}
		select {
		case err := <-done:
			t.Fatalf("the apply ended: %v\n%s", err, out.String())
		default:
		}
		if time.Now().After(end) {
			_ = apply.Process.Kill()
			t.Fatal("no client after two minutes")
		}
	}
}

// TestRealDockerClientEnds interrupts and kills applies in the middle of a client's run.
func TestRealDockerClientEnds(t *testing.T) {
	needDocker(t)
	t.Run("interrupted", func(t *testing.T) {
		dir, apply, ended := hanging(t)
		if err := apply.Process.Signal(syscall.SIGTERM); err != nil { // one tears down at once, two leave
			t.Fatal(err)
		}
		<-ended
		if code := apply.ProcessState.ExitCode(); code != 130 {
			t.Errorf("exit code %d", code)
		}
		if left := containersOf(t, dir); len(left) > 0 {
			t.Errorf("containers left: %s", left)
		}
	})
	t.Run("killed", func(t *testing.T) {
		dir, apply, ended := hanging(t)
		if err := apply.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		if left := containersOf(t, dir); len(left) != 2 {
			t.Errorf("not the server and the client: %s", left)
		}
		out, err := exec.Command("aicv", "state", "orphans", dir).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "+client") || !strings.Contains(string(out), "not at work") {
			t.Errorf("orphans: %v\n%s", err, out)
		}
		if out, err := exec.Command("aicv", "destroy", dir).CombinedOutput(); err != nil || !strings.Contains(string(out), "+client") {
			t.Errorf("destroy: %v\n%s", err, out)
		}
		if left := containersOf(t, dir); len(left) > 0 {
			t.Errorf("containers left: %s", left)
		}
	})
	t.Run("killed, and applied again", func(t *testing.T) {
		dir, apply, ended := hanging(t)
		if err := apply.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(clientSuite("stand-in:hang", "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("aicv", "apply", dir).CombinedOutput(); err != nil {
			t.Errorf("apply: %v\n%s", err, out)
		}
		if left := containersOf(t, dir); len(left) > 0 {
			t.Errorf("containers left: %s", left)
		}
	})
}

// TestRealDockerClientOfAnOrdinaryUser has the client write with the rights of whoever
// runs aicv, so that its results can be read, searched for the key and removed.
func TestRealDockerClientOfAnOrdinaryUser(t *testing.T) {
	needDocker(t)
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	for path, mode := range map[string]os.FileMode{socket: 0o666, filepath.Dir(socket): 0o711} { // as the group docker would have it
		before, err := os.Stat(path)
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, before.Mode()) })
	}
	importStandIn(t, "stand-in:user", "user")
	dir := newClientCase(t, clientSuite("stand-in:user", ""))
	if out, err := asNobody(t, dir)("apply", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results, err := filepath.Glob(filepath.Join(dir, ".aicv", "genai-bench", "*", "results", "*.json"))
	if err != nil || len(results) != 4 {
		t.Errorf("results %q, error %v", results, err)
	}
	for _, file := range results {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != nobody {
			t.Errorf("%s is somebody else's", file)
		}
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers left: %s", left)
	}
}
