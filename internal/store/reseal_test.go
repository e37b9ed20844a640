package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// Master keys, beside the one that all tests share.
var (
	newKey   = bytes.Repeat([]byte("new key!"), 4)
	otherKey = bytes.Repeat([]byte("another!"), 4)
)

// openBy opens a database with these master keys, the first of which seals.
func openBy(t testing.TB, dsn string, guest bool, keys ...[]byte) *store.Store {
	t.Helper()
	o := storetest.Options(t, dsn)
	o.Key, o.OldKeys, o.Guest = keys[0], keys[1:], guest
	s, err := store.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// sharedKey is the master key that storetest uses.
func sharedKey(t testing.TB) []byte { return storetest.Options(t, "").Key }

// fillSecrets puts a secret in every column that holds any, and n devices.
func fillSecrets(t testing.TB, s *store.Store, n int) {
	t.Helper()
	ctx := t.Context()
	addProduct(t, s, pk)
	addDevices(t, s, pk, n)
	update(t, s, func(tx *store.Tx) error {
		must(t, tx.AddSigningKey(ctx, []byte("signing key"), t0))
		_, err := tx.ServerKey(ctx, "verification", []byte("server key"), t0)
		must(t, err)
		must(t, tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Editor, CreatedAt: t0}, ""))
		must(t, tx.AddAccount(ctx, cota.Account{Name: "bob", Role: cota.Viewer, CreatedAt: t0}, "")) // has no proofs
		must(t, tx.SetProofs(ctx, "anna", store.Proofs{Phone: "+8613800001234", TOTP: "totp", NewTOTP: "new totp"}))
		must(t, tx.PutChallenge(ctx, store.Challenge{ID: "one", Account: "anna", CreatedAt: t0}))
		return tx.PutChallenge(ctx, store.Challenge{ID: "two", Account: "anna", Phone: "+8613900001234", CreatedAt: t0})
	})
}

// secretsBeside is how many secrets fillSecrets adds beside the devices'.
const secretsBeside = 7

// secrets are all that fillSecrets has added, as s reads them.
func secrets(t testing.TB, s *store.Store, n int) (all []string, err error) {
	t.Helper()
	ctx := t.Context()
	keys, err := s.SigningKeys(ctx)
	for _, k := range keys {
		all = append(all, string(k.Secret))
	}
	var serverKey []byte
	err = errors.Join(err, s.Update(ctx, func(tx *store.Tx) (err error) {
		serverKey, err = tx.ServerKey(ctx, "verification", nil, t0)
		return err
	}))
	product, perr := s.ProductSecret(ctx, pk)
	proofs, aerr := s.Proofs(ctx, "anna")
	challenge, cerr := s.Challenge(ctx, "two")
	all = append(all, string(serverKey), product, proofs.Phone, proofs.TOTP, proofs.NewTOTP, challenge.Phone)
	err = errors.Join(err, perr, aerr, cerr)
	for _, c := range names(n) {
		_, secret, derr := s.DeviceLogin(ctx, pk, c.Name)
		all, err = append(all, secret), errors.Join(err, derr)
	}
	return all, err
}

// boxes are all boxes of a database.
func boxes(t testing.TB, dsn string) (all []string) {
	t.Helper()
	for _, c := range store.SealedColumns() {
		rows, err := raw(t, dsn).QueryContext(t.Context(), `SELECT `+c[1]+` FROM `+c[0]+` WHERE `+c[1]+` <> ''`)
		must(t, err)
		for rows.Next() {
			var box string
			must(t, rows.Scan(&box))
			all = append(all, box)
		}
		must(t, errors.Join(rows.Err(), rows.Close()))
	}
	return all
}

func TestReseal(t *testing.T) {
	t.Parallel()
	const devices = 600 // several pages
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		fillSecrets(t, s, devices)
		want, err := secrets(t, s, devices)
		must(t, err)
		old := boxes(t, dsn)
		equal(t, "boxes", len(old), devices+secretsBeside)
		closeStore(t, s)

		s = openBy(t, dsn, false, newKey, sharedKey(t))
		got, err := secrets(t, s, devices)
		must(t, err)
		equal(t, "secrets under the older key", got, want)
		for _, want := range []int{devices + secretsBeside, 0} {
			n, err := s.Reseal(t.Context(), false)
			must(t, err)
			equal(t, "resealed", n, want)
		}
		must(t, s.Compact(t.Context()))
		closeStore(t, s)
		if isSQLite(dsn) {
			file, err := os.ReadFile(dsn)
			must(t, err)
			for _, box := range old {
				if bytes.Contains(file, []byte(box)) {
					t.Fatalf("the file still holds %s, which the older key opens", box)
				}
			}
		}

		s = openBy(t, dsn, false, newKey)
		got, err = secrets(t, s, devices)
		must(t, err)
		equal(t, "secrets under the new key alone", got, want)
		closeStore(t, s)
		_, err = secrets(t, openBy(t, dsn, false, sharedKey(t)), devices)
		if n := strings.Count(fmt.Sprint(err), "does not open with this master key"); n != devices+secretsBeside-2 { // anna's are one
			t.Errorf("under the older key %d secrets do not open; want none to", n)
		}
	})
}

// failAt has the database refuse to change a row of device.
func failAt(t testing.TB, dsn string, id int64) (mend func()) {
	t.Helper()
	db := raw(t, dsn)
	if isSQLite(dsn) {
		exec(t, db, fmt.Sprintf(`CREATE TRIGGER fail BEFORE UPDATE ON device WHEN new.id = %d BEGIN SELECT RAISE(ABORT, 'power cut'); END`, id))
		return func() { exec(t, db, `DROP TRIGGER fail`) }
	}
	exec(t, db, `CREATE FUNCTION fail() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'power cut'; END $$ LANGUAGE plpgsql`)
	exec(t, db, fmt.Sprintf(`CREATE TRIGGER fail BEFORE UPDATE ON device FOR EACH ROW WHEN (new.id = %d) EXECUTE FUNCTION fail()`, id))
	return func() { exec(t, db, `DROP TRIGGER fail ON device`) }
}

func TestResealThatIsInterrupted(t *testing.T) {
	t.Parallel()
	const devices = 600
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		fillSecrets(t, s, devices)
		want, err := secrets(t, s, devices)
		must(t, err)
		closeStore(t, s)

		mend := failAt(t, dsn, 300)
		s = openBy(t, dsn, false, newKey, sharedKey(t))
		before, err := s.Reseal(t.Context(), false)
		if err == nil || before != 250+secretsBeside {
			t.Fatalf("Reseal() = %d, %v; want it to fail on the second page", before, err)
		}
		closeStore(t, s)

		s = openBy(t, dsn, false, newKey, sharedKey(t))
		got, err := secrets(t, s, devices)
		must(t, err)
		equal(t, "secrets in the middle", got, want)
		mend()
		after, err := s.Reseal(t.Context(), false)
		must(t, err)
		equal(t, "resealed the second time", after, devices-250)
		closeStore(t, s)
		got, err = secrets(t, openBy(t, dsn, false, newKey), devices)
		must(t, err)
		equal(t, "secrets in the end", got, want)
	})
}

func TestResealBesideServers(t *testing.T) {
	t.Parallel()
	const devices = 600
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		server := openBy(t, dsn, false, sharedKey(t), newKey) // knows the new key, but seals with the older
		fillSecrets(t, server, devices)
		before := boxes(t, dsn)

		guest := openBy(t, dsn, true, newKey, sharedKey(t))
		if n, err := guest.Reseal(ctx, false); n != 0 || !errors.Is(err, store.ErrOtherKey) {
			t.Errorf("Reseal beside a server with another key = %d, %v; want ErrOtherKey", n, err)
		}
		equal(t, "boxes after a refusal", boxes(t, dsn), before)
		closeStore(t, server)

		server = openBy(t, dsn, false, newKey, sharedKey(t))
		ids := make(map[string]int64)
		for _, c := range names(devices) {
			ids[c.Name] = device(t, server, pk, c.Name).ID
		}
		var changing sync.WaitGroup
		changing.Go(func() { // every secret is changed meanwhile
			for _, c := range names(devices) {
				err := server.Update(ctx, func(tx *store.Tx) error {
					return tx.SetDeviceSecret(ctx, ids[c.Name], pk, c.Name, "changed "+c.Name, t0)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		_, err := guest.Reseal(ctx, false)
		changing.Wait()
		must(t, err)
		closeStore(t, guest)
		closeStore(t, server)
		s := openBy(t, dsn, false, newKey)
		for _, c := range names(devices) {
			_, secret, err := s.DeviceLogin(ctx, pk, c.Name)
			must(t, err)
			if secret != "changed "+c.Name {
				t.Fatalf("secret of %s = %q; want what it was changed to", c.Name, secret)
			}
		}
	})
}

func TestResealWithoutTheKey(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		fillSecrets(t, s, 3)
		closeStore(t, s)
		before := boxes(t, dsn)
		s = openBy(t, dsn, false, newKey, otherKey)
		_, err := s.Reseal(t.Context(), false)
		if err == nil || !strings.Contains(err.Error(), "opens with none of these 2 master keys") {
			t.Errorf("Reseal without the key: %v; want an error that says so", err)
		}
		equal(t, "boxes", boxes(t, dsn), before)
	})
}

// A table that holds boxes and is not gone through would be lost with the key.
func TestEverySealedColumnIsResealed(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		closeStore(t, storetest.OpenDSN(t, dsn))
		query := `SELECT table_name, column_name FROM information_schema.columns WHERE column_name LIKE '%sealed%'`
		if isSQLite(dsn) {
			query = `SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
				WHERE m.type = 'table' AND c.name LIKE '%sealed%'`
		}
		known := make(map[[2]string]bool)
		for _, c := range store.SealedColumns() {
			known[c] = true
		}
		rows, err := raw(t, dsn).QueryContext(t.Context(), query)
		must(t, err)
		defer rows.Close()
		found := 0
		for ; rows.Next(); found++ {
			var c [2]string
			must(t, rows.Scan(&c[0], &c[1]))
			if !known[c] {
				t.Errorf("column %s of %s holds boxes, but is not among sealedColumns", c[1], c[0])
			}
		}
		must(t, rows.Err())
		equal(t, "columns", found, len(known))
	})
}
