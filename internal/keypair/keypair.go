// Package keypair keeps the server's certificates with their keys, and reads
// them again when their files change.
package keypair

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Files are where a pair is: a certificate, with those between it and its CA
// behind it, and its key, both in PEM.
type Files struct{ Cert, Key string }

// Ring is the pairs that a server has. Its methods, but for Watch and Reload,
// may be called by many goroutines.
type Ring struct {
	pairs []*pair
	log   *slog.Logger
}

// pair is one pair. current is never nil.
type pair struct {
	files   Files
	current atomic.Pointer[tls.Certificate]
	seen    stamp // the files when they were read last; of Reload
}

// stamp is what changes when files do.
type stamp struct{ cert, key state }

type state struct {
	modified time.Time
	size     int64
}

// Open reads the pairs. The first is shown to a client that names no server,
// or one that no pair is for.
func Open(log *slog.Logger, all ...Files) (*Ring, error) {
	if len(all) == 0 {
		return nil, errors.New("there is no certificate")
	}
	r := &Ring{log: log}
	for _, f := range all {
		p := &pair{files: f}
		var err error
		if p.seen, err = f.stamp(); err == nil {
			err = p.read()
		}
		if err != nil {
			return nil, fmt.Errorf("read certificate %s with key %s: %w", f.Cert, f.Key, err)
		}
		r.pairs = append(r.pairs, p)
	}
	return r, nil
}

func (f Files) stamp() (s stamp, err error) {
	if s.cert, err = stateOf(f.Cert); err != nil {
		return s, err
	}
	s.key, err = stateOf(f.Key)
	return s, err
}

func stateOf(file string) (state, error) {
	info, err := os.Stat(file)
	if err != nil {
		return state{}, err
	}
	return state{info.ModTime(), info.Size()}, nil
}

func (p *pair) read() error {
	c, err := tls.LoadX509KeyPair(p.files.Cert, p.files.Key)
	if err != nil {
		return err
	}
	p.current.Store(&c)
	return nil
}

// watchEvery is how soon new files are seen.
const watchEvery = 10 * time.Second

// Watch calls Reload now and then until ctx ends.
func (r *Ring) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.Reload()
		}
	}
}

// Reload reads the pairs whose files have changed. Handshakes from then on
// show the new certificate; connections that are open go on. A pair that
// cannot be read, as one may be of which only one file has been replaced yet,
// stays what it was.
func (r *Ring) Reload() {
	for _, p := range r.pairs {
		now, err := p.files.stamp()
		if err == nil && now == p.seen {
			continue
		}
		if err == nil {
			err = p.read()
		}
		log := r.log.With("cert", p.files.Cert, "key", p.files.Key)
		switch {
		case err == nil:
			log.Info("certificate read again", "expires", p.current.Load().Leaf.NotAfter)
		case now != p.seen: // once for each change
			log.Warn("certificate cannot be read again; the one before stays in use", "err", err)
		}
		p.seen = now
	}
}

// Config is how a server shakes hands with these pairs: TLS 1.2 and 1.3, with
// what is thought secure today.
func (r *Ring) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: r.choose}
}

// choose finds the first pair that suits the client: by the server's name that
// it gave, if it gave one, and by what it can verify.
func (r *Ring) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	for _, p := range r.pairs {
		c := p.current.Load()
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	return r.pairs[0].current.Load(), nil
}

// Legacy makes c serve the C SDKs in the field too, which know nothing newer
// than TLS 1.2 with an RSA key exchange and AES in CBC mode (suites 0x2F, 0x35
// and 0x3C). Whoever comes to have the key of such a connection's certificate
// can read all that was ever recorded of it: there is no forward secrecy.
// Clients that can do better are still served better.
func Legacy(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.CipherSuites = nil
	for _, s := range tls.CipherSuites() {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
	c.CipherSuites = append(c.CipherSuites,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256)
	return c
}
