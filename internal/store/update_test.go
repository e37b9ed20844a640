package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestUpdateIsAsIfAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		const writers, each = 16, 25
		var done sync.WaitGroup
		for range writers {
			done.Go(func() {
				for range each {
					if err := s.Update(t.Context(), func(tx *store.Tx) error {
						p, err := tx.Product(t.Context(), pk)
						if err != nil {
							return err
						}
						p.Current++
						if err := tx.SetProduct(t.Context(), p); err != nil {
							return err
						}
						return tx.Audit(t.Context(), &cota.AuditEntry{Action: "count"})
					}); err != nil {
						t.Errorf("Update: %v", err)
					}
				}
			})
		}
		done.Wait()
		if p, err := s.Product(t.Context(), pk); err != nil || p.Current != writers*each {
			t.Errorf("counted to %d, %v; want %d", p.Current, err, writers*each)
		}
		if log, err := s.AuditLog(t.Context(), store.AuditFilter{}, 0, 1000); err != nil || len(log) != writers*each || log[0].ID != writers*each {
			t.Errorf("audit log has %d lines, %v; want %d, numbered without a gap", len(log), err, writers*each)
		}
	})
}

func TestUpdateWhileDevicesReport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 200)
		push := addPush(t, s, pk, 1)
		ctx, stop := context.WithCancel(t.Context())
		var reporter sync.WaitGroup
		begun := make(chan struct{})
		reporter.Go(func() {
			rungs := []cota.Rung{cota.Sent, cota.Received, cota.Fetched, cota.Failed, cota.Applied}
			for i := 0; ; i++ {
				if i == 5*len(ids) {
					close(begun)
				}
				err := s.Record(ctx, store.Report{Device: ids[i%len(ids)], At: t0, Push: push.No, Version: 1,
					Rung: rungs[i%len(rungs)], Reverted: i%7 == 0 && rungs[i%len(rungs)] == cota.Failed})
				if err != nil {
					return
				}
			}
		})
		wait(t, "the first reports", begun)
		for _, id := range ids[:20] { // counts of the push and the product move under the reports
			update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(t.Context(), pk, id, t0) })
		}
		update(t, s, func(tx *store.Tx) error {
			_, err := tx.EndPush(t.Context(), pk, cota.Stopped, "enough", t0)
			return err
		})
		stop()
		reporter.Wait()
		must(t, s.Flush(t.Context()))
		if c := counts(t, s, push.No); c.Total != 180 {
			t.Errorf("total = %d; want 180", c.Total)
		}
	})
}

func TestUpdateRollsBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		var heard []store.Note
		s.Listen(func(n store.Note) {
			if n.Product != "" {
				heard = append(heard, n)
			}
		})
		mine := errors.New("mine")
		err := s.Update(ctx, func(tx *store.Tx) error {
			must(t, tx.AddDevices(ctx, pk, names(3), t0))
			tx.Note(store.Note{Product: pk})
			return mine
		})
		if err != mine {
			t.Errorf("Update: %v; want what the function returned", err)
		}
		if p, err := s.Product(ctx, pk); err != nil || p.Devices != 0 {
			t.Errorf("devices after a roll back = %d, %v; want 0", p.Devices, err)
		}
		func() {
			defer func() { _ = recover() }() // the test's own
			_ = s.Update(ctx, func(tx *store.Tx) error {
				must(t, tx.AddDevices(ctx, pk, names(3), t0))
				panic("bug")
			})
		}()
		canceled, cancel := context.WithCancel(ctx)
		err = s.Update(canceled, func(tx *store.Tx) error {
			must(t, tx.AddDevices(ctx, pk, names(3), t0))
			tx.Note(store.Note{Product: pk})
			cancel()
			return nil
		})
		if err == nil {
			t.Error("Update with a canceled context succeeded; want an error")
		}
		if len(heard) != 0 {
			t.Errorf("heard %v of what was rolled back; want nothing", heard)
		}
		addDevices(t, s, pk, 3) // nothing is in the way
	})
}

func TestNotesComeAfterTheCommit(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		other := raw(t, dsn)
		var heard []store.Note
		s.Listen(func(n store.Note) {
			if n.Product == "" {
				return
			}
			var enabled bool
			if err := other.QueryRow(`SELECT enabled FROM product WHERE key = $1`, n.Product).Scan(&enabled); err != nil {
				t.Errorf("product behind a note: %v", err)
			}
			heard = append(heard, n)
		})
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddInstance(t.Context(), cota.Instance{ID: "default"}))
			tx.Note(store.Note{Product: pk})
			must(t, tx.AddProduct(t.Context(), cota.Product{Key: pk, Instance: "default"}, ""))
			tx.Note(store.Note{Product: pk, Device: 7})
			return nil
		})
		equal(t, "notes", heard, []store.Note{{Product: pk, Node: s.Node()}, {Product: pk, Device: 7, Node: s.Node()}})
	})
}
