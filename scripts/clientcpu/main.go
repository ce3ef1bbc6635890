// Command clientcpu says what CPU time each client takes for 1,000 streamed tokens, by
// the slope between a short and a long run against one simulated engine. Start-up and
// warm-up, the same in both, do not count. The client "bare" is a loop of system calls that
// only reads what comes, to see what of it is the kernel's. Run it through
// scripts/acceptance clients.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed suite.hcl
var suite []byte

const (
	undecided    = 4  // exit code of an apply whose runs have findings: it is CPU time that counts here
	outputTokens = 64 // of a request, as the suite says
)

// bench is what is to be measured, and with what.
type bench struct {
	aicv        string   // path of the binary
	clients     []string // as the suite's variable names them
	vars        []string // -var arguments of the suite
	concurrency int
	short, long int // requests of the two lengths
	rounds      int
	dir         string // of the suite
	url         string // of the simulator
}

// slope is the cost of a client in one round.
type slope struct {
	perThousand float64 // CPU s per 1,000 tokens
	fixed       float64 // CPU s of the short run beyond its tokens: start-up and warm-up
	tokens      float64 // of the long run, warm-up included
}

func main() {
	var b bench
	var clients, vars string
	flag.StringVar(&b.aicv, "aicv", "", "path of the aicv binary")
	flag.StringVar(&clients, "clients", "loadgen", "loadgen, bare, genaibench, vllmbench; with commas between them")
	flag.StringVar(&vars, "vars", "", "variables of the suite, NAME=VALUE with commas between them")
	flag.IntVar(&b.concurrency, "concurrency", 16, "requests in flight")
	flag.IntVar(&b.short, "short", 160, "requests of the short run")
	flag.IntVar(&b.long, "long", 960, "requests of the long run")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds, in each of which every client runs at both lengths")
	bareOf := flag.String("bare", "", "be the bare reader of a server at this address, for -long requests, and measure nothing")
	flag.Parse()
	if *bareOf != "" {
		exitOn(bare(*bareOf, b.concurrency, b.long))
		return
	}
	b.clients, b.vars = strings.Split(clients, ","), strings.FieldsFunc(vars, func(r rune) bool { return r == ',' })
	exitOn(b.measure(os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measure prints a line for each slope as it comes, and a table.
func (b *bench) measure(to io.Writer) error {
	if b.long <= b.short || b.rounds < 1 {
		return errors.New("-long has to be above -short, and -rounds 1 or more")
	}
	dir, err := os.MkdirTemp("", "aicv-clientcpu-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b.dir = dir
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), suite, 0o600); err != nil {
		return err
	}
	stop, err := b.startSim()
	if err != nil {
		return err
	}
	defer stop()
	slopes := map[string][]slope{}
	for round := range b.rounds {
		for i := range b.clients {
			client := b.clients[(i+round)%len(b.clients)]
			s, err := b.slope(client)
			if err != nil {
				return fmt.Errorf("%s: %w", client, err)
			}
			fmt.Fprintf(to, "round %d, %s: %.4f CPU s per 1,000 tokens, and %.1f CPU s before and after\n", round+1, client, s.perThousand, s.fixed)
			slopes[client] = append(slopes[client], s)
		}
	}
	b.print(to, slopes)
	return nil
}

// startSim runs the engine that all clients load.
func (b *bench) startSim() (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	const address = "127.0.0.1:18799"
	b.url = "http://" + address
	server := exec.CommandContext(ctx, b.aicv, "serve", "sim", "--listen", address, "--model", "m")
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	if err := server.Start(); err != nil {
		cancel()
		return nil, err
	}
	stop = func() {
		cancel()
		_ = server.Wait()
	}
	for range 300 {
		if _, err = b.generated(); err == nil {
			return stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return nil, fmt.Errorf("the simulator does not get ready: %w", err)
}

// slope runs a client at both lengths.
func (b *bench) slope(client string) (slope, error) {
	less, some, err := b.run(client, b.short)
	if err != nil {
		return slope{}, err
	}
	more, many, err := b.run(client, b.long)
	if err != nil {
		return slope{}, err
	}
	each := (more - less) / (many - some)
	return slope{perThousand: 1000 * each, fixed: less - some*each, tokens: many}, nil
}

// run lets a client send requests and gives the CPU seconds of its processes, and the
// tokens that the engine generated meanwhile.
func (b *bench) run(client string, requests int) (cpu, tokens float64, err error) {
	before, err := b.generated()
	if err != nil {
		return 0, 0, err
	}
	command, err := b.command(client, requests)
	if err != nil {
		return 0, 0, err
	}
	out, err := command.CombinedOutput()
	if state := command.ProcessState; state == nil || state.ExitCode() != 0 && state.ExitCode() != undecided {
		return 0, 0, fmt.Errorf("%d requests: %w\n%s", requests, err, out)
	}
	after, err := b.generated()
	if err == nil && after-before < float64(requests*outputTokens) {
		err = fmt.Errorf("%.0f tokens were generated for %d requests:\n%s", after-before, requests, out)
	}
	cpu = (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
	return cpu, after - before, err
}

// command is an apply of the suite with a client and an empty state, or the bare reader.
func (b *bench) command(client string, requests int) (*exec.Cmd, error) {
	if client == "bare" {
		self, err := os.Executable()
		return exec.Command(self, "-bare", strings.TrimPrefix(b.url, "http://"), "-concurrency", strconv.Itoa(b.concurrency), "-long", strconv.Itoa(requests)), err
	}
	args := []string{"apply", "--var", "client=" + client, "--var", "url=" + b.url, "--var", "concurrency=" + strconv.Itoa(b.concurrency), "--var", "requests=" + strconv.Itoa(requests)}
	for _, v := range b.vars {
		args = append(args, "--var", v)
	}
	command := exec.Command(b.aicv, args...)
	command.Dir = b.dir
	return command, os.RemoveAll(filepath.Join(b.dir, ".aicv"))
}

var generatedTotal = regexp.MustCompile(`(?m)^aicv_sim_generation_tokens_total (\S+)$`)

// generated is how many tokens the engine has generated so far.
func (b *bench) generated() (float64, error) {
	response, err := http.Get(b.url + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	found := generatedTotal.FindSubmatch(text)
	if found == nil {
		return 0, errors.New("the simulator counts no generated tokens")
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// print writes the table: the median of the rounds, their range, and how many times as
// much a client takes as the first.
func (b *bench) print(to io.Writer, slopes map[string][]slope) {
	fmt.Fprintf(to, "\n| client | CPU s per 1,000 tokens | lowest to highest of %d | times %s's (lowest to highest of a round) | CPU s before and after | tokens of a long run |\n|---|---|---|---|---|---|\n", b.rounds, b.clients[0])
	for _, client := range b.clients {
		all := slopes[client]
		cost := column(all, func(s slope) float64 { return s.perThousand })
		times := make([]float64, len(all))
		for i := range all {
			times[i] = all[i].perThousand / slopes[b.clients[0]][i].perThousand
		}
		fmt.Fprintf(to, "| %s | %.4f | %.4f to %.4f | %.1f (%.1f to %.1f) | %.1f | %.0f |\n", client, median(cost), slices.Min(cost), slices.Max(cost), median(times), slices.Min(times), slices.Max(times),
			median(column(all, func(s slope) float64 { return s.fixed })), median(column(all, func(s slope) float64 { return s.tokens })))
	}
}

func column(all []slope, value func(slope) float64) []float64 {
	values := make([]float64, len(all))
	for i := range all {
		values[i] = value(all[i])
	}
	return values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
