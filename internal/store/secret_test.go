package store_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk) // "secret of .."
		addDevices(t, s, pk, 3)
		id := device(t, s, pk, "dev-000002").ID
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.SetDeviceSecret(ctx, id, pk, "dev-000002", "plain-new-secret", t0))
			return tx.AddSigningKey(ctx, []byte("plain-signing-key"), t0)
		})
		plain := []string{"secret of " + pk, "secret-000001", "secret-000003", "plain-new-secret", "plain-signing-key"}

		for _, table := range []string{"product", "device", "signing_key"} {
			db := raw(t, dsn)
			rows, err := db.QueryContext(ctx, `SELECT secret_sealed FROM `+table)
			must(t, err)
			for rows.Next() {
				var box string
				must(t, rows.Scan(&box))
				if !strings.HasPrefix(box, "1.") {
					t.Errorf("sealed secret in %s = %q; want one of scheme 1", table, box)
				}
				for _, p := range plain {
					if strings.Contains(box, p) {
						t.Errorf("sealed secret in %s = %q; want it to hide %q", table, box, p)
					}
				}
			}
			must(t, rows.Err())
			must(t, db.Close())
		}
		if isSQLite(dsn) {
			for _, file := range []string{dsn, dsn + "-wal"} { // the log, before it is written back
				content, err := os.ReadFile(file)
				must(t, err)
				for _, p := range plain {
					if bytes.Contains(content, []byte(p)) {
						t.Errorf("%s holds %q in plain text", file, p)
					}
				}
			}
		}

		for name, want := range map[string]string{"dev-000001": "secret-000001", "dev-000002": "plain-new-secret"} {
			_, secret, err := s.DeviceLogin(ctx, pk, name)
			must(t, err)
			equal(t, "secret of "+name, secret, want)
		}

		// A box opens only where it was sealed.
		exec(t, raw(t, dsn), `UPDATE device SET secret_sealed = (SELECT secret_sealed FROM device WHERE name = 'dev-000001')
			WHERE name = 'dev-000003'`)
		if _, secret, err := s.DeviceLogin(ctx, pk, "dev-000003"); err == nil {
			t.Errorf("DeviceLogin with another device's box = %q; want an error", secret)
		}
		for _, box := range []string{"", "1.", "1.%%", "2.AAAA", "secret"} {
			exec(t, raw(t, dsn), `UPDATE product SET secret_sealed = $1`, box)
			if secret, err := s.ProductSecret(ctx, pk); err == nil {
				t.Errorf("ProductSecret of box %q = %q; want an error", box, secret)
			}
		}

		closeStore(t, s)
		o := storetest.Options(t, dsn)
		o.Key = bytes.Repeat([]byte{7}, 32)
		other, err := store.Open(ctx, o)
		must(t, err)
		defer closeStore(t, other)
		if _, secret, err := other.DeviceLogin(ctx, pk, "dev-000001"); err == nil || strings.Contains(err.Error(), "secret-") {
			t.Errorf("DeviceLogin with another master key = %q, %v; want an error without the secret", secret, err)
		}
	})
}

func TestMasterKeyHas32Bytes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33} {
		o := storetest.Options(t, storetest.Database(t, storetest.SQLiteEngine))
		o.Key = make([]byte, n)
		if s, err := store.Open(t.Context(), o); err == nil {
			closeStore(t, s)
			t.Errorf("Open with a key of %d bytes succeeded; want an error", n)
		}
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if keys, err := s.SigningKeys(ctx); err != nil || len(keys) != 0 {
			t.Errorf("SigningKeys of a new store = %d, %v; want none", len(keys), err)
		}
		const n = 260
		update(t, s, func(tx *store.Tx) error {
			for i := range n {
				must(t, tx.AddSigningKey(ctx, fmt.Appendf(nil, "signing key \x00 %03d", i+1), t0))
			}
			return nil
		})
		keys, err := s.SigningKeys(ctx)
		must(t, err)
		if len(keys) != 256 {
			t.Fatalf("SigningKeys = %d; want the last 256", len(keys))
		}
		for i, k := range keys {
			id := n - i
			want := cota.SigningKey{ID: byte(id), Secret: fmt.Appendf(nil, "signing key \x00 %03d", id)}
			if diff := cmp.Diff(want, k); diff != "" {
				t.Errorf("key %d (-want +got):\n%s", i, diff)
			}
		}
		if _, err := cota.NewSigner(keys...); err != nil {
			t.Errorf("NewSigner of all keys: %v", err)
		}
	})
}
