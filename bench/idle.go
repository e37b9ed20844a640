package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"
)

// measureIdle holds connections that say nothing: what a collection costs
// with them and without, and what they occupy by TLS.
func measureIdle(ctx context.Context, r *rig) error {
	devices := max(r.sizes.connections, r.sizes.byTLS)
	data, err := newSeed(ctx, r, devices, devices)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for round := range r.sizes.rounds {
		progress("idle connections, round %d of %d", round+1, r.sizes.rounds)
		if err := measureCollections(ctx, r, data); err != nil {
			return fmt.Errorf("collections: %w", err)
		}
	}
	return measureTLS(ctx, r, data)
}

// measureCollections compares collections without connections to those with
// them.
func measureCollections(ctx context.Context, r *rig, data *seed) (err error) {
	s := &cotaServer{seed: data, profiled: true}
	c := &contender{server: s}
	defer func() { err = firstError(err, c.stop()) }()
	if err := c.start(ctx, r); err != nil {
		return err
	}
	empty, err := s.collection(ctx)
	if err != nil {
		return err
	}
	n := r.sizes.connections
	if _, err := c.join(ctx, r, n, 10); err != nil {
		return err
	}
	held, err := s.collection(ctx)
	if err != nil {
		return err
	}
	r.table.add(gcCPU, "ms", "cota", (held-empty).Seconds()*1e3/float64(n)*1e6)
	r.table.note(gcCPU, "ms", fmt.Sprintf("extrapolated from collections with and without %d connections", n))
	return nil
}

const (
	// collectionsAsked is how many collections are measured together.
	collectionsAsked = 20
	// collectionsTries is how often. The least counts: what else the machine
	// does only adds to it, and what a connection costs is a small difference.
	collectionsTries = 5
)

// collection is the CPU that a collection takes now. It asks for them by the
// door of profiles, and takes away what it costs to ask for the profile alone:
// that is more once devices have signed in, as there are more places then where
// memory was ever allocated.
func (s *cotaServer) collection(ctx context.Context) (time.Duration, error) {
	both, err := s.asked(ctx, "heap?gc=1")
	if err != nil {
		return 0, err
	}
	profile, err := s.asked(ctx, "heap")
	return both - profile, err
}

// asked is the CPU that a profile takes, once.
func (s *cotaServer) asked(ctx context.Context, profile string) (least time.Duration, err error) {
	for range collectionsTries {
		spent, err := s.p.spends(ctx, func() error {
			for range collectionsAsked {
				if err := s.profile(ctx, profile, io.Discard); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		if spent /= collectionsAsked; least == 0 || spent < least {
			least = spent
		}
	}
	return least, nil
}

// measureTLS measures connections by TLS, of mosquitto, and of cota if it
// speaks it.
func measureTLS(ctx context.Context, r *rig, data *seed) error {
	cert, key, err := certificate(r)
	if err != nil {
		return err
	}
	for round := range r.sizes.rounds {
		progress("idle connections by TLS, round %d of %d", round+1, r.sizes.rounds)
		mosquitto := &broker{called: "mosquitto", run: func(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error) {
			return runMosquittoWith(ctx, r, addr, fmt.Sprintf("certfile %s\nkeyfile %s\n", cert, key))
		}}
		servers := []server{mosquitto}
		if r.speaksTLS(ctx) {
			servers = append(servers, &cotaServer{seed: data, extra: []string{"--tls-cert", cert, "--tls-key", key}})
		} else {
			r.table.note(idleTLS, "B", "this cota does not speak TLS")
		}
		for _, s := range servers {
			if err := measureTLSOf(ctx, r, s); err != nil {
				return fmt.Errorf("%s: %w", s.name(), err)
			}
		}
	}
	return nil
}

// speaksTLS says whether the server has a flag for a certificate.
func (r *rig) speaksTLS(ctx context.Context) bool {
	text, err := exec.CommandContext(ctx, r.cota, "serve", "--help").CombinedOutput()
	return err == nil && strings.Contains(string(text), "--tls-cert")
}

func measureTLSOf(ctx context.Context, r *rig, s server) (err error) {
	c := &contender{server: s}
	defer func() { err = firstError(err, c.stop()) }()
	joined, err := c.fill(ctx, r, r.sizes.byTLS, 10, true)
	if err != nil {
		return err
	}
	r.table.add(idleTLS, "B", s.name(), joined.each)
	r.table.add(signInTLS, "us", s.name(), joined.cpu)
	return nil
}

// certificate makes a certificate for localhost, as files.
func certificate(r *rig) (cert, key string, err error) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		return "", "", err
	}
	text, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return "", "", err
	}
	cert, key = r.file("cert.pem"), r.file("key.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600)
}
