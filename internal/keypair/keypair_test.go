package keypair_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/keypair"
)

// rig is a directory of certificates.
type rig struct {
	*testing.T
	ca  *certtest.CA
	dir string
	log bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return &rig{T: t, ca: certtest.New(t, "test CA"), dir: t.TempDir()}
}

// write puts a pair into the directory.
func (r *rig) write(name string, c tls.Certificate) keypair.Files {
	r.Helper()
	cert, key := certtest.Write(r, r.dir, name, c)
	return keypair.Files{Cert: cert, Key: key}
}

func (r *rig) open(all ...keypair.Files) *keypair.Ring {
	r.Helper()
	ring, err := keypair.Open(slog.New(slog.NewTextHandler(&r.log, nil)), all...)
	if err != nil {
		r.Fatal(err)
	}
	return ring
}

// age makes the files of a pair look as if written at some time.
func (r *rig) age(f keypair.Files, at time.Time) {
	r.Helper()
	for _, name := range []string{f.Cert, f.Key} {
		if err := os.Chtimes(name, at, at); err != nil {
			r.Fatal(err)
		}
	}
}

// shake shakes hands with a server, and returns what both ends know then.
func shake(server, client *tls.Config) (s, c tls.ConnectionState, err error) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	sc := tls.Server(there, server)
	served := make(chan error, 1)
	go func() { served <- sc.Handshake() }()
	cc := tls.Client(here, client)
	if err := cc.Handshake(); err != nil {
		return s, c, err
	}
	if client.MaxVersion != tls.VersionTLS12 {
		return s, cc.ConnectionState(), nil // the server is writing tickets yet
	}
	err = <-served
	return sc.ConnectionState(), cc.ConnectionState(), err
}

// shown is the certificate that a client who asks for name is shown.
func (r *rig) shown(ring *keypair.Ring, name string) *x509.Certificate {
	r.Helper()
	_, c, err := shake(ring.Config(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		r.Fatal(err)
	}
	return c.PeerCertificates[0]
}

func TestChoice(t *testing.T) {
	r := newRig(t)
	ring := r.open(
		r.write("a", r.ca.Server("a.test")),
		r.write("b", r.ca.Server("b.test", "*.b.test")),
	)
	for name, want := range map[string]string{
		"": "a.test", "a.test": "a.test", "b.test": "b.test", "pk.b.test": "b.test", "elsewhere.test": "a.test",
	} {
		if got := r.shown(ring, name).Subject.CommonName; got != want {
			t.Errorf("a client that asks for %q is shown %s; want %s", name, got, want)
		}
	}
}

func TestReload(t *testing.T) {
	r := newRig(t)
	r1 := r.ca.Server("cota.test")
	f := r.write("cota", r1)
	start := time.Now().Truncate(time.Second)
	r.age(f, start)
	ring := r.open(f)
	want := func(what string, c tls.Certificate, log string) {
		t.Helper()
		r.log.Reset()
		ring.Reload()
		if got := r.shown(ring, ""); !got.Equal(c.Leaf) {
			t.Errorf("%s: serial %v is shown; want %v", what, got.SerialNumber, c.Leaf.SerialNumber)
		}
		if lines := strings.Count(r.log.String(), "\n"); log == "" && lines != 0 || log != "" && (lines != 1 || !strings.Contains(r.log.String(), log)) {
			t.Errorf("%s: log says %q; want %q", what, &r.log, log)
		}
	}
	want("nothing new", r1, "")

	r2 := r.ca.Server("cota.test")
	r.write("cota", r2)
	r.age(f, start.Add(time.Second))
	want("a new pair", r2, "certificate read again")
	want("nothing since", r2, "")

	r3 := r.ca.Server("cota.test")
	halfway := r2
	halfway.Certificate = r3.Certificate
	r.write("cota", halfway)
	r.age(f, start.Add(2*time.Second))
	want("a certificate whose key has not come yet", r2, "stays in use")
	want("still not", r2, "")
	r.write("cota", r3)
	r.age(f, start.Add(3*time.Second))
	want("its key", r3, "certificate read again")

	if err := os.WriteFile(f.Cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("nonsense", r3, "stays in use")
	if err := os.Remove(f.Key); err != nil {
		t.Fatal(err)
	}
	want("no key", r3, "stays in use")
	want("still none", r3, "")
	r4 := r.ca.Server("cota.test")
	r.write("cota", r4)
	want("a pair again", r4, "certificate read again")
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		f := r.write("cota", r.ca.Server("cota.test"))
		ring := r.open(f)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			ring.Watch(t.Context())
		}()
		t.Cleanup(func() { <-watched })
		second := r.ca.Server("cota.test")
		r.write("cota", second)
		r.age(f, time.Now())
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if got := r.shown(ring, ""); !got.Equal(second.Leaf) {
			t.Errorf("serial %v is shown after eleven seconds; want %v", got.SerialNumber, second.Leaf.SerialNumber)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	r := newRig(t)
	good := r.write("good", r.ca.Server("cota.test"))
	other := r.write("other", r.ca.Server("cota.test"))
	text := filepath.Join(r.dir, "text")
	if err := os.WriteFile(text, []byte("-----BEGIN secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]keypair.Files{
		"nothing":              nil,
		"no certificate":       {{Cert: filepath.Join(r.dir, "none"), Key: good.Key}},
		"no key":               {{Cert: good.Cert, Key: filepath.Join(r.dir, "none")}},
		"another's key":        {{Cert: good.Cert, Key: other.Key}},
		"text for a key":       {{Cert: good.Cert, Key: text}},
		"the second is broken": {good, {Cert: text, Key: other.Key}},
	} {
		ring, err := keypair.Open(slog.New(slog.DiscardHandler), files...)
		if err == nil || ring != nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one line that tells no secret", name, err)
		}
	}
}

// legacy is all that the mbedTLS of the C SDKs offers (doc/tls.md).
func legacy(ca *certtest.CA, suites ...uint16) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), ServerName: "cota.test", MaxVersion: tls.VersionTLS12, CipherSuites: suites}
}

func TestLegacy(t *testing.T) {
	r := newRig(t)
	ring := r.open(r.write("ec", r.ca.Server("cota.test")), r.write("rsa", r.ca.RSAServer("cota.test")))
	modern, old := ring.Config(), keypair.Legacy(ring.Config())
	rsaCBC := []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256}
	for _, suite := range rsaCBC {
		s, _, err := shake(old, legacy(r.ca, suite))
		if err != nil || s.CipherSuite != suite {
			t.Errorf("--tls-legacy, %s: %s, %v; want that", tls.CipherSuiteName(suite), tls.CipherSuiteName(s.CipherSuite), err)
		}
		if _, _, err := shake(modern, legacy(r.ca, suite)); err == nil {
			t.Errorf("%s was taken without --tls-legacy", tls.CipherSuiteName(suite))
		}
	}
	// Who can do better is served better.
	s, _, err := shake(old, legacy(r.ca, append(rsaCBC, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)...))
	if err != nil || s.CipherSuite != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {
		t.Errorf("a better client got %s, %v", tls.CipherSuiteName(s.CipherSuite), err)
	}
	if _, c, err := shake(old, &tls.Config{RootCAs: r.ca.Pool(), ServerName: "cota.test"}); err != nil || c.Version != tls.VersionTLS13 {
		t.Errorf("a client of today got version %x, %v; want TLS 1.3", c.Version, err)
	}
	// A client that names no server, as the oldest, gets a certificate it can use.
	config := legacy(r.ca, rsaCBC...)
	config.ServerName, config.InsecureSkipVerify = "", true
	if s, c, err := shake(old, config); err != nil || !slices.Contains(rsaCBC, s.CipherSuite) || c.PeerCertificates[0].PublicKeyAlgorithm != x509.RSA {
		t.Errorf("no server name: %v; want RSA", err)
	}
	for _, config := range []*tls.Config{modern, old} {
		if _, _, err := shake(config, &tls.Config{RootCAs: r.ca.Pool(), ServerName: "cota.test", MaxVersion: tls.VersionTLS11}); err == nil {
			t.Error("TLS 1.1 was taken")
		}
	}
}
