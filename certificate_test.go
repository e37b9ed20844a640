package cota_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/certtest"
)

// critical is an extension that nobody understands and everybody must.
var critical = pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 1}, Critical: true, Value: []byte{5, 0}}

// presented are the certificates that a device sends.
func presented(c tls.Certificate, above ...*certtest.CA) []*x509.Certificate {
	all := []*x509.Certificate{c.Leaf}
	for _, ca := range above {
		all = append(all, ca.Cert)
	}
	return all
}

func TestVerifyDevice(t *testing.T) {
	root, foreign := certtest.New(t, "root"), certtest.New(t, "foreign")
	twin := certtest.New(t, "root") // of the same name, with another key
	below := root.Intermediate("below")
	deeper := below.Intermediate("deeper")
	deepest := deeper.Intermediate("deepest")
	now := time.Now()
	usage := func(all ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = all }
	}
	broken := root.Device("dev-1", nil)
	broken.Leaf.Signature[len(broken.Leaf.Signature)-1] ^= 1
	plain := root.Device("dev-1", nil)

	for _, test := range []struct {
		name      string
		presented []*x509.Certificate
		at        time.Time
		want      string // "": it is taken
	}{
		{"issued by the CA", presented(plain), now, ""},
		{"with the CA's own certificate", presented(plain, root), now, ""},
		{"without extended key usage", presented(root.Device("dev-1", usage())), now, ""},
		{"for anything", presented(root.Device("dev-1", usage(x509.ExtKeyUsageAny))), now, ""},
		{"for servers and clients", presented(root.Device("dev-1", usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth))), now, ""},
		{"issued by a CA below", presented(below.Device("dev-1", nil), below), now, ""},
		{"issued three below, in any order", presented(deepest.Device("dev-1", nil), below, deepest, deeper), now, ""},
		{"with a certificate that has nothing to do with it", presented(plain, foreign), now, ""},

		{"nothing", nil, now, "there is no"},
		{"for servers", presented(root.Device("dev-1", usage(x509.ExtKeyUsageServerAuth))), now, "TLS clients"},
		{"of a foreign CA", presented(foreign.Device("dev-1", nil), foreign), now, "not issued"},
		{"of a CA that has the same name", presented(twin.Device("dev-1", nil), twin), now, "not issued"},
		{"signed by nobody", presented(broken), now, "not issued"},
		{"without the CA between", presented(below.Device("dev-1", nil)), now, "not issued"},
		{"too many", presented(deepest.Device("dev-1", nil), below, deepest, deeper, root), now, "more than 4"},
		{"the CA itself", presented(tls.Certificate{Leaf: root.Cert}), now, "one of a CA"},
		{"a CA below", presented(tls.Certificate{Leaf: below.Cert}), now, "one of a CA"},
		{"issued by another device", presented(issuedByDevice(t, root)), now, "not issued"},
		{"a second too early", presented(plain), plain.Leaf.NotBefore.Add(-time.Second), "expired, or is not valid yet"},
		{"its last second", presented(plain), plain.Leaf.NotAfter, ""},
		{"a second too late", presented(plain), plain.Leaf.NotAfter.Add(time.Second), "expired"},
		{"of a CA that has expired", presented(root.Device("dev-1", func(c *x509.Certificate) { c.NotAfter = now.AddDate(9, 0, 0) })),
			root.Cert.NotAfter.Add(time.Second), "expired"},
		{"with what nobody understands", presented(root.Device("dev-1", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{critical}
		})), now, "does not verify"},
	} {
		chains, err := cota.VerifyDevice(test.presented, []*x509.Certificate{foreign.Intermediate("other").Cert, root.Cert}, test.at)
		if test.want == "" && (err != nil || len(chains) == 0 || !chains[0][0].Equal(test.presented[0])) {
			t.Errorf("%s: %d chains, %v; want one", test.name, len(chains), err)
		}
		if test.want != "" && (cota.CodeOf(err) != cota.Forbidden || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v; want a refusal about %q", test.name, err, test.want)
		}
	}
}

// issuedByDevice is a certificate that a device issued as if it were a CA.
func issuedByDevice(t *testing.T, ca *certtest.CA) (tls.Certificate, *certtest.CA) {
	device := ca.Device("dev-2", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign })
	impostor := certtest.Holding(t, device)
	return impostor.Device("dev-1", nil), impostor
}

func TestDeviceNames(t *testing.T) {
	ca := certtest.New(t, "root")
	uri := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, test := range []struct {
		name   string
		common string
		change func(*x509.Certificate)
		want   []string
	}{
		{"a common name", "dev-1", nil, []string{"dev-1"}},
		{"alternative names too", "dev-1", func(c *x509.Certificate) {
			c.DNSNames, c.URIs = []string{"dev-2.example", "dev-1"}, []*url.URL{uri("urn:dev:3")}
		}, []string{"dev-1", "dev-2.example", "urn:dev:3"}},
		{"no common name", "", func(c *x509.Certificate) { c.DNSNames = []string{"dev-2"} }, []string{"dev-2"}},
		{"what no device is called", "ACME Ltd, Devices", func(c *x509.Certificate) {
			c.DNSNames, c.EmailAddresses = []string{"*.example", "abc"}, []string{"dev-1@example"}
		}, nil},
		{"too many", "dev-1", func(c *x509.Certificate) {
			c.DNSNames = []string{"dev-2", "dev-3", "dev-4", "dev-5", "dev-6", "dev-7", "dev-8", "dev-9"}
		}, []string{"dev-1", "dev-2", "dev-3", "dev-4", "dev-5", "dev-6", "dev-7", "dev-8"}},
	} {
		if got := cota.DeviceNames(ca.Device(test.common, test.change).Leaf); !cmp.Equal(got, test.want) {
			t.Errorf("%s: %q; want %q", test.name, got, test.want)
		}
	}
}

func TestParseCA(t *testing.T) {
	now := time.Now()
	one, two := certtest.New(t, "one"), certtest.New(t, "two")
	all, err := cota.ParseCA("as openssl writes it:\n"+one.PEM()+two.PEM(), now)
	if err != nil || len(all) != 2 || !all[0].Equal(one.Cert) || !all[1].Equal(two.Cert) {
		t.Fatalf("ParseCA = %d certificates, %v; want both", len(all), err)
	}
	got := cota.DescribeCertificate(all[0])
	if got.Subject != "CN=one" || got.Serial != one.Cert.SerialNumber.Text(16) || len(got.Fingerprint) != 64 || !got.NotAfter.Equal(one.Cert.NotAfter) {
		t.Errorf("DescribeCertificate = %+v", got)
	}
	five := strings.Builder{}
	for range 5 {
		five.WriteString(certtest.New(t, "many").PEM())
	}
	for _, test := range []struct {
		name, text string
		at         time.Time
		code       cota.Code
	}{
		{"nothing", "", now, cota.Invalid},
		{"text", "my CA", now, cota.Invalid},
		{"a device's", certtest.PEM(one.Device("dev-1", nil).Leaf), now, cota.Invalid},
		{"a key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n" + one.PEM(), now, cota.Invalid},
		{"a request", strings.ReplaceAll(one.PEM(), "CERTIFICATE", "CERTIFICATE REQUEST"), now, cota.Invalid},
		{"half of one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", now, cota.Invalid},
		{"one twice", one.PEM() + one.PEM(), now, cota.Invalid},
		{"five", five.String(), now, cota.TooLarge},
		{"one that has expired", one.PEM(), one.Cert.NotAfter.Add(time.Second), cota.Invalid},
	} {
		if all, err := cota.ParseCA(test.text, test.at); cota.CodeOf(err) != test.code || all != nil {
			t.Errorf("%s: %d certificates, %v; want code %s", test.name, len(all), err, test.code)
		}
	}
}

func TestParseSerial(t *testing.T) {
	for text, want := range map[string]string{
		"1a": "1a", "1A": "1a", "0x1a": "1a", "00:1A": "1a", " 1a\n": "1a", "0": "0", "00": "0",
		"7F:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF:FF": "7fffffffffffffffffffffffffffffffffffffff",
		"": "", "0x": "", "-1": "", "1g": "", "12 34": "", strings.Repeat("1", 43): "",
	} {
		got, err := cota.ParseSerial(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("ParseSerial(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseCRL(t *testing.T) {
	ca, other := certtest.New(t, "root"), certtest.New(t, "other")
	a, b := ca.Device("dev-1", nil).Leaf, ca.Device("dev-2", nil).Leaf
	cas := []*x509.Certificate{other.Cert, ca.Cert}
	issuer := cota.IssuerID(a.RawIssuer)
	got, err := cota.ParseCRL(ca.Revoke(nil, a, b), cas)
	want := []cota.Revocation{{Serial: cota.SerialOf(a), Issuer: issuer}, {Serial: cota.SerialOf(b), Issuer: issuer}}
	if err != nil || !cmp.Equal(got, want) {
		t.Fatalf("ParseCRL = %v, %v; want %v", got, err, want)
	}
	if got, err := cota.ParseCRL(ca.Revoke(nil), cas); err != nil || len(got) != 0 {
		t.Errorf("an empty list: %v, %v; want none", got, err)
	}
	for name, text := range map[string]string{
		"nothing":        "",
		"a certificate":  ca.PEM(),
		"nonsense":       "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
		"two":            ca.Revoke(nil, a) + other.Revoke(nil),
		"a foreign list": certtest.New(t, "foreign").Revoke(nil, a),
		"a twin's list":  certtest.New(t, "root").Revoke(nil, a),
		"what has changed": ca.Revoke(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
		}, a),
		"entries of another kind": ca.Revoke(func(l *x509.RevocationList) {
			l.RevokedCertificateEntries[0].ExtraExtensions = []pkix.Extension{critical}
		}, a),
	} {
		if got, err := cota.ParseCRL(text, cas); cota.CodeOf(err) != cota.Invalid || got != nil {
			t.Errorf("%s: %v, %v; want invalid", name, got, err)
		}
	}
}
