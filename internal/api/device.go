package api

import (
	"context"
	"fmt"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

type deviceList struct {
	Devices []cota.Device `json:"devices" nullable:"false"`
	Next    string        `json:"next,omitempty"`
}

// standing shows a device as push sees it, 0 for none: one that belongs to an
// older push is pending in this one.
func standing(d store.DeviceRow, push int64) cota.Device {
	if d.Push < push {
		d.Push, d.State, d.Code, d.Detail, d.StateAt = push, cota.Pending, 0, "", nil
	}
	return d.Device
}

type devicePage struct {
	OfProduct
	Page
	Prefix string `query:"prefix" doc:"only names that begin like this"`
	Online string `query:"online" enum:"true,false" doc:"only those connected now, or not"`
	State  string `query:"state" enum:"pending,sent,received,fetched,applied,failed" doc:"only those that stand there in the product's push"`
}

func (s *server) devices(ctx context.Context, in *devicePage) (*reply[deviceList], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	f := store.DeviceFilter{Prefix: in.Prefix}
	if in.Online != "" {
		online := in.Online == "true"
		f.Online = &online
	}
	return s.standings(ctx, p.Key, p.Push, in.State, f, in.Page)
}

// standings lists devices of a product as push sees them.
func (s *server) standings(ctx context.Context, product string, push int64, state string, f store.DeviceFilter, in Page) (*reply[deviceList], error) {
	if state != "" {
		rung, err := cota.ParseRung(state)
		if err != nil {
			return nil, err
		}
		f.Push, f.Rung = push, &rung
	}
	all, err := s.store.Devices(ctx, product, f, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(d store.DeviceRow) string { return d.Name })
	list := deviceList{Next: next}
	for _, d := range page {
		list.Devices = append(list.Devices, standing(d, push))
	}
	return &reply[deviceList]{list}, nil
}

func (s *server) device(ctx context.Context, in *OfDevice) (*reply[cota.Device], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	d, err := s.store.Device(ctx, in.Product, in.Device)
	return &reply[cota.Device]{standing(d, p.Push)}, err
}

type newDevices struct {
	OfProduct
	Body struct {
		Name    *string            `json:"deviceName,omitempty" doc:"one device"`
		Names   []string           `json:"deviceNames,omitempty" nullable:"false" doc:"several devices: all or none"`
		Devices []cota.Credentials `json:"devices,omitempty" nullable:"false" doc:"several devices with the secrets that they have already: all or none"`
		Count   *int               `json:"count,omitempty" doc:"so many devices, named by prefix and a number"`
		Prefix  *string            `json:"prefix,omitempty" doc:"with count; dev- unless said otherwise"`
	} `nameHint:"NewDevices"`
}

type addedDevices struct {
	Devices []cota.Credentials `json:"devices" nullable:"false"`
}

const defaultPrefix = "dev-"

func (s *server) addDevices(ctx context.Context, in *newDevices) (*reply[addedDevices], error) {
	b := in.Body
	forms := 0
	for _, there := range []bool{b.Name != nil, b.Names != nil, b.Devices != nil, b.Count != nil} {
		if there {
			forms++
		}
	}
	if forms != 1 || b.Prefix != nil && b.Count == nil {
		return nil, cota.Errorf(cota.Invalid, "name the new devices in one way: deviceName, or deviceNames, or devices, or count, with a prefix if you like")
	}
	all, err := s.add(ctx, in)
	return &reply[addedDevices]{addedDevices{all}}, err
}

func (s *server) add(ctx context.Context, in *newDevices) ([]cota.Credentials, error) {
	b, by := in.Body, actor(ctx)
	switch {
	case b.Name != nil:
		return s.control.AddDevices(ctx, by, in.Product, []string{*b.Name})
	case b.Names != nil:
		return s.control.AddDevices(ctx, by, in.Product, b.Names)
	case b.Devices != nil:
		return b.Devices, s.control.ImportDevices(ctx, by, in.Product, b.Devices)
	}
	prefix := defaultPrefix
	if b.Prefix != nil {
		prefix = *b.Prefix
	}
	return s.control.AddNumberedDevices(ctx, by, in.Product, prefix, *b.Count)
}

type devicePatch struct {
	OfDevice
	Body struct {
		Disabled    *bool `json:"disabled,omitempty"`
		ResetSecret bool  `json:"resetSecret,omitempty" doc:"needs the role publisher"`
	} `nameHint:"DevicePatch"`
}

type patchedDevice struct {
	cota.Device
	Secret string `json:"deviceSecret,omitempty" doc:"the new one, shown this once"`
}

func (s *server) setDevice(ctx context.Context, in *devicePatch) (out *reply[patchedDevice], err error) {
	b, by := in.Body, actor(ctx)
	if b.Disabled == nil && !b.ResetSecret {
		return nil, errNoChange
	}
	if b.ResetSecret {
		if err := need(by, cota.Publisher, "a new device secret"); err != nil {
			return nil, err
		}
	}
	out = new(reply[patchedDevice])
	if b.ResetSecret { // first: it may be refused
		if out.Body.Secret, err = s.control.ResetDeviceSecret(ctx, by, in.Product, in.Device); err != nil {
			return nil, err
		}
	}
	if b.Disabled != nil {
		if err := s.control.DisableDevice(ctx, by, in.Product, in.Device, *b.Disabled); err != nil {
			return nil, err
		}
	}
	shown, err := s.device(ctx, &in.OfDevice)
	if err != nil {
		return nil, err
	}
	out.Body.Device = shown.Body
	return out, nil
}

func (s *server) removeDevice(ctx context.Context, in *OfDevice) (*nothing, error) {
	return &nothing{}, s.control.RemoveDevice(ctx, actor(ctx), in.Product, in.Device)
}

type eventPage struct {
	OfDevice
	Page
}

type eventList struct {
	Events []cota.Event `json:"events" nullable:"false"`
	Next   string       `json:"next,omitempty"`
}

func (s *server) events(ctx context.Context, in *eventPage) (*reply[eventList], error) {
	var before store.EventKey
	if in.After != "" {
		if _, err := fmt.Sscanf(in.After, "%d-%d", &before.At, &before.Seq); err != nil {
			return nil, cota.Errorf(cota.Invalid, "after must be the next of another page")
		}
	}
	d, err := s.store.Device(ctx, in.Product, in.Device)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Events(ctx, d.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(e store.EventRow) string { return fmt.Sprintf("%d-%d", e.Key.At, e.Key.Seq) })
	list := eventList{Next: next}
	for _, e := range page {
		list.Events = append(list.Events, e.Event)
	}
	return &reply[eventList]{list}, nil
}

type messageList struct {
	Messages []cota.Message `json:"messages" nullable:"false"`
}

// messages is not paged: few are kept.
func (s *server) messages(ctx context.Context, in *OfDevice) (*reply[messageList], error) {
	d, err := s.store.Device(ctx, in.Product, in.Device)
	if err != nil {
		return nil, err
	}
	return &reply[messageList]{messageList{s.heard(d.ID)}}, nil
}
