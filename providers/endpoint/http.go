package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"aicv/spec"
)

// get asks for one path and returns the status and the body.
func (t *target) get(ctx context.Context, path string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return 0, nil, t.unreachable(ctx, err)
	}
	key, err := t.env.APIKey(t.address, t.key)
	if err != nil {
		return 0, nil, err
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := t.client.Do(request)
	if err != nil {
		return 0, nil, t.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return 0, nil, t.unreachable(ctx, err)
	}
	return response.StatusCode, body, nil
}

// models lists the names of the served models.
func (t *target) models(ctx context.Context) ([]string, error) {
	status, body, err := t.get(ctx, modelsPath)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, t.broken(fmt.Sprintf("%s%s answers %d %s", t.url, modelsPath, status, http.StatusText(status)),
			"check that url is the base of an OpenAI-compatible server; where it needs a key, set "+attrKey)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("%s: %s%s gives no list of models", t.address, t.url, modelsPath),
			Cause: err, Fix: "check that url is the base of an OpenAI-compatible server"}
	}
	names := make([]string, len(list.Data))
	for i, m := range list.Data {
		names[i] = m.ID
	}
	return names, nil
}
