package server_test

import (
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/store/storetest"
)

// twoNodes are two servers on one PostgreSQL database.
func twoNodes(t *testing.T) (a, b *servertest.Server) {
	t.Helper()
	return twoNodesOf(t, func(*server.Options) {})
}

func twoNodesOf(t *testing.T, change func(*server.Options)) (a, b *servertest.Server) {
	t.Helper()
	db := storetest.Database(t, storetest.PostgresEngine)
	share := func(o *server.Options) {
		o.DB, o.MasterKey = db, strings.Repeat("ab", 32)
		change(o)
	}
	a = servertest.Start(t, share)
	b = servertest.Start(t, share)
	if a.FirstPassword == "" || b.FirstPassword != "" {
		t.Errorf("first passwords %t and %t; want one administrator", a.FirstPassword != "", b.FirstPassword != "")
	}
	return a, b
}

func TestPushReachesDevicesOfAllNodes(t *testing.T) {
	a, b := twoNodes(t)
	product, devices := fleet(t, a, 40)
	crowd(t, a, product, devices[:20])
	crowd(t, b, product, devices[20:])
	save(t, b, product, `{"n": 1}`)
	p, err := a.StartPush(t.Context(), product, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p := watch(t, b, p.No); p.State != cota.Completed || p.Applied != 40 {
		t.Errorf("push ended as %+v; want all applied", p)
	}
	if _, err := b.StartPush(t.Context(), product, 0); cota.CodeOf(err) != cota.AlreadyPushed {
		t.Errorf("the other node's answer to a second push is %v; want already_pushed", err)
	}
}

func TestNewerConnectionClosesTheOlderOnAnotherNode(t *testing.T) {
	a, b := twoNodes(t)
	product, devices := fleet(t, a, 1)
	save(t, a, product, `{}`)
	older := &wire{t: t, s: a, product: product, device: devices[0]}
	newer := &wire{t: t, s: b, product: product, device: devices[0]}
	first := older.signIn()
	defer first.Close()
	older.askForLink(first)
	second := newer.signIn()
	defer second.Close()
	newer.askForLink(second)
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the older connection goes on")
	}
	d, err := a.Device(t.Context(), product, devices[0].Name)
	if err != nil || !d.Online {
		t.Errorf("online %t, %v; want online at the other node", d.Online, err)
	}
}
