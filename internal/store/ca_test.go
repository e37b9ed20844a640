package store_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestCA(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		one, two := certtest.New(t, "one"), certtest.New(t, "two")
		set := func(product string, all ...*x509.Certificate) {
			update(t, s, func(tx *store.Tx) error { return tx.SetCA(ctx, product, all, t0) })
		}
		want := func(product string, all ...*x509.Certificate) {
			t.Helper()
			got, err := s.CA(ctx, product)
			must(t, err)
			if len(got) != len(all) {
				t.Fatalf("product %s trusts %d certificates; want %d", product, len(got), len(all))
			}
			for _, c := range all {
				if !got[0].Equal(c) && !got[len(got)-1].Equal(c) {
					t.Errorf("product %s does not trust %v", product, c.Subject)
				}
			}
		}
		trusting := func(ca *certtest.CA, limit int, all ...string) {
			t.Helper()
			got, err := s.ProductsTrusting(ctx, cota.IssuerID(ca.Cert.RawSubject), limit)
			must(t, err)
			equal(t, "products that trust "+ca.Cert.Subject.String(), got, all)
		}
		want(pk)
		set(pk, one.Cert, two.Cert)
		set(pk2, two.Cert)
		want(pk, one.Cert, two.Cert)
		want(pk2, two.Cert)
		trusting(one, 9, pk)
		trusting(two, 9, pk, pk2)
		trusting(two, 1, pk)
		trusting(certtest.New(t, "three"), 9)

		// Two certificates of one name: while a CA's own is renewed.
		renewed := certtest.New(t, "one")
		set(pk, renewed.Cert, one.Cert)
		want(pk, one.Cert, renewed.Cert)
		trusting(one, 9, pk)
		set(pk)
		want(pk)
		trusting(one, 9)
	})
}

func TestRevoked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		set := func(product string, all ...cota.Revocation) {
			update(t, s, func(tx *store.Tx) error { return tx.SetRevoked(ctx, product, all) })
		}
		revoked := func(product, serial, issuer string, want bool) {
			t.Helper()
			got, err := s.Revoked(ctx, product, cota.Revocation{Serial: serial, Issuer: issuer})
			must(t, err)
			equal(t, fmt.Sprintf("%s of %s in %s is revoked", serial, issuer, product), got, want)
		}
		revoked(pk, "1a", "one", false)
		set(pk, cota.Revocation{Serial: "1a"}, cota.Revocation{Serial: "2b", Issuer: "one"}, cota.Revocation{Serial: "2b", Issuer: "one"})
		revoked(pk, "1a", "one", true)
		revoked(pk, "1a", "two", true)
		revoked(pk, "2b", "one", true)
		revoked(pk, "2b", "two", false)
		revoked(pk, "3c", "one", false)
		revoked(pk2, "1a", "one", false)
		set(pk, cota.Revocation{Serial: "3c"})
		revoked(pk, "1a", "one", false)
		revoked(pk, "3c", "one", true)
		update(t, s, func(tx *store.Tx) error {
			return tx.AddRevoked(ctx, pk, []cota.Revocation{{Serial: "3c"}, {Serial: "3c", Issuer: "one"}, {Serial: "4d", Issuer: "one"}})
		})
		revoked(pk, "3c", "two", true)
		revoked(pk, "4d", "one", true)
		remove := func(serial string) error {
			return s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveRevoked(ctx, pk, serial) })
		}
		must(t, remove("3c"))
		revoked(pk, "3c", "one", false)
		revoked(pk, "4d", "one", true)
		refused(t, "RemoveRevoked once more", remove("3c"), cota.NotFound)

		var many []cota.Revocation
		for n := range 250 {
			many = append(many, cota.Revocation{Serial: fmt.Sprintf("%x", 1000+n), Issuer: "one"})
		}
		set(pk2, append(many, cota.Revocation{Serial: many[0].Serial, Issuer: "two"})...)
		n, err := s.CountRevoked(ctx, pk2)
		must(t, err)
		equal(t, "how many are revoked", n, 250)
		page, err := s.RevokedSerials(ctx, pk2, "", 100)
		must(t, err)
		rest, err := s.RevokedSerials(ctx, pk2, page[99], 1000)
		must(t, err)
		equal(t, "serial numbers in two pages", len(page)+len(rest), 250)
		if page[0] != "3e8" || rest[149] != "4e1" {
			t.Errorf("from %s to %s; want from 3e8 to 4e1", page[0], rest[149])
		}
	})
}

func TestCAGoesWithItsProduct(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ca := certtest.New(t, "one")
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.SetCA(t.Context(), pk, []*x509.Certificate{ca.Cert}, t0))
			return tx.SetRevoked(t.Context(), pk, []cota.Revocation{{Serial: "1"}})
		})
		update(t, s, func(tx *store.Tx) error { return tx.RemoveProduct(t.Context(), pk) })
		left := func(ctx context.Context) (int, int64) {
			all, err := s.CA(ctx, pk)
			must(t, err)
			n, err := s.CountRevoked(ctx, pk)
			must(t, err)
			return len(all), n
		}
		if certificates, n := left(t.Context()); certificates != 0 || n != 0 {
			t.Errorf("%d certificates and %d revocations outlived their product", certificates, n)
		}
	})
}
