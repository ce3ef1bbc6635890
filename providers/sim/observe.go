package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aicv/spec"
)

// largestAnswer bounds what is read of a server's answer.
const largestAnswer = 1 << 20

// ask reads one answer of a running engine.
func ask(ctx context.Context, method, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return body, err
}

// serverInfo is the answer of /server_info.
type serverInfo struct {
	Engine        string             `json:"engine"`
	Version       string             `json:"version"`
	Model         string             `json:"model"`
	KVCacheTokens int                `json:"kv_cache_tokens"` // of the KV cache's data type
	Configuration spec.Configuration `json:"configuration"`
}

// Effective reads the configuration that the running engine reports.
func (r *runtime) Effective(ctx context.Context, server spec.Server) (spec.Configuration, error) {
	body, err := ask(ctx, http.MethodGet, server.URL+"/server_info")
	if err != nil {
		return nil, fmt.Errorf("read the effective configuration: %w", err)
	}
	var info serverInfo
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, fmt.Errorf("read the effective configuration: %w", err)
	}
	reported := spec.NewConfiguration(info.Configuration...)
	if info.KVCacheTokens > 0 {
		reported = reported.With(spec.ReportedKVCacheTokens, spec.IntValue(info.KVCacheTokens))
	}
	return reported, nil
}

// Version reads the version that the running engine reports.
func (r *runtime) Version(ctx context.Context, server spec.Server) (string, error) {
	body, err := ask(ctx, http.MethodGet, server.URL+"/version")
	if err != nil {
		return "", fmt.Errorf("read the version: %w", err)
	}
	var answer struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("read the version: %w", err)
	}
	return answer.Version, nil
}

// FlushCache empties the running engine's prefix cache.
func (r *runtime) FlushCache(ctx context.Context, server spec.Server) error {
	if _, err := ask(ctx, http.MethodPost, server.URL+"/flush_cache"); err != nil {
		return fmt.Errorf("flush the prefix cache: %w", err)
	}
	return nil
}

// Counters reads /metrics.
func (r *runtime) Counters(ctx context.Context, server spec.Server) (spec.Counters, error) {
	body, err := ask(ctx, http.MethodGet, server.URL+"/metrics")
	if err != nil {
		return spec.Counters{}, fmt.Errorf("read the counters: %w", err)
	}
	return parseCounters(body), nil
}

// parseCounters reads the engine's metrics. What is missing or no number stays unknown.
func parseCounters(text []byte) spec.Counters {
	var c spec.Counters
	places := map[string]**float64{
		"prompt_tokens_total": &c.PromptTokens, "generation_tokens_total": &c.GenerationTokens,
		"prefix_cache_query_tokens_total": &c.PrefixCacheQueries, "prefix_cache_hit_tokens_total": &c.PrefixCacheHits,
		"preemptions_total": &c.Preemptions, "requests_running": &c.Running, "requests_waiting": &c.Waiting,
		"kv_cache_usage_ratio": &c.KVCacheUsage,
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		place := places[strings.TrimPrefix(name, metricPrefix)]
		if number, err := strconv.ParseFloat(value, 64); err == nil && place != nil && number >= 0 {
			*place = &number
		}
	}
	return c
}
