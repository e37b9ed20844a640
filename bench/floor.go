package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"

	"github.com/cotahq/cota/bench/load"
)

// floor is the program in the directory of this name: accept and send, and
// nothing else.
type floor struct {
	p    *process
	addr netip.AddrPort
	size int // of a message
}

func (f *floor) name() string      { return "C" }
func (f *floor) process() *process { return f.p }

func (f *floor) start(ctx context.Context, r *rig) (err error) {
	if f.addr, err = freeAddr(); err != nil {
		return err
	}
	f.p, err = startProcess(ctx, r.file("floor.log"), nil, filepath.Join(r.bin, "floor"), strconv.Itoa(int(f.addr.Port())))
	if err != nil {
		return err
	}
	return await(ctx, f.p, func() bool { return listens(f.addr) })
}

func (f *floor) connect() load.Connect {
	return load.Connect{Addr: f.addr.String(), Speech: load.Raw, Size: f.size}
}

func (f *floor) prepare(context.Context) error   { return nil }
func (f *floor) told(context.Context, int) error { return nil }

func (f *floor) tell(context.Context, byte) error {
	if _, err := fmt.Fprintf(f.p.in, "send %d\n", f.size); err != nil {
		return err
	}
	_, err := f.p.out.ReadString('\n')
	return err
}
