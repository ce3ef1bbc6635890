package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"aicv/engine/exec/proxy"
	"aicv/spec"
)

// replicated is a target that runs n servers where one is asked for, behind a proxy of
// ours. After a crash its servers are found one by one, and none is gone on with: their
// proxy went with its aicv.
type replicated struct {
	spec.Target
	n      int
	policy proxy.Policy
	mutex  sync.Mutex
	open   map[string]*proxy.Proxy // by key
}

// replicate gives a group whose configuration has several replicas a target of its own.
func (g *group) replicate() {
	n := g.cell.Config.Size(spec.ItemReplicas)
	if n < 2 || !g.target.Managed() {
		return
	}
	policy := proxy.Policy(cmp.Or(g.cell.Target.Attrs.Text(spec.AttrBalance), string(proxy.LeastRequests)))
	inner := &replicated{Target: g.target.Target, n: n, policy: policy, open: map[string]*proxy.Proxy{}}
	g.target = &target{Target: inner, address: g.target.address, whole: g.target}
}

// replicaMark stands between a key and the number of a replica.
const replicaMark = "~"

func replicaKey(key string, i int) string { return fmt.Sprint(key, replicaMark, i+1) }

// Start brings all replicas up, and the proxy before them. Where one fails, none is left.
func (r *replicated) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	whole := spec.Server{Suite: request.Suite, Key: request.Key, ModelName: request.Spec.ModelName}
	var urls, ids []string
	for i := range r.n {
		one := request
		one.Key = replicaKey(request.Key, i)
		server, err := r.Target.Start(ctx, one)
		if err != nil {
			return spec.Server{}, errors.Join(fmt.Errorf("replica %d of %d: %w", i+1, r.n, err), r.clear(ctx, whole.Replicas))
		}
		whole.Replicas, urls, ids = append(whole.Replicas, server), append(urls, server.URL), append(ids, server.ID)
	}
	p, err := proxy.New(urls, r.policy)
	if err != nil {
		return spec.Server{}, errors.Join(&spec.Error{Kind: spec.ErrInfrastructure, Summary: "the replicas' proxy does not start", Cause: err, Fix: "check the loopback interface"},
			r.clear(ctx, whole.Replicas))
	}
	r.keep(whole.Key, p)
	first := &whole.Replicas[0]
	whole.ID, whole.URL, whole.Image, whole.Command = strings.Join(ids, " "), p.URL, first.Image, first.Command
	return whole, nil
}

func (r *replicated) clear(ctx context.Context, servers []spec.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), teardownBudget)
	defer cancel()
	return r.stopAll(ctx, servers, 0)
}

// keep remembers a key's proxy and closes the one before it; nil: there is none any more.
func (r *replicated) keep(key string, p *proxy.Proxy) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if old := r.open[key]; old != nil {
		_ = old.Close() // nobody asks it any more
	}
	r.open[key] = p
}

// Find lists the replicas one by one.
func (r *replicated) Find(ctx context.Context, suite, key string) ([]spec.Server, error) {
	all, err := r.Target.Find(ctx, suite, "")
	var found []spec.Server
	for _, s := range all {
		if key == "" || strings.HasPrefix(s.Key, key+replicaMark) {
			found = append(found, s)
		}
	}
	return found, err
}

// Status is that of the first replica that does not run, else that of all.
func (r *replicated) Status(ctx context.Context, server spec.Server) (spec.ServerStatus, error) {
	for i, one := range each(server) {
		status, err := r.Target.Status(ctx, one)
		if err != nil || !status.Running {
			status.Why = strings.TrimPrefix(fmt.Sprintf("%s; replica %d of %d", status.Why, i+1, r.n), "; ")
			return status, err
		}
	}
	return spec.ServerStatus{Running: true}, nil
}

// Log is that of the first replica that does not run, else all logs, one after the other.
func (r *replicated) Log(ctx context.Context, server spec.Server, bytes int) (string, error) {
	var all strings.Builder
	for _, one := range each(server) {
		if status, err := r.Target.Status(ctx, one); err == nil && !status.Running {
			return r.Target.Log(ctx, one, bytes)
		}
		log, err := r.Target.Log(ctx, one, bytes/r.n)
		if err != nil {
			return "", err
		}
		all.WriteString(log)
	}
	return all.String(), nil
}

// SampleGPUs looks at the GPUs of all replicas.
func (r *replicated) SampleGPUs(ctx context.Context, server spec.Server) ([]spec.GPUSample, error) {
	looks, ok := r.Target.(spec.GPUSampler)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var all []spec.GPUSample
	for _, one := range each(server) {
		samples, err := looks.SampleGPUs(ctx, one)
		if err != nil {
			return nil, err
		}
		all = append(all, samples...)
	}
	return all, nil
}

// Stop ends the proxy and all replicas.
func (r *replicated) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	r.keep(server.Key, nil)
	return r.stopAll(ctx, each(server), grace)
}

func (r *replicated) stopAll(ctx context.Context, servers []spec.Server, grace time.Duration) error {
	failures := make([]error, len(servers))
	var group sync.WaitGroup
	for i, one := range servers {
		group.Go(func() { failures[i] = r.Target.Stop(ctx, one, grace) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// each lists the servers behind one: its replicas, or itself.
func each(server spec.Server) []spec.Server {
	if len(server.Replicas) > 0 {
		return server.Replicas
	}
	return []spec.Server{server}
}

// measureProxy notes what the proxy adds to a request, where there is one.
func (x *executor) measureProxy(g *group) {
	r, ok := g.target.Target.(*replicated)
	path := cmp.Or(g.spec.Ready.HealthPath, g.spec.Ready.ModelsPath)
	if !ok || path == "" {
		return
	}
	ctx, cancel := context.WithTimeout(x.graceful, askTimeout)
	defer cancel()
	r.mutex.Lock()
	p := r.open[g.up.server.Key]
	r.mutex.Unlock()
	took, err := p.Overhead(ctx, g.up.server.Replicas[0].URL, path)
	if err != nil {
		x.warnUnread(ctx, g, "what its proxy costs could not be measured: ", err)
		return
	}
	g.up.server.ProxyOverhead = took
}

// describeServer says where a server answers, and what stands behind it.
func describeServer(s spec.Server) string {
	if len(s.Replicas) == 0 {
		return s.URL
	}
	return fmt.Sprintf("%s (%d replicas; its proxy adds %s to a request)", s.URL, len(s.Replicas), s.ProxyOverhead.Round(time.Microsecond))
}

// agreed keeps the items that all replicas report alike, and sets their number.
func agreed(configurations []spec.Configuration) spec.Configuration {
	var kept []spec.Setting
	for _, s := range configurations[0] {
		alike := true
		for _, other := range configurations[1:] {
			alike = alike && other.Get(s.Name).Equal(s.Value)
		}
		if alike && s.Name != spec.ItemReplicas {
			kept = append(kept, s)
		}
	}
	return spec.NewConfiguration(append(kept, spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(len(configurations))})...)
}

// summed adds the counters of replicas; one that a replica does not give is not known.
func summed(all []spec.Counters) spec.Counters {
	sum := all[0]
	for _, c := range all[1:] {
		for _, f := range [][2]**float64{{&sum.PromptTokens, &c.PromptTokens}, {&sum.GenerationTokens, &c.GenerationTokens},
			{&sum.PrefixCacheQueries, &c.PrefixCacheQueries}, {&sum.PrefixCacheHits, &c.PrefixCacheHits}, {&sum.Preemptions, &c.Preemptions},
			{&sum.Running, &c.Running}, {&sum.Waiting, &c.Waiting}} {
			*f[0] = plus(*f[0], *f[1])
		}
		if sum.KVCacheUsage != nil && c.KVCacheUsage != nil {
			sum.KVCacheUsage = new(max(*sum.KVCacheUsage, *c.KVCacheUsage))
		}
	}
	return sum
}

func plus(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}
