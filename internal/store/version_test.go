package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		var want []cota.Version // newest first
		for n := int64(1); n <= 5; n++ {
			v := someVersion(n)
			v.Note, v.CreatedAt = "nötig\n为什么", t0.Add(time.Duration(n)*time.Millisecond)
			if n == 3 {
				v.Content = `{"s":"\u0000 € 😀` + strings.Repeat("x", 1<<20) + "\"}\r\n"
				v.SHA256, v.Size = cota.Digest(v.Content), int64(len(v.Content))
				v.CreatedAt, v.Author, v.Note = time.Time{}, "", ""
			}
			update(t, s, func(tx *store.Tx) error { return tx.AddVersion(ctx, pk, v) })
			want = slices.Insert(want, 0, v)
		}
		update(t, s, func(tx *store.Tx) error { return tx.AddVersion(ctx, pk2, someVersion(1)) })
		push := addPush(t, s, pk, 4)
		want[1].Pushed = true
		taken(t, s, "AddVersion with a number that is there", func(tx *store.Tx) error {
			return tx.AddVersion(ctx, pk, someVersion(3))
		})

		for _, v := range want {
			got, err := s.Version(ctx, pk, v.Number)
			must(t, err)
			equal(t, "Version", got, v)
			head, err := s.VersionHead(ctx, pk, v.Number)
			must(t, err)
			v.Content = ""
			equal(t, "VersionHead", head, v)
			byID, err := s.VersionByConfigID(ctx, pk, v.ConfigID)
			must(t, err)
			equal(t, "VersionByConfigID", byID, v)
		}
		_, err := s.Version(ctx, pk, 6)
		refused(t, "Version(6)", err, cota.NotFound)
		_, err = s.VersionHead(ctx, "none", 1)
		refused(t, "VersionHead of no product", err, cota.NotFound)
		_, err = s.VersionByConfigID(ctx, pk, "none")
		refused(t, "VersionByConfigID(none)", err, cota.NotFound)
		_, err = s.VersionByConfigID(ctx, pk2, want[0].ConfigID)
		refused(t, "VersionByConfigID of another product", err, cota.NotFound)

		for i := range want {
			want[i].Content = ""
		}
		checkPages(t, "Versions", want, func(after *cota.Version, limit int) ([]cota.Version, error) {
			if after == nil {
				return s.Versions(ctx, pk, 0, limit)
			}
			return s.Versions(ctx, pk, after.Number, limit)
		})

		for version, want := range map[int64]int64{4: push.No, 5: 0, 99: 0} {
			no, err := s.PushOfVersion(ctx, pk, version)
			must(t, err)
			if no != want {
				t.Errorf("PushOfVersion(%d) = %d; want %d", version, no, want)
			}
		}
	})
}

func TestPruneVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		for n := int64(1); n <= 6; n++ {
			update(t, s, func(tx *store.Tx) error {
				must(t, tx.AddVersion(ctx, pk2, someVersion(n)))
				return tx.AddVersion(ctx, pk, someVersion(n))
			})
		}
		addPush(t, s, pk, 1)
		addPush(t, s, pk, 2) // what the devices converge to
		left := func() (all []int64) {
			versions, err := s.Versions(context.Background(), pk, 0, 100)
			must(t, err)
			for _, v := range versions {
				all = append(all, v.Number)
			}
			return all
		}
		until := t0.Add(time.Minute)
		for _, step := range []struct {
			name string
			do   func(*store.Tx) error
			want []int64
		}{
			{"nothing below the least", func(tx *store.Tx) error { return tx.PruneVersions(ctx, pk, 1, until) }, []int64{6, 5, 4, 3, 2, 1}},
			{"all are needed", func(tx *store.Tx) error {
				must(t, tx.KeepVersions(ctx, pk, until))
				return tx.PruneVersions(ctx, pk, 6, until)
			}, []int64{6, 5, 4, 3, 2, 1}},
			{"some are needed for longer", func(tx *store.Tx) error {
				must(t, tx.KeepVersions(ctx, pk, until.Add(time.Hour), 3, 5))
				must(t, tx.KeepVersions(ctx, pk, until, 3)) // never shortens
				return tx.PruneVersions(ctx, pk, 6, until.Add(time.Millisecond))
			}, []int64{6, 5, 3, 2}},
			{"only the pushed and the newest", func(tx *store.Tx) error {
				return tx.PruneVersions(ctx, pk, 6, until.Add(2*time.Hour))
			}, []int64{6, 2}},
		} {
			update(t, s, step.do)
			equal(t, step.name, left(), step.want)
		}
		if all, err := s.Versions(ctx, pk2, 0, 100); err != nil || len(all) != 6 {
			t.Errorf("Versions of another product = %d, %v; want 6", len(all), err)
		}
	})
}
