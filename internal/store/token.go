package store

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/cotahq/cota"
)

// A token's lists are kept with a blank between.

func joinScopes(all []cota.Scope) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}

func splitScopes(text string) (all []cota.Scope) {
	for word := range strings.FieldsSeq(text) {
		all = append(all, cota.Scope(word))
	}
	return all
}

func joinNetworks(all []netip.Prefix) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = n.String()
	}
	return strings.Join(words, " ")
}

// splitNetworks never leaves out one: a token would be good for more than it
// was made for.
func splitNetworks(text string) (all []netip.Prefix, err error) {
	for word := range strings.FieldsSeq(text) {
		n, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("read the networks of a token: %w", err)
		}
		all = append(all, n)
	}
	return all, nil
}
