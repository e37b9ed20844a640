package port_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/port"
)

// bubble runs a test by a clock of its own.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, fn)
}

func TestPlain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		tell(nc, hello)
		r := <-done
		if r.peer.Secure || r.peer.Certificates != nil {
			t.Errorf("peer %+v; want neither secure nor certified", r.peer)
		}
		d.wantHello(r, nc)
	})
}

func TestFirstByteThatComesAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		go func() {
			nc.Write(hello[:1])
			time.Sleep(time.Second)
			nc.Write(hello[1:])
		}()
		d.wantHello(<-done, nc)
	})
}

func TestTLS(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		tc := tls.Client(nc, d.clientTLS())
		tell(tc, hello)
		r := <-done
		if !r.peer.Secure || len(r.peer.Certificates) != 0 {
			t.Errorf("peer %+v; want secure, not certified", r.peer)
		}
		d.wantHello(r, tc)
	})
}

func TestClientCertificateIsPassedOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		foreign := certtest.New(t, "whoever").Device("device-1", nil)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			nc, done := d.knock()
			config := d.clientTLS()
			config.Certificates, config.MaxVersion = []tls.Certificate{foreign}, version
			tc := tls.Client(nc, config)
			tell(tc, hello)
			r := <-done
			if len(r.peer.Certificates) != 1 || r.peer.Certificates[0].Subject.CommonName != "device-1" {
				t.Errorf("certificates %v; want the client's", r.peer.Certificates)
			}
			d.wantHello(r, tc)
		}
	})
}

func TestCertificateWithoutItsKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		stolen := d.ca.Device("device-1", nil)
		stolen.PrivateKey = d.ca.Device("thief", nil).PrivateKey
		nc, done := d.knock()
		config := d.clientTLS()
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stolen, nil }
		tell(tls.Client(nc, config), hello)
		d.blames("a certificate without its key", (<-done).err)
	})
}

func TestWhatIsNotServed(t *testing.T) {
	for name, first := range map[string]string{
		"a zero":               "\x00",
		"another packet":       "\xc0\x00",
		"CONNECT with flags":   "\x11\x00",
		"SSL 2":                "\x80\x2e\x01\x00\x02",
		"SSH":                  "SSH-2.0-OpenSSH_9.6\r\n",
		"POST":                 "POST /mqtt HTTP/1.1\r\n\r\n",
		"HTTP/2":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"PROXY version 1":      "PROXY TCP4 192.0.2.1 192.0.2.2 1 1883\r\n",
		"PROXY from a nobody":  "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02\x10",
		"TLS that is none":     "\x16\x03\x01\x00\x05hello",
		"TLS of a record only": "\x16\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDoor(t, nil)
				nc, done := d.knock()
				tell(nc, []byte(first))
				go io.Copy(io.Discard, nc) // alerts
				r := <-done
				d.blames(name, r.err)
				if r.took != 0 {
					t.Errorf("dropped after %v; want at once", r.took)
				}
			})
		})
	}
}

func TestTLSInTLS(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		tell(tls.Client(nc, d.clientTLS()), []byte("\x16\x03\x01\x00\x05hello"))
		d.blames("TLS in TLS", (<-done).err)
	})
}

func TestTLSWithoutCertificate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, func(o *port.Options) { o.TLS = nil })
		nc, done := d.knock()
		tell(tls.Client(nc, d.clientTLS()), hello)
		d.blames("TLS", (<-done).err)
	})
}

func TestServerCertificateThatTheClientRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		config := d.clientTLS()
		config.RootCAs, config.MaxVersion = certtest.New(t, "another").Pool(), tls.VersionTLS12 // in 1.3 both speak at once, which a pipe does not let them
		tell(tls.Client(nc, config), hello)
		d.blames("the refusal", (<-done).err)
	})
}

// A client has ten seconds to get through, however it fills them.
func TestSlowClients(t *testing.T) {
	dribble := func(first string) func(net.Conn) {
		return func(nc net.Conn) {
			for i := range first {
				if _, err := nc.Write([]byte(first[i : i+1])); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}
	}
	request := "GET /mqtt HTTP/1.1\r\nHost: cota.test\r\nUpgrade: websocket\r\n"
	for name, client := range map[string]func(net.Conn){
		"silent":                        func(net.Conn) {},
		"a record of TLS, byte by byte": dribble("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on"),
		"a request, byte by byte":       dribble(request),
		"half a request":                func(nc net.Conn) { nc.Write([]byte(request)) },
		"half a handshake": func(nc net.Conn) {
			nc.Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
		},
		"TLS and then silence": func(nc net.Conn) {
			tls.Client(nc, &tls.Config{InsecureSkipVerify: true}).Handshake()
		},
		"TLS that does not read the answer": func(nc net.Conn) {
			tls.Client(writeOnly{nc}, &tls.Config{InsecureSkipVerify: true}).Handshake()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDoor(t, nil)
				nc, done := d.knock()
				left := make(chan struct{})
				go func() {
					client(nc)
					close(left)
				}()
				r := <-done
				if !errors.Is(r.err, os.ErrDeadlineExceeded) || r.took != patience {
					t.Errorf("%v after %v; want a deadline after %v", r.err, r.took, patience)
				}
				nc.Close()
				<-left
			})
		})
	}
}

// writeOnly is a connection that is not read for a minute.
type writeOnly struct{ net.Conn }

func (w writeOnly) Read([]byte) (int, error) {
	time.Sleep(time.Minute)
	return 0, io.EOF
}

func TestClientThatGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, first := range map[string]string{
			"at once": "", "within TLS": "\x16\x03\x01\x02\x00\x01", "within a request": "GET /mqtt HTTP/1.1\r\nHost:",
		} {
			d := newDoor(t, nil)
			nc, done := d.knock()
			nc.Write([]byte(first))
			nc.Close()
			err := (<-done).err
			if blame, ok := errors.AsType[*port.Error](err); ok || err == nil {
				t.Errorf("%s: %v; want that the connection ended", name, blame)
			}
		}
	})
}

func TestCloseWhileOpening(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, first := range []string{"", "\x16\x03\x01\x02\x00\x01", "GET /mqtt HTTP/1.1\r\nHost:"} {
			d := newDoor(t, nil)
			accepted := make(chan *port.Conn)
			go func() {
				nc, _ := d.ln.Accept()
				accepted <- nc.(*port.Conn)
			}()
			nc, err := d.net.Dial(t.Context(), "", "")
			d.must(err)
			c := <-accepted
			ended := make(chan error, 1)
			go func() {
				_, err := c.Open(time.Now().Add(patience))
				ended <- err
			}()
			nc.Write([]byte(first))
			synctest.Wait()
			d.must(c.Close())
			if err := <-ended; err == nil {
				t.Errorf("after %q: Open succeeded on a connection that was closed", first)
			}
			nc.Close()
		}
	})
}

// Closing must not wait for a client that takes nothing, nor must anything
// be left of it.
func TestCloseDoesNotWait(t *testing.T) {
	for name, dial := range map[string]func(*door, net.Conn) error{
		"tcp": func(d *door, nc net.Conn) error { _, err := nc.Write(hello); return err },
		"tls": func(d *door, nc net.Conn) error {
			_, err := tls.Client(nc, d.clientTLS()).Write(hello[:10])
			return err
		},
		"ws": func(d *door, nc net.Conn) error { _, err := io.WriteString(nc, webSocketRequest); return err },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDoor(t, nil)
				nc, done := d.knock()
				go dial(d, nc)
				if name == "ws" {
					answered(nc)
				}
				r := <-done
				d.must(r.err)
				reading := make(chan error, 1)
				go func() {
					for err := error(nil); err == nil; {
						_, err = r.conn.Read(make([]byte, len(hello)))
					}
					reading <- nil
				}()
				synctest.Wait()
				began := time.Now()
				d.must(r.conn.Close())
				<-reading
				if took := time.Since(began); took != 0 {
					t.Errorf("Close took %v; want no time", took)
				}
				d.port.Wait()
				if took := time.Since(began); took > time.Second {
					t.Errorf("telling the client took %v; want a second at most", took)
				}
				if err := r.conn.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the second Close = %v; want that it is closed", err)
				}
				if _, err := io.Copy(io.Discard, nc); err != nil {
					t.Errorf("the client reads until %v; want the end", err)
				}
			})
		})
	}
}

func TestClientIsToldOfTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		tc := tls.Client(nc, d.clientTLS())
		tell(tc, hello)
		r := <-done
		d.wantHello(r, tc)
		go r.conn.Close()
		if n, err := tc.Read(make([]byte, 1)); err != io.EOF { // without a close_notify it would be unexpected
			t.Errorf("the client reads %d, %v; want EOF", n, err)
		}
	})
}

func TestDetach(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		nc, done := d.knock()
		tell(nc, hello)
		r := <-done
		d.must(r.err)
		read, secure, accepted := r.conn.Detach()
		if secure != nil {
			t.Error("TLS is found in a plain connection")
		}
		rest := make([]byte, len(hello)-len(read))
		if _, err := io.ReadFull(accepted, rest); err != nil || !bytes.Equal(append(read, rest...), hello) {
			t.Errorf("what was read and what comes are %q, %q, %v; want what the client sent", read, rest, err)
		}

		nc, done = d.knock()
		tell(tls.Client(nc, d.clientTLS()), hello)
		r = <-done
		d.must(r.err)
		read, secure, _ = r.conn.Detach()
		rest = make([]byte, len(hello)-len(read))
		if _, err := io.ReadFull(secure, rest); err != nil || !bytes.Equal(append(read, rest...), hello) {
			t.Errorf("what was read and what comes through TLS are %q, %q, %v; want what the client sent", read, rest, err)
		}
	})
}
