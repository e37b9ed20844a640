package device

import (
	"context"
	"errors"
	"time"

	"github.com/cotahq/cota/alink"
)

// askAgain is how long an answer may take before the question is put again.
const askAgain = 10 * time.Second

// Config is a configuration that has been downloaded and verified.
type Config struct {
	ConfigID string
	Content  []byte
	SHA256   string // of Content, in lower-case hexadecimal
}

// answer is what a get came to.
type answer struct {
	offer alink.Config
	err   error
}

// Config asks for the device's current configuration, downloads and verifies
// it. A server that has none to give answers with an *alink.Error, with the
// codes alink.CodeConfigOff, alink.CodeNoData and others. While the device is
// not connected Config waits, as long as ctx allows.
func (d *Device) Config(ctx context.Context) (Config, error) {
	ctx, cancel := d.link.bound(ctx)
	defer cancel()
	offer, err := d.ask(ctx)
	if err == nil {
		err = d.acceptable(offer)
	}
	if err != nil {
		return Config{}, d.cause(ctx, err)
	}
	c, err := d.download(ctx, offer)
	return c, d.cause(ctx, err)
}

// cause says why a call ended early: the device was closed, or else err.
func (d *Device) cause(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), ErrClosed) {
		return ErrClosed
	}
	return err
}

// ask asks until there is an answer.
func (d *Device) ask(ctx context.Context) (alink.Config, error) {
	id := d.messageID()
	answers := make(chan answer, 1)
	d.mu.Lock()
	d.asked[id] = answers
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.asked, id)
		d.mu.Unlock()
	}()
	get := alink.Get{ID: id, Inline: d.o.Inline}
	for {
		payload := alink.AppendGet(nil, get)
		if err := d.link.send(ctx, alink.ConfigGet, payload); err != nil {
			return alink.Config{}, err
		}
		select {
		case a := <-answers:
			if get.Inline && refusedAs(a.err, alink.CodeBadParameters) { // not one of cota's
				get.Inline = false
				continue
			}
			return a.offer, a.err
		case <-ctx.Done():
			return alink.Config{}, ctx.Err()
		case <-time.After(askAgain): // the answer is lost
		}
	}
}

func refusedAs(err error, code alink.Code) bool {
	e, ok := errors.AsType[*alink.Error](err)
	return ok && e.Code == code
}

// answered takes the answer to a get.
func (d *Device) answered(payload []byte) {
	offer, err := alink.DecodeGetReply(payload)
	d.mu.Lock()
	answers := d.asked[offer.ID]
	d.mu.Unlock()
	if answers == nil {
		return // nobody waits for it any more
	}
	select {
	case answers <- answer{offer, err}:
	default: // answered twice
	}
}
