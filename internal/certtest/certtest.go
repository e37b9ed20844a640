// Package certtest makes certificates for tests.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// CA issues certificates. New makes one, valid for a year from now on.
type CA struct {
	Cert *x509.Certificate

	t   testing.TB
	key crypto.Signer
}

// serial is of the certificate that was made last: no two are alike.
var serial atomic.Int64

// New makes a CA of this name that has signed itself.
func New(t testing.TB, name string) *CA {
	t.Helper()
	ca := &CA{t: t, key: newKey(t)}
	template := authority(name)
	ca.Cert = create(t, template, template, ca.key.Public(), ca.key)
	return ca
}

// Intermediate makes a CA that ca has signed.
func (ca *CA) Intermediate(name string) *CA {
	ca.t.Helper()
	below := &CA{t: ca.t, key: newKey(ca.t)}
	below.Cert = create(ca.t, authority(name), ca.Cert, below.key.Public(), ca.key)
	return below
}

// Holding makes a CA of who holds a certificate, be it of a CA or not.
func Holding(t testing.TB, c tls.Certificate) *CA {
	return &CA{Cert: c.Leaf, t: t, key: c.PrivateKey.(crypto.Signer)}
}

func authority(name string) *x509.Certificate {
	c := template(name)
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return c
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// Device issues a certificate with this common name, for TLS clients. change,
// unless nil, changes it before it is signed.
func (ca *CA) Device(name string, change func(*x509.Certificate)) tls.Certificate {
	ca.t.Helper()
	c := template(name)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if change != nil {
		change(c)
	}
	return ca.issue(c, newKey(ca.t))
}

// Server issues a certificate for servers of these names, or addresses.
func (ca *CA) Server(names ...string) tls.Certificate {
	ca.t.Helper()
	return ca.issue(server(names), newKey(ca.t))
}

// RSAServer is Server with a key that the oldest clients can use too.
func (ca *CA) RSAServer(names ...string) tls.Certificate {
	ca.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(ca.t, err)
	c := server(names)
	c.KeyUsage |= x509.KeyUsageKeyEncipherment
	return ca.issue(c, key)
}

func server(names []string) *x509.Certificate {
	c := template(names[0])
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
			continue
		}
		c.DNSNames = append(c.DNSNames, name)
	}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return c
}

func (ca *CA) issue(template *x509.Certificate, key crypto.Signer) tls.Certificate {
	c := create(ca.t, template, ca.Cert, key.Public(), ca.key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// Pool holds this CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	return pool
}

// PEM is the certificate as text.
func (ca *CA) PEM() string { return PEM(ca.Cert) }

// PEM is a certificate as text.
func PEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// Revoke makes a list of revoked certificates, as text. change, unless nil,
// changes it before it is signed.
func (ca *CA) Revoke(change func(*x509.RevocationList), all ...*x509.Certificate) string {
	ca.t.Helper()
	list := &x509.RevocationList{
		Number: big.NewInt(serial.Add(1)), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().AddDate(0, 1, 0),
	}
	for _, c := range all {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	if change != nil {
		change(list)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Cert, ca.key)
	must(ca.t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// Write writes a pair into a directory, as name.crt and name.key.
func Write(t testing.TB, dir, name string, c tls.Certificate) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return cert, key
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func create(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	must(t, err)
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
