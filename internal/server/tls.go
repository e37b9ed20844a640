package server

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/cotahq/cota/internal/keypair"
)

// TLS is how the doors speak TLS. The zero TLS: not at all.
type TLS struct {
	// Certs and Keys are files in PEM, the certificate and the key of a pair
	// each at the same place. They are read again when they change.
	Certs, Keys []string
	// Legacy lets devices use what the oldest SDKs know.
	Legacy bool
	// Management has the management door speak TLS, and nothing else.
	Management bool
}

// open reads the pairs; nil if there are none.
func (t TLS) open(log *slog.Logger) (*keypair.Ring, error) {
	switch {
	case len(t.Certs) != len(t.Keys):
		return nil, errors.New("for each tls-cert there must be a tls-key")
	case len(t.Certs) > 0:
		all := make([]keypair.Files, len(t.Certs))
		for i := range all {
			all[i] = keypair.Files{Cert: t.Certs[i], Key: t.Keys[i]}
		}
		return keypair.Open(log, all...)
	case t.Legacy || t.Management:
		return nil, errors.New("TLS needs a certificate: give tls-cert and tls-key")
	}
	return nil, nil
}

// deviceTLS is how devices are served; nil without a certificate. Those that
// can bear it are asked for theirs, which control looks at when they sign in.
func (s *Server) deviceTLS() *tls.Config {
	if s.ring == nil {
		return nil
	}
	c := s.forDevices(s.ring.Config())
	asking := c.Clone()
	asking.ClientAuth = tls.RequestClientCert
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if bearsAsking(hello) {
			return asking, nil
		}
		return nil, nil // c itself
	}
	return c
}

// certificateHost is how the host name begins by which a client of old TLS
// wants to be asked for its certificate. So does the vendor's, which has a
// host for such devices.
const certificateHost = "x509."

// bearsAsking reports whether a client may be asked for a certificate. The C
// SDKs up to 3.2 answer with one that is empty whenever they are asked, and
// break off because they cannot sign by it. They are known by what they offer:
// RSA key exchanges alone. C LinkSDK 4 offers the same and can have a
// certificate; the name by which it comes tells.
func bearsAsking(hello *tls.ClientHelloInfo) bool {
	if strings.HasPrefix(hello.ServerName, certificateHost) {
		return true
	}
	for _, suite := range tls.CipherSuites() { // all with forward secrecy
		if slices.Contains(hello.CipherSuites, suite.ID) {
			return true
		}
	}
	return false
}

func (s *Server) forDevices(c *tls.Config) *tls.Config {
	if s.options.TLS.Legacy {
		return keypair.Legacy(c)
	}
	return c
}

// overTLS makes a listener of ln for an HTTP door.
func overTLS(ln net.Listener, c *tls.Config) net.Listener {
	c.NextProtos = []string{"http/1.1"}
	return tls.NewListener(ln, c)
}
