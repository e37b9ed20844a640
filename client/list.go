package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
)

// pageSize is the largest that the server gives.
const pageSize = "500"

// list yields the members of a list one by one and asks for the next page
// when it is needed. key is the list's name in the answer. After an error it
// ends.
func list[T any](ctx context.Context, c *Client, path, key string, q query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := maps.Clone(q)
		if q == nil {
			q = query{}
		}
		q["limit"] = pageSize
		for {
			all, next, err := page[T](ctx, c, path+"?"+q.encode(), key)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range all {
				if !yield(one, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			q["after"] = next
		}
	}
}

func page[T any](ctx context.Context, c *Client, path, key string) (all []T, next string, err error) {
	var answer map[string]json.RawMessage
	if err := c.do(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(answer[key], &all); err != nil {
		return nil, "", fmt.Errorf("read the list of %s: %w", key, err)
	}
	if text, ok := answer["next"]; ok {
		if err := json.Unmarshal(text, &next); err != nil {
			return nil, "", fmt.Errorf("read the list of %s: %w", key, err)
		}
	}
	return all, next, nil
}
