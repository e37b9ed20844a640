package api

import (
	"context"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

type pushList struct {
	Pushes []cota.Push `json:"pushes" nullable:"false"`
	Next   string      `json:"next,omitempty"`
}

// PushPage is a page of pushes.
type PushPage struct {
	NumberedPage
	State string `query:"state" enum:"running,completed,stopped,superseded" doc:"only those in this state"`
}

type allPushPage struct {
	PushPage
	Product string `query:"product" doc:"only those of this product"`
}

func (s *server) pushes(ctx context.Context, in *allPushPage) (*reply[pushList], error) {
	return s.listPushes(ctx, in.Product, in.PushPage)
}

type pushPage struct {
	OfProduct
	PushPage
}

func (s *server) pushesOfProduct(ctx context.Context, in *pushPage) (*reply[pushList], error) {
	return s.listPushes(ctx, in.Product, in.PushPage)
}

func (s *server) listPushes(ctx context.Context, product string, in PushPage) (*reply[pushList], error) {
	if product != "" {
		if _, err := s.store.Product(ctx, product); err != nil {
			return nil, err
		}
	}
	all, err := s.store.Pushes(ctx, store.PushFilter{Product: product, State: cota.PushState(in.State)}, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(p cota.Push) string { return number(p.No) })
	return &reply[pushList]{pushList{page, next}}, nil
}

func (s *server) push(ctx context.Context, in *OfPush) (*reply[cota.Push], error) {
	p, err := s.store.Push(ctx, in.No)
	return &reply[cota.Push]{p}, err
}

type progressList struct {
	Progress []cota.Milestone `json:"progress" nullable:"false"`
}

// progress is not paged: there is a line for each percent at most.
func (s *server) progress(ctx context.Context, in *OfPush) (*reply[progressList], error) {
	if _, err := s.store.Push(ctx, in.No); err != nil {
		return nil, err
	}
	all, err := s.store.Progress(ctx, in.No)
	return &reply[progressList]{progressList{all}}, err
}

type newPush struct {
	OfProduct
	Body *struct {
		Version int64 `json:"version,omitempty" minimum:"0" doc:"must be the current one; 0: whichever that is"`
	} `nameHint:"NewPush"`
}

func (s *server) startPush(ctx context.Context, in *newPush) (*reply[cota.Push], error) {
	version := int64(0)
	if in.Body != nil {
		version = in.Body.Version
	}
	p, err := s.control.StartPush(ctx, actor(ctx), in.Product, version)
	return &reply[cota.Push]{p}, err
}

type pushStop struct {
	OfPush
	Body *struct {
		Reason string `json:"reason,omitempty"`
	} `nameHint:"PushStop"`
}

func (s *server) stopPush(ctx context.Context, in *pushStop) (*reply[cota.Push], error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	p, err := s.control.StopPush(ctx, actor(ctx), in.No, reason)
	return &reply[cota.Push]{p}, err
}

type pushDevicePage struct {
	OfPush
	Page
	State string `query:"state" enum:"pending,sent,received,fetched,applied,failed" doc:"only those that stand there in this push"`
}

// pushDevices shows devices that a newer push has reached where they stand in
// that one: what they were in this one is counted, but not kept.
func (s *server) pushDevices(ctx context.Context, in *pushDevicePage) (*reply[deviceList], error) {
	p, err := s.store.Push(ctx, in.No)
	if err != nil {
		return nil, err
	}
	return s.standings(ctx, p.Product, p.No, in.State, store.DeviceFilter{}, in.Page)
}
