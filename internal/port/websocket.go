package port

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	maxRequest = 16 << 10 // bytes of a request for a WebSocket
	readBuffer = 4 << 10

	// webSocketPath is where a WebSocket is found. The root serves the npm
	// SDKs, which ask for that when their address has no path.
	webSocketPath = "/mqtt"
)

// subprotocols are the names of MQTT in a WebSocket: that of MQTT 3.1.1 and 5
// (MQTT section 6.0), and the one that MQTT.js gives to 3.1.
var subprotocols = []string{"mqtt", "mqttv3.1"}

// upgrade makes a WebSocket of a connection on which a request begins with
// first. A request that does not ask for one is answered and refused.
//
// An Origin says that a page in a browser asks. Any may: nothing is served here
// by where a request comes from, but only to who signs in with a secret. A
// client certificate is another matter: a browser would present its owner's to
// any page, so with an Origin there is none.
func (c *Conn) upgrade(first []byte, peer *Peer) error {
	transport := &rewound{c.Conn, first}
	request := &head{r: transport, left: maxRequest}
	in := bufio.NewReaderSize(request, readBuffer)
	r, err := http.ReadRequest(in)
	switch {
	case request.err != nil: // and if something was read, it was cut off
		return request.err
	case err != nil:
		return &Error{Reason: "request for a WebSocket malformed"}
	}
	w := &response{transport: transport, in: in, header: http.Header{}}
	if err := checkRequest(w, r); err != nil {
		return err
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols, InsecureSkipVerify: true})
	switch {
	case w.err != nil:
		return w.err
	case err != nil:
		return &Error{Reason: "not a request for a WebSocket"}
	}
	if len(r.Header.Values("Origin")) > 0 {
		peer.Certificates = nil
	}
	nc := websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
	c.become(&webSocket{Conn: nc, ws: ws, transport: transport})
	return nil
}

// head is the beginning of a stream, which remembers why it ended.
type head struct {
	r    io.Reader
	left int // bytes that it may have
	err  error
}

func (h *head) Read(b []byte) (n int, err error) {
	if h.left == 0 {
		h.err = &Error{Reason: "request for a WebSocket too long"}
		return 0, h.err
	}
	n, err = h.r.Read(b[:min(len(b), h.left)])
	h.left -= n
	h.err = err
	return n, err
}

// checkRequest refuses what a WebSocket of something else than MQTT may look
// like.
func checkRequest(w http.ResponseWriter, r *http.Request) error {
	switch {
	case r.URL.Path != webSocketPath && r.URL.Path != "/":
		http.Error(w, "MQTT over WebSocket is at "+webSocketPath, http.StatusNotFound)
		return &Error{Reason: "no WebSocket at this path"}
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		http.Error(w, "a request for a WebSocket has no body", http.StatusBadRequest)
		return &Error{Reason: "request for a WebSocket with a body"}
	case r.Header.Get("Upgrade") != "" && !asksForMQTT(r):
		http.Error(w, "the subprotocol must be mqtt", http.StatusBadRequest)
		return &Error{Reason: "WebSocket without the subprotocol mqtt"}
	}
	return nil
}

func asksForMQTT(r *http.Request) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if slices.Contains(subprotocols, strings.TrimSpace(name)) {
				return true
			}
		}
	}
	return false
}

// response writes the one answer of a connection that becomes a WebSocket, or
// ends.
type response struct {
	transport net.Conn
	in        *bufio.Reader
	header    http.Header
	told      bool  // the status is written
	err       error // of writing
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if w.told {
		return
	}
	w.told = true
	if status != http.StatusSwitchingProtocols {
		w.header.Set("Connection", "close")
	}
	head := new(strings.Builder)
	fmt.Fprintf(head, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = w.header.Write(head) // a Builder takes everything
	head.WriteString("\r\n")
	_, w.err = io.WriteString(w.transport, head.String())
}

func (w *response) Write(b []byte) (n int, err error) {
	w.WriteHeader(http.StatusOK)
	if w.err == nil {
		n, w.err = w.transport.Write(b)
	}
	return n, w.err
}

// Hijack is what a WebSocket takes the connection over by.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.transport, bufio.NewReadWriter(w.in, bufio.NewWriterSize(w.transport, readBuffer)), w.err
}

// webSocket is a stream of bytes in the binary messages of a WebSocket.
type webSocket struct {
	net.Conn  // the stream
	ws        *websocket.Conn
	transport net.Conn
	writing   sync.Mutex // held while a message is written

	mu       sync.Mutex
	deadline time.Time // for reading; guarded by mu
}

// SetDeadline sets both deadlines, as net.Conn has it.
func (w *webSocket) SetDeadline(t time.Time) error {
	w.note(t)
	return w.Conn.SetDeadline(t)
}

// SetReadDeadline sets that for reading.
func (w *webSocket) SetReadDeadline(t time.Time) error {
	w.note(t)
	return w.Conn.SetReadDeadline(t)
}

func (w *webSocket) note(deadline time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = deadline
}

// Read says like any other connection that its time is over. The library names
// then whatever it was doing.
func (w *webSocket) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil && w.late() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (w *webSocket) late() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.deadline.IsZero() && !time.Now().Before(w.deadline)
}

func (w *webSocket) Write(b []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.Conn.Write(b)
}

// Close tells the client that the connection ends, unless a message is being
// written, and does not wait to hear that it knows, as the library would.
func (w *webSocket) Close() error {
	if w.writing.TryLock() {
		defer w.writing.Unlock()
		if err := w.transport.SetWriteDeadline(time.Now().Add(farewell)); err == nil {
			_, _ = w.transport.Write([]byte{0x88, 2, 0x03, 0xe8}) // close, 1000: normal closure (RFC 6455 section 5.5.1)
		}
	}
	return w.ws.CloseNow()
}
