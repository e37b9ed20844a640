package cota

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"
)

// CA is what a product trusts to issue certificates to its devices. A device
// that presents one signs in without a password (vendor: Use X.509 certificates
// to authenticate devices).
type CA struct {
	Certificates []Certificate `json:"certificates" nullable:"false"`
	PEM          string        `json:"pem"`     // of the same
	Revoked      int64         `json:"revoked"` // how many certificates are
}

// Certificate is what tells people one certificate from another.
type Certificate struct {
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial"`      // in hexadecimal
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the whole, in hexadecimal
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
}

// Bounds of what a product may trust, and of what a device may present.
const (
	MaxCACertificates = 4      // of one product: the old and the new one while they change, and two to spare
	MaxRevoked        = 10_000 // certificates of one product
	MaxChain          = 4      // certificates from a device, its own among them
	maxSerialDigits   = 40     // RFC 5280 section 4.1.2.2: 20 octets
	maxNames          = 8      // of one certificate that are looked at
)

// DescribeCertificate is c as people see it.
func DescribeCertificate(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	return Certificate{
		Subject: c.Subject.String(), Serial: SerialOf(c), Fingerprint: hex.EncodeToString(sum[:]),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
	}
}

// ParseCA reads the certificates of one or more CAs from PEM, and refuses what
// could not have issued a certificate that is valid now.
func ParseCA(text string, now time.Time) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, Errorf(Invalid, "this holds a private key, which nobody here needs; send certificates only")
		}
		if block.Type != "CERTIFICATE" {
			return nil, Errorf(Invalid, "a CA is given by certificates in PEM, and by nothing else")
		}
		if len(all) == MaxCACertificates {
			return nil, Errorf(TooLarge, "a product may trust %d certificates of CAs at most", MaxCACertificates)
		}
		c, err := parseCA(block.Bytes, now)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, c.Equal) {
			return nil, Errorf(Invalid, "certificate %s is there twice", SerialOf(c))
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, Errorf(Invalid, "there is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

func parseCA(der []byte, now time.Time) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	switch {
	case err != nil:
		return nil, Errorf(Invalid, "a certificate cannot be read")
	case !c.BasicConstraintsValid || !c.IsCA:
		return nil, Errorf(Invalid, "certificate %s is not one of a CA: it has no basic constraint CA:TRUE", SerialOf(c))
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, Errorf(Invalid, "certificate %s must not sign others, by its key usage", SerialOf(c))
	case now.After(c.NotAfter):
		return nil, Errorf(Invalid, "certificate %s has expired", SerialOf(c))
	case len(c.Subject.String()) > 512:
		return nil, Errorf(TooLarge, "certificate %s has a subject of more than 512 characters", SerialOf(c))
	}
	return c, nil
}

// SerialOf is the serial number of a certificate, as ParseSerial writes it.
func SerialOf(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

// ParseSerial reads a serial number as tools show it, in hexadecimal with or
// without colons, and writes it in one way: lower case, without zeros ahead.
func ParseSerial(text string) (string, error) {
	digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	digits = strings.TrimPrefix(digits, "0x")
	if len(digits) == 0 || len(digits) > maxSerialDigits+2 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", Errorf(Invalid, "a serial number has 1 to %d hexadecimal digits", maxSerialDigits)
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0", nil
	}
	return digits, nil
}

// Revocation is a certificate that counts no longer.
type Revocation struct {
	Serial string
	// Issuer is the IssuerID of the CA that issued it; "": whichever did.
	Issuer string
}

// IssuerID tells CAs apart by their names, as certificates do: it is made of a
// subject, or of an issuer, in DER.
func IssuerID(name []byte) string {
	sum := sha256.Sum256(name)
	return hex.EncodeToString(sum[:])
}

// ParseCRL reads a list of revoked certificates from PEM, which one of the CAs
// must have signed. Lists that only say what has changed, or that one CA makes
// for others, are refused: they would be misread (RFC 5280 section 5.2).
func ParseCRL(text string, cas []*x509.Certificate) ([]Revocation, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "X509 CRL" {
		return nil, Errorf(Invalid, "there is no list in PEM, which begins with -----BEGIN X509 CRL-----")
	}
	if again, _ := pem.Decode(rest); again != nil {
		return nil, Errorf(Invalid, "there is more than one list; send the serial numbers of all instead")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	switch {
	case err != nil:
		return nil, Errorf(Invalid, "the list of revoked certificates cannot be read")
	case len(list.RevokedCertificateEntries) > MaxRevoked:
		return nil, Errorf(TooLarge, "the list has more than %d certificates", MaxRevoked)
	case !slices.ContainsFunc(cas, func(ca *x509.Certificate) bool {
		return bytes.Equal(ca.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(ca) == nil
	}):
		return nil, Errorf(Invalid, "the list is not signed by a CA of the product; give the product that CA's certificate first")
	}
	for _, e := range list.Extensions {
		if e.Critical {
			return nil, Errorf(Invalid, "the list is of a kind that is not understood; send the serial numbers instead")
		}
	}
	all := make([]Revocation, 0, len(list.RevokedCertificateEntries))
	for _, e := range list.RevokedCertificateEntries {
		for _, x := range e.Extensions {
			if x.Critical {
				return nil, Errorf(Invalid, "the list has entries of a kind that is not understood; send the serial numbers instead")
			}
		}
		all = append(all, Revocation{Serial: e.SerialNumber.Text(16), Issuer: IssuerID(list.RawIssuer)})
	}
	return all, nil
}

// VerifyDevice judges the certificates that a device presented, its own first,
// at a time: those of one chain must lead to one of the CAs, all be valid, and
// the device's be for TLS clients, or for nothing in particular. It returns
// every way that does. It has been proven before that the device has the key.
func VerifyDevice(presented, cas []*x509.Certificate, now time.Time) (chains [][]*x509.Certificate, err error) {
	switch {
	case len(presented) == 0:
		return nil, Errorf(Forbidden, "there is no client certificate")
	case len(presented) > MaxChain:
		return nil, Errorf(Forbidden, "more than %d client certificates", MaxChain)
	case presented[0].IsCA:
		return nil, Errorf(Forbidden, "the client certificate is one of a CA")
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, ca := range cas {
		o.Roots.AddCert(ca)
	}
	for _, c := range presented[1:] {
		o.Intermediates.AddCert(c)
	}
	if chains, err = presented[0].Verify(o); err != nil {
		return nil, Errorf(Forbidden, "the client certificate %s", unverified(err))
	}
	return chains, nil
}

// unverified says why a certificate was refused, and repeats nothing of it.
func unverified(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "was not issued by a CA of the product"
	}
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case ok && invalid.Reason == x509.Expired:
		return "or one above it has expired, or is not valid yet"
	case ok && invalid.Reason == x509.IncompatibleUsage:
		return "is not for TLS clients"
	}
	return "does not verify"
}

// DeviceNames are the names that a certificate gives its owner, as far as they
// can be device names: the common name, and the alternative names that are of
// hosts or URIs.
func DeviceNames(c *x509.Certificate) (names []string) {
	all := append([]string{c.Subject.CommonName}, c.DNSNames...)
	for _, u := range c.URIs {
		all = append(all, u.String())
	}
	for _, name := range all {
		if len(names) < maxNames && CheckDeviceName(name) == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
