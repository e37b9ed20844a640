package device

import (
	"context"
	"errors"

	"github.com/cotahq/cota/alink"
)

// Failure is an error with a code of the device's own, which the server keeps
// with the report (vendor: 100000 to 110000 are free for that).
type Failure struct {
	Code alink.Code
	Err  error
}

func (f *Failure) Error() string { return text(f.Err, "failed") }
func (f *Failure) Unwrap() error { return f.Err }

// Reverted is the error of a handler that applied a configuration and took it
// back: the one before is in force again.
type Reverted struct {
	Err error
}

func (r *Reverted) Error() string { return text(r.Err, "reverted") }
func (r *Reverted) Unwrap() error { return r.Err }

// text is what err says, if there is one.
func text(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return err.Error()
}

// Report tells the server what became of a configuration: applied if result
// is nil, else failed, or reverted for a *Reverted. It returns when the report
// is on the server's disk; while the device is not connected it waits, as
// long as ctx allows. Serve reports by itself; Report is for what came from
// Config.
func (d *Device) Report(ctx context.Context, c Config, result error) error {
	ctx, cancel := d.link.bound(ctx)
	defer cancel()
	switch {
	case result == nil:
		d.inForce(c.ConfigID)
	case d.isInForce(c.ConfigID):
		d.inForce("") // not any more
	}
	return d.cause(ctx, d.report(ctx, c.ConfigID, result))
}

func (d *Device) report(ctx context.Context, configID string, result error) error {
	r := alink.Report{ID: d.messageID(), Silent: true, ConfigID: configID, State: alink.Applied}
	if result != nil {
		r.State, r.Message = alink.Failed, result.Error()
		if _, ok := errors.AsType[*Reverted](result); ok {
			r.State = alink.Reverted
		}
		if f, ok := errors.AsType[*Failure](result); ok {
			r.Code = f.Code
		}
	}
	if err := d.link.send(ctx, alink.ConfigReport, alink.AppendReport(nil, r)); err != nil {
		return err
	}
	d.log.Info("configuration reported", "config", configID, "state", r.State, "code", r.Code, "err", result)
	return nil
}

// inForce remembers the configuration that the device runs.
func (d *Device) inForce(configID string) {
	d.mu.Lock()
	d.applied = configID
	d.mu.Unlock()
}

func (d *Device) isInForce(configID string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.applied == configID
}
