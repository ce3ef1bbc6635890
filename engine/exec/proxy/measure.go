package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// asked is how often a path is asked to measure the proxy.
const asked = 40

// Overhead measures what the proxy adds to a request of path: the median of the times
// through it less the median of those without it, asked in turn; never below zero.
func (p *Proxy) Overhead(ctx context.Context, direct, path string) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	var with, without []time.Duration
	for range asked {
		for _, way := range []struct {
			url string
			to  *[]time.Duration
		}{{direct, &without}, {p.URL, &with}} {
			took, err := timed(ctx, client, way.url+path)
			if err != nil {
				return 0, err
			}
			*way.to = append(*way.to, took)
		}
	}
	return max(0, median(with)-median(without)), nil
}

func timed(ctx context.Context, client *http.Client, url string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, fmt.Errorf("measure the proxy: %w", err)
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("measure the proxy: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	_ = response.Body.Close() // only read
	return time.Since(began), err
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
