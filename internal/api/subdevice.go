package api

import (
	"context"
	"strconv"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

type subdevicePage struct {
	OfDevice
	Page
}

// subdevices lists what is behind a device, in the order in which it was made:
// names of several products have no other.
func (s *server) subdevices(ctx context.Context, in *subdevicePage) (*reply[deviceList], error) {
	var after int64
	if in.After != "" {
		var err error
		if after, err = strconv.ParseInt(in.After, 10, 64); err != nil {
			return nil, cota.Errorf(cota.Invalid, "after must be the next of another page")
		}
	}
	gateway, err := s.store.Device(ctx, in.Product, in.Device)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Subdevices(ctx, gateway.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(d store.DeviceRow) string { return number(d.ID) })
	list := deviceList{Next: next}
	pushes := make(map[string]int64) // of their products
	for _, d := range page {
		push, known := pushes[d.Product]
		if !known {
			p, err := s.store.Product(ctx, d.Product)
			if err != nil {
				return nil, err
			}
			push = p.Push
			pushes[d.Product] = push
		}
		list.Devices = append(list.Devices, standing(d, push))
	}
	return &reply[deviceList]{list}, nil
}

func (s *server) detachDevice(ctx context.Context, in *OfDevice) (*nothing, error) {
	return &nothing{}, s.control.DetachDevice(ctx, actor(ctx), in.Product, in.Device)
}
