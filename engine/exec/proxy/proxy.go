// Package proxy spreads requests over the replicas of one deployment, inside aicv. It
// passes streams on as they come, keeps nothing, and knows no protocol but HTTP.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Policy is how a replica is chosen for a request.
type Policy string

// The policies.
const (
	LeastRequests Policy = "least_requests" // the one with the fewest requests in flight, the next in turn of equals
	RoundRobin    Policy = "round_robin"
)

// Proxy is one address in front of several servers.
type Proxy struct {
	URL      string // base URL, no trailing slash
	policy   Policy
	server   *http.Server
	replicas []*replica
	mutex    sync.Mutex // of what follows, and of the replicas' counts
	next     int
}

// replica is one server behind the proxy.
type replica struct {
	to       *httputil.ReverseProxy
	inFlight int
	served   int
}

// connections is how many idle connections are kept to each replica: as many requests
// as may be in flight, so that none waits for a new one.
const connections = 4096

// idleTimeout is how long a connection to a replica may be idle and be used again. Engines
// close theirs as well, usually after 5 s, and a request that goes out at that moment is
// lost.
const idleTimeout = 2 * time.Second

// New listens on loopback in front of the servers at the URLs, until it is closed.
func New(urls []string, policy Policy) (*Proxy, error) {
	if len(urls) == 0 {
		return nil, errors.New("a proxy needs servers")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the replicas' requests: %w", err)
	}
	p := &Proxy{URL: "http://" + listener.Addr().String(), policy: policy}
	transport := &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: connections, IdleConnTimeout: idleTimeout, DisableCompression: true}
	for _, text := range urls {
		base, err := url.Parse(text)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("a replica's URL: %w", err), listener.Close())
		}
		p.replicas = append(p.replicas, &replica{to: forward(base, transport)})
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: silent()}
	p.server.RegisterOnShutdown(transport.CloseIdleConnections)
	go func() { _ = p.server.Serve(listener) }() // ends with Close
	return p, nil
}

// silent is where net/http writes of replicas that die and clients that leave: both are
// told elsewhere, and what it prints would stand in the midst of what the user reads.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// forward passes requests to one server as they are, and answers on byte by byte. A
// stream that breaks off breaks off here too, so that the client counts it as lost.
func forward(base *url.URL, transport http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(base) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      silent(),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return // the client left
			}
			http.Error(w, "the replica does not answer: "+err.Error(), http.StatusBadGateway)
		},
	}
}

// ServeHTTP passes one request on. The replica may answer before it has the whole of
// it: without full duplex the body is closed as soon as the answer begins, and a writer
// that finds it closed takes the connection down, and the answer with it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always has it
	chosen := p.take()
	defer p.release(chosen)
	chosen.to.ServeHTTP(w, r)
}

func (p *Proxy) take() *replica {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	best := p.next % len(p.replicas)
	for i := range p.replicas {
		at := (p.next + i) % len(p.replicas)
		if p.policy == LeastRequests && p.replicas[at].inFlight < p.replicas[best].inFlight {
			best = at
		}
	}
	p.next = best + 1
	chosen := p.replicas[best]
	chosen.inFlight++
	chosen.served++
	return chosen
}

func (p *Proxy) release(r *replica) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	r.inFlight--
}

// Served is how many requests each replica got, in their order.
func (p *Proxy) Served() []int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	counts := make([]int, len(p.replicas))
	for i, r := range p.replicas {
		counts[i] = r.served
	}
	return counts
}

// Close ends the proxy with the requests that are on their way.
func (p *Proxy) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.server.Shutdown(ctx) // runs what is registered; does not wait
	return p.server.Close()
}
