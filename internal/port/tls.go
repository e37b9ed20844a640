package port

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// farewell is how long a client may take to be told that its connection ends.
const farewell = time.Second

// encrypt shakes hands by TLS with a client that began with these bytes, and
// returns the first that it sent behind it.
func (c *Conn) encrypt(first []byte, peer *Peer) ([]byte, error) {
	if c.port.tls == nil {
		return nil, &Error{Reason: "TLS, but the server has no certificate"}
	}
	w := &wire{Conn: c.Conn, first: first}
	tc := tls.Server(w, c.port.tls)
	if err := c.port.turns.shake(w, tc); err != nil {
		return nil, handshakeError(err)
	}
	peer.Secure, peer.Certificates = true, tc.ConnectionState().PeerCertificates
	c.become(&encrypted{tc, w})
	return more(c.Conn, make([]byte, 0, firstBytes))
}

// handshakeError is the client's fault unless the connection broke, or we have
// too much to do.
func handshakeError(err error) error {
	if broken(err) || errors.Is(err, ErrBusy) {
		return err
	}
	return &Error{"TLS handshake failed", err}
}

// broken reports whether an error is the connection's, which ended or took too
// long, rather than one in what was read from it.
func broken(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op != "remote error" // that is a TLS alert: the client refuses us
}

// encrypted is a TLS connection that is soon done with a client that does not
// take the news of its end.
type encrypted struct {
	*tls.Conn
	wire *wire
}

func (e *encrypted) Close() error {
	e.wire.leaving.Store(true)
	return e.Conn.Close()
}

// wire is what is below TLS.
type wire struct {
	net.Conn
	first   []byte // read already, and to be read again
	turns   *turns // while hands are shaken: one is held, but not while waiting for the client
	leaving atomic.Bool
}

func (w *wire) Read(b []byte) (int, error) {
	if len(w.first) > 0 {
		n := copy(b, w.first)
		if w.first = w.first[n:]; len(w.first) == 0 {
			w.first = nil // and the memory with it
		}
		return n, nil
	}
	return w.aside(w.Conn.Read, b)
}

func (w *wire) Write(b []byte) (int, error) { return w.aside(w.Conn.Write, b) }

// aside waits for the client, while another handshake goes on.
func (w *wire) aside(wait func([]byte) (int, error), b []byte) (int, error) {
	if w.turns == nil {
		return wait(b)
	}
	w.turns.give()
	n, err := wait(b)
	if busy := w.turns.take(); busy != nil {
		w.turns = nil // it is not held any more
		return 0, busy
	}
	return n, err
}

// SetWriteDeadline is called by TLS as well, which would be more patient.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if soon := time.Now().Add(farewell); w.leaving.Load() && t.After(soon) {
		t = soon
	}
	return w.Conn.SetWriteDeadline(t)
}

// turns bounds what TLS handshakes may take from everything else. A handshake
// costs as much as some ten thousand messages, and after a restart the whole
// fleet shakes hands at once; who is connected must not suffer from who comes.
//
// A handshake computes in its turn and waits for its client out of it, so one
// that does not go on holds up nobody. Too many that wait for a turn could
// not be served before they have given up, and would all have been computed
// for nothing: those beyond are dropped at once.
type turns struct {
	now  chan struct{}
	next chan struct{}
}

// maxNext is how many handshakes may wait for a turn. A processor serves about
// a thousand in a second, and clients have ten.
const maxNext = 2000

// ErrBusy says that more TLS handshakes are under way than can be served.
var ErrBusy = errors.New("too many TLS handshakes at once")

// newTurns leaves half of the processors to others.
func newTurns() turns {
	return turns{now: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), next: make(chan struct{}, maxNext)}
}

func (t *turns) take() error {
	select {
	case t.now <- struct{}{}:
		return nil
	default:
	}
	select {
	case t.next <- struct{}{}:
	default:
		return ErrBusy
	}
	t.now <- struct{}{} // soon: nobody waits in a turn
	<-t.next
	return nil
}

func (t *turns) give() { <-t.now }

// shake does the handshake of tc, which goes through w, in turns with others.
func (t *turns) shake(w *wire, tc *tls.Conn) error {
	if err := t.take(); err != nil {
		return err
	}
	w.turns = t
	err := tc.Handshake()
	if w.turns != nil {
		w.turns = nil
		t.give()
	}
	return err
}
