package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// swallower is a network between a store and PostgreSQL that can swallow what
// is sent: it takes it, like a server that is stopped, and nothing comes back.
type swallower struct {
	net.Listener
	to string

	mu   sync.Mutex
	open chan struct{} // closed while everything passes; guarded by mu
}

// newSwallower returns the address of the database by way of a swallower.
func newSwallower(t *testing.T, dsn string) (*swallower, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &swallower{Listener: ln, to: u.Host, open: make(chan struct{})}
	close(s.open)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go s.carry(nc)
		}
	}()
	u.Host = ln.Addr().String()
	return s, u.String()
}

func (s *swallower) carry(nc net.Conn) {
	defer nc.Close()
	far, err := net.Dial("tcp", s.to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { s.copy(far, nc); far.Close() }()
	s.copy(nc, far)
}

func (s *swallower) copy(to io.Writer, from io.Reader) {
	for b := make([]byte, 32<<10); ; {
		n, err := from.Read(b)
		s.mu.Lock()
		open := s.open
		s.mu.Unlock()
		<-open
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// swallow swallows everything from now on, until spit is called.
func (s *swallower) swallow() (spit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make(chan struct{})
	s.open = open
	return sync.OnceFunc(func() { close(open) })
}

// TestSilentDatabase has PostgreSQL neither answer nor refuse, while some wait
// for it without any deadline of their own: each is refused within seconds, and
// what was recorded is on disk once it answers again.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	const most = 10 * time.Second // pulseEvery, pulseWithin, and a slow machine
	net, dsn := newSwallower(t, storetest.Database(t, storetest.PostgresEngine))
	s := storetest.OpenDSN(t, dsn)
	heard := listen(s)
	hears(t, heard, s)
	addProduct(t, s, pk)
	id := addDevices(t, s, pk, 1)[0]
	no := addPush(t, s, pk, 1).No

	spit := net.swallow()
	t.Cleanup(spit)
	recorded := make(chan error, 1)
	must(t, s.Record(t.Context(), store.Report{
		Device: id, At: t0, Push: no, Version: 1, Rung: cota.Applied, Done: func(err error) { recorded <- err },
	}))
	begun := time.Now()
	var all sync.WaitGroup
	for range 40 { // more than there are connections
		all.Go(func() {
			_, err := s.Product(context.Background(), pk)
			refused(t, "a read of a silent database", s.Trouble(err), cota.Unavailable)
		})
		all.Go(func() {
			err := s.Update(context.Background(), func(tx *store.Tx) error {
				return tx.AddInstance(context.Background(), cota.Instance{ID: "other", Name: "Other", CreatedAt: t0})
			})
			refused(t, "a change of a silent database", s.Trouble(err), cota.Unavailable)
		})
	}
	all.Wait()
	if took := time.Since(begun); took > most {
		t.Errorf("a silent database was waited for for %v; want at most %v", took, most)
	}
	begun = time.Now()
	_, err := s.Product(t.Context(), pk)
	refused(t, "a read of a database that is known to be silent", s.Trouble(err), cota.Unavailable)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("a database that is known to be silent was waited for for %v", took)
	}
	select {
	case err := <-recorded:
		t.Errorf("a report was recorded (%v) by a silent database", err)
	default:
	}

	spit()
	must(t, wait(t, "the report's commit", recorded))
	equal(t, "counts", counts(t, s, no), cota.Counts{Total: 1, Applied: 1})
	for wait(t, "doubt", heard) != (store.Note{}) { // what was noted meanwhile was missed
	}
}

// TestEndWithASilentDatabase closes a store whose database does not answer.
func TestEndWithASilentDatabase(t *testing.T) {
	t.Parallel()
	net, dsn := newSwallower(t, storetest.Database(t, storetest.PostgresEngine))
	s, err := store.Open(t.Context(), storetest.Options(t, dsn))
	must(t, err)
	spit := net.swallow()
	t.Cleanup(spit)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := s.Close(ctx); err == nil {
		t.Error("Close = nil; want that the node could not leave")
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("Close took %v; want as long as it was given", took)
	}
}
