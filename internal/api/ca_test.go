package api_test

import (
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/certtest"
)

func TestCA(t *testing.T) {
	w := newWorld(t)
	product := w.product(0)
	admin, viewer := w.as(cota.Admin), w.as(cota.Viewer)
	ctx := t.Context()
	path := "/api/v1/products/" + product + "/ca"

	none, err := viewer.CA(ctx, product)
	w.must(err)
	equal(t, "the CA of a new product", none, cota.CA{Certificates: []cota.Certificate{}})
	w.code("removing none", admin.RemoveCA(ctx, product), cota.NotFound)

	one, two := certtest.New(t, "one"), certtest.New(t, "two")
	set, err := admin.SetCA(ctx, product, one.PEM()+two.PEM())
	w.must(err)
	got, err := viewer.CA(ctx, product)
	w.must(err)
	equal(t, "the CA", got, set)
	if len(got.Certificates) != 2 || !strings.Contains(got.PEM, one.PEM()) || !strings.Contains(got.PEM, two.PEM()) {
		t.Errorf("it trusts %+v; want both", got)
	}

	device, other := one.Device("dev-1", nil).Leaf, two.Device("dev-2", nil).Leaf
	after, err := admin.SetRevoked(ctx, product, []string{"00:" + strings.ToUpper(cota.SerialOf(device)), cota.SerialOf(other)})
	w.must(err)
	equal(t, "how many are revoked", after.Revoked, 2)
	serials := all(t, viewer.Revoked(ctx, product))
	if len(serials) != 2 || serials[0] != cota.SerialOf(device) && serials[1] != cota.SerialOf(device) {
		t.Errorf("revoked %q; want %s among two", serials, cota.SerialOf(device))
	}
	_, err = admin.SetCRL(ctx, product, two.Revoke(nil, other))
	w.must(err)
	equal(t, "revoked by a CRL", all(t, viewer.Revoked(ctx, product)), []string{cota.SerialOf(other)})
	after, err = admin.AddRevoked(ctx, product, strings.ToUpper(cota.SerialOf(device)))
	w.must(err)
	equal(t, "how many are revoked besides", after.Revoked, 2)
	w.must(admin.RemoveRevoked(ctx, product, cota.SerialOf(other)))
	equal(t, "revoked without one of the CRL", all(t, viewer.Revoked(ctx, product)), []string{cota.SerialOf(device)})
	w.code("removing it again", admin.RemoveRevoked(ctx, product, cota.SerialOf(other)), cota.NotFound)
	w.code("removing what is no serial number", admin.RemoveRevoked(ctx, product, "x"), cota.Invalid)
	_, err = admin.AddRevoked(ctx, product)
	w.code("adding none", err, cota.Invalid)
	_, err = admin.AddRevoked(ctx, product, "1", "x")
	w.code("adding what is no serial number", err, cota.Invalid)
	_, err = admin.SetRevoked(ctx, product, nil)
	w.must(err)
	equal(t, "revoked in the end", all(t, viewer.Revoked(ctx, product)), []string(nil))

	w.must(admin.RemoveCA(ctx, product))
	got, err = viewer.CA(ctx, product)
	w.must(err)
	equal(t, "the CA once it is removed", got, none)

	for name, test := range map[string]struct {
		path, body string
		status     int
		code       cota.Code
	}{
		"text for a CA":           {path, `{"pem":"my CA"}`, 400, cota.Invalid},
		"no CA":                   {path, `{"pem":""}`, 400, cota.Invalid},
		"neither serials nor crl": {path + "/revoked", `{}`, 400, cota.Invalid},
		"both":                    {path + "/revoked", `{"serials":[],"crl":"x"}`, 400, cota.Invalid},
		"a serial that is none":   {path + "/revoked", `{"serials":["1","x"]}`, 400, cota.Invalid},
		"text for a CRL":          {path + "/revoked", `{"crl":"x"}`, 400, cota.Invalid},
		"too many serials":        {path + "/revoked", `{"serials":["1"` + strings.Repeat(`,"1"`, cota.MaxRevoked) + `]}`, 413, cota.TooLarge},
		"no such product":         {"/api/v1/products/a1Nothingxx/ca/revoked", `{"serials":["1"]}`, 404, cota.NotFound},
	} {
		w.refused(name, w.ask("PUT", test.path, test.body), test.status, test.code)
	}
	_, err = admin.SetCA(ctx, "a1Nothingxx", one.PEM())
	w.code("a CA of no product", err, cota.NotFound)
	_, err = admin.CA(ctx, "a1Nothingxx")
	w.code("the CA of no product", err, cota.NotFound)
}

// Trust is what takes a second proof: it makes devices.
func TestCANeedsVerification(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b := s.signedIn("192.0.2.1:1", "admin")
		ca := certtest.New(t, "one")
		set := func() error { _, err := b.SetCA(t.Context(), s.product, ca.PEM()); return err }
		add := func() error { _, err := b.AddRevoked(t.Context(), s.product, "1"); return err }
		revoke := func() error { _, err := b.SetRevoked(t.Context(), s.product, []string{"1"}); return err }
		s.code("SetCA from a new place", set(), cota.VerificationRequired)
		s.code("SetRevoked from a new place", revoke(), cota.VerificationRequired)
		s.code("AddRevoked from a new place", add(), cota.VerificationRequired)
		s.code("RemoveRevoked from a new place", b.RemoveRevoked(t.Context(), s.product, "1"), cota.VerificationRequired)
		b.prove()
		s.must(set())
		s.must(revoke())
		s.must(add())
		s.must(b.RemoveRevoked(t.Context(), s.product, "1"))
	})
}
