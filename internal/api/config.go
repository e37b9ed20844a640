package api

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

type configAnswer struct {
	Enabled    bool          `json:"enabled"`
	Current    *cota.Version `json:"current" doc:"without its content; null: nothing saved yet"`
	LastPush   *cota.Push    `json:"lastPush" doc:"null: none yet"`
	NextPushAt *time.Time    `json:"nextPushAt" doc:"end of the cool-down; null: it is over"`
	Policy     cota.Policy   `json:"policy"`
}

func (s *server) config(ctx context.Context, in *OfProduct) (*tagged[configAnswer], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	out := &tagged[configAnswer]{ETag: etag(p.Current), Body: configAnswer{Enabled: p.Enabled, Policy: p.Policy}}
	if p.Current != 0 {
		v, err := s.store.VersionHead(ctx, p.Key, p.Current)
		if err != nil {
			return nil, err
		}
		out.Body.Current = &v
	}
	if out.Body.LastPush, err = s.store.LastPush(ctx, p.Key); err != nil {
		return nil, err
	}
	told, err := s.store.LastTold(ctx, p.Key)
	if err != nil {
		return nil, err
	}
	if told != nil {
		if at := p.Policy.NextPush(told.StartedAt); at.After(time.Now()) {
			out.Body.NextPushAt = &at
		}
	}
	return out, nil
}

type configPatch struct {
	OfProduct
	Body struct {
		Enabled *bool             `json:"enabled,omitempty" doc:"the switch"`
		Policy  *cota.PolicyPatch `json:"policy,omitempty" doc:"the limits to change; needs the role admin"`
	} `nameHint:"ConfigPatch"`
}

func (s *server) setConfig(ctx context.Context, in *configPatch) (*tagged[configAnswer], error) {
	b, by := in.Body, actor(ctx)
	if b.Enabled == nil && (b.Policy == nil || *b.Policy == cota.PolicyPatch{}) {
		return nil, errNoChange
	}
	if b.Policy != nil {
		if err := need(by, cota.Admin, "the policy"); err != nil {
			return nil, err
		}
	}
	if err := s.control.SetConfig(ctx, by, in.Product, b.Enabled, b.Policy); err != nil {
		return nil, err
	}
	return s.config(ctx, &in.OfProduct)
}
