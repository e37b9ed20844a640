package device

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cotahq/cota/alink"
)

// Serve receives configurations and has handler apply them, one at a time,
// until ctx ends or the device is closed; it returns the reason, never nil. A
// configuration that handler returned nil for is reported as applied, others
// as failed, with the error's text and the code of a *Failure, or as reverted
// for a *Reverted. The newest wins: one that comes while handler runs is next,
// and one in between is dropped. What is in force already is reported so again
// without handler.
//
// A Device is served once at a time.
func (d *Device) Serve(ctx context.Context, handler func(context.Context, Config) error) error {
	if !d.serving.CompareAndSwap(false, true) {
		return errors.New("device is served already")
	}
	defer d.serving.Store(false)
	ctx, cancel := d.link.bound(ctx)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return d.cause(ctx, ctx.Err())
		case <-d.newest.more:
		}
		if err := d.serve(ctx, handler); err != nil {
			return d.cause(ctx, err)
		}
	}
}

// serve deals with the newest offer. Its error is the end of ctx; what else
// goes wrong is reported to the server.
func (d *Device) serve(ctx context.Context, handler func(context.Context, Config) error) error {
	offer, current, ok := d.newest.take(ctx)
	if !ok {
		return nil
	}
	defer d.newest.release()
	if d.isInForce(offer.ConfigID) {
		return d.report(ctx, offer.ConfigID, nil)
	}
	err := d.acceptable(offer)
	if err == nil {
		var c Config
		c, err = d.download(current, offer)
		if d.newest.supersedes(offer.ConfigID, err == nil) {
			return nil
		}
		if err == nil {
			err = handler(ctx, c)
		}
	}
	if err == nil {
		d.inForce(offer.ConfigID)
	}
	return d.report(ctx, offer.ConfigID, err)
}

// acceptable says why the device does not even download an offer.
func (d *Device) acceptable(offer alink.Config) error {
	switch {
	case offer.Size > d.o.MaxSize:
		return &Failure{alink.CodeBadParameters, fmt.Errorf("configuration of %d bytes is larger than %d", offer.Size, d.o.MaxSize)}
	case !strings.EqualFold(offer.SignMethod, alink.SignMethodSha256):
		return &Failure{alink.CodeBadParameters, fmt.Errorf("sign method %q is not %s", offer.SignMethod, alink.SignMethodSha256)}
	}
	return nil
}

// pushed takes a push from the server.
func (d *Device) pushed(payload []byte) {
	offer, err := alink.DecodePush(payload)
	code := alink.CodeSuccess
	if err != nil {
		code = alink.CodeBadParameters
		d.log.Warn("push cannot be read", "err", err)
	} else {
		d.log.Info("configuration offered", "config", offer.ConfigID, "size", offer.Size)
		d.newest.put(offer)
	}
	select {
	case d.replies <- alink.AppendPushReply(nil, offer.ID, code):
	default:
	}
}

// reply answers pushes for as long as the device lives.
func (d *Device) reply() {
	for {
		select {
		case payload := <-d.replies:
			d.link.say(alink.ConfigPushReply, payload)
		case <-d.link.ctx.Done():
			return
		}
	}
}
