package port_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/port"
)

// browse has a WebSocket client dial the port.
func (d *door) browse(url string, change func(*websocket.DialOptions, *tls.Config)) (*websocket.Conn, *http.Response, error) {
	d.Helper()
	config := d.clientTLS()
	o := &websocket.DialOptions{Subprotocols: []string{"mqtt"}}
	if change != nil {
		change(o, config)
	}
	transport := &http.Transport{DialContext: d.dialTo, TLSClientConfig: config}
	d.Cleanup(transport.CloseIdleConnections)
	o.HTTPClient = &http.Client{Transport: transport}
	return websocket.Dial(d.Context(), url, o)
}

// webSocket opens a WebSocket, and returns both ends. The caller closes it,
// before the test's context ends.
func (d *door) webSocket(url string) (*websocket.Conn, result) {
	d.Helper()
	done := d.next()
	ws, _, err := d.browse(url, nil)
	d.must(err)
	r := <-done
	d.must(r.err)
	return ws, r
}

func TestWebSocket(t *testing.T) {
	for _, url := range []string{"ws://cota.test/mqtt", "wss://cota.test/mqtt", "wss://cota.test/", "ws://cota.test/mqtt?a=b"} {
		t.Run(url, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDoor(t, nil)
				ws, r := d.webSocket(url)
				defer ws.CloseNow()
				if secure := strings.HasPrefix(url, "wss"); r.peer.Secure != secure {
					t.Errorf("secure %t; want %t", r.peer.Secure, secure)
				}
				// A packet may come in many messages, and many in one.
				go func() {
					ws.Write(t.Context(), websocket.MessageBinary, hello[:1])
					ws.Write(t.Context(), websocket.MessageBinary, nil)
					ws.Write(t.Context(), websocket.MessageBinary, hello[1:])
				}()
				got := make([]byte, len(hello))
				if _, err := io.ReadFull(r.conn, got); err != nil || !bytes.Equal(got, hello) {
					t.Fatalf("it reads %q, %v; want what the client sent", got, err)
				}
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					r.conn.Write(hello)
				}()
				if kind, got, err := ws.Read(t.Context()); err != nil || kind != websocket.MessageBinary || !bytes.Equal(got, hello) {
					t.Errorf("the client reads %v %q, %v; want a binary message", kind, got, err)
				}
				<-wrote
				go r.conn.Close()
				if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
					t.Errorf("the end is %v; want a normal closure", err)
				}
			})
		})
	}
}

// A packet may be longer than the library lets a message be by itself.
func TestLargeMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		ws, r := d.webSocket("ws://cota.test/mqtt")
		defer ws.CloseNow()
		large := bytes.Repeat(hello, 500)
		go ws.Write(t.Context(), websocket.MessageBinary, large)
		got := make([]byte, len(large))
		if _, err := io.ReadFull(r.conn, got); err != nil || !bytes.Equal(got, large) {
			t.Errorf("%d bytes, %v; want them all", len(got), err)
		}
	})
}

func TestOrigin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		device := certtest.New(t, "devices").Device("device-1", nil)
		for _, origin := range []string{"", "https://cota.test", "https://elsewhere.test", "null"} {
			done := d.next()
			ws, _, err := d.browse("wss://cota.test/mqtt", func(o *websocket.DialOptions, c *tls.Config) {
				c.Certificates = []tls.Certificate{device}
				if origin != "" {
					o.HTTPHeader = http.Header{"Origin": {origin}}
				}
			})
			d.must(err)
			r := <-done
			d.must(r.err)
			if certified := len(r.peer.Certificates) > 0; certified != (origin == "") {
				t.Errorf("origin %q: certified %t; want %t", origin, certified, origin == "")
			}
			go r.conn.Close()
			ws.CloseNow()
		}
	})
}

func TestTextIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		ws, r := d.webSocket("ws://cota.test/mqtt")
		defer ws.CloseNow()
		go ws.Write(t.Context(), websocket.MessageText, []byte("hello"))
		ended := make(chan error, 1)
		go func() {
			_, err := r.conn.Read(make([]byte, 10))
			ended <- err
		}()
		if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
			t.Errorf("the end is %v; want unsupported data", err)
		}
		if err := <-ended; err == nil {
			t.Error("text was read; want an error")
		}
	})
}

func TestSilenceInAWebSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		ws, r := d.webSocket("ws://cota.test/mqtt")
		defer ws.CloseNow()
		began := time.Now()
		// The deadline of Open goes on, whatever keeps the WebSocket busy.
		left := make(chan struct{})
		go func() {
			defer close(left)
			for ws.Ping(t.Context()) == nil {
				time.Sleep(time.Second)
			}
		}()
		go ws.Read(t.Context()) // pongs
		if _, err := r.conn.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v; want that its time is over", err)
		}
		if took := time.Since(began) + r.took; took != patience {
			t.Errorf("ended after %v; want %v", took, patience)
		}
		r.conn.Close()
		ws.CloseNow() // a ping that was on its way has no answer
		<-left
	})
}

func TestDeadlineOfAWebSocketIsSetAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDoor(t, nil)
		ws, r := d.webSocket("wss://cota.test/mqtt")
		defer ws.CloseNow()
		d.must(r.conn.SetReadDeadline(time.Now().Add(time.Hour)))
		time.Sleep(59 * time.Minute)
		go ws.Write(t.Context(), websocket.MessageBinary, hello[:1])
		if n, err := r.conn.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Errorf("after most of an hour: %d bytes, %v", n, err)
		}
		r.conn.SetWriteDeadline(time.Now().Add(time.Second))
		time.Sleep(2 * time.Second) // it passes while nothing is written
		r.conn.SetWriteDeadline(time.Now().Add(time.Second))
		go ws.Read(t.Context())
		if _, err := r.conn.Write(hello); err != nil {
			t.Errorf("write: %v", err)
		}
		r.conn.Close()
	})
}

// upgrades are requests, and what is answered.
var upgrades = []struct {
	name    string
	request string
	status  int // 0: none
}{
	{"MQTT", request("/mqtt", "Sec-WebSocket-Protocol: mqtt"), 101},
	{"MQTT among others", request("/mqtt", "Sec-WebSocket-Protocol: chat, mqtt"), 101},
	{"MQTT in a line of its own", request("/mqtt", "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: mqtt"), 101},
	{"MQTT 3.1 by MQTT.js", request("/mqtt", "Sec-WebSocket-Protocol: mqttv3.1"), 101},
	{"the root", request("/", "Sec-WebSocket-Protocol: mqtt"), 101},
	{"many headers", request("/mqtt", "Sec-WebSocket-Protocol: mqtt", "Cookie: "+strings.Repeat("x", 8000)), 101},

	{"another path", request("/ws", "Sec-WebSocket-Protocol: mqtt"), 404},
	{"a path below", request("/mqtt/", "Sec-WebSocket-Protocol: mqtt"), 404},
	{"no subprotocol", request("/mqtt", "X: y"), 400},
	{"another subprotocol", request("/mqtt", "Sec-WebSocket-Protocol: chat"), 400},
	{"nearly the subprotocol", request("/mqtt", "Sec-WebSocket-Protocol: mqtt5"), 400},
	{"a body", request("/mqtt", "Sec-WebSocket-Protocol: mqtt", "Content-Length: 5"), 400},
	{"a chunked body", request("/mqtt", "Sec-WebSocket-Protocol: mqtt", "Transfer-Encoding: chunked"), 400},
	{"another version", strings.Replace(request("/mqtt", "Sec-WebSocket-Protocol: mqtt"), "13", "8", 1), 400},
	{"a key that is too short", strings.Replace(request("/mqtt", "Sec-WebSocket-Protocol: mqtt"), "==", "", 1), 400},
	{"no WebSocket at all", "GET /mqtt HTTP/1.1\r\nHost: cota.test\r\n\r\n", 426},
	{"HTTP/1.0", strings.Replace(request("/mqtt", "Sec-WebSocket-Protocol: mqtt"), "1.1", "1.0", 1), 426},

	{"no HTTP", "GET me out of here\r\n\r\n", 0},
	{"not even a GET", "GOT /mqtt HTTP/1.1\r\nHost: cota.test\r\n\r\n", 426},
	{"a header that is none", "GET /mqtt HTTP/1.1\r\nno header\r\n\r\n", 0},
	{"too long", request("/mqtt", "Cookie: "+strings.Repeat("x", 20_000)), 0},
	{"a line without an end", "GET /" + strings.Repeat("x", 20_000), 0},
}

// webSocketRequest asks for what is served.
var webSocketRequest = request("/mqtt", "Sec-WebSocket-Protocol: mqtt")

func request(path string, header ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: cota.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n"
}

func TestUpgrade(t *testing.T) {
	for _, test := range upgrades {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDoor(t, nil)
				nc, done := d.knock()
				tell(nc, []byte(test.request))
				status, protocol := answered(nc)
				r := <-done
				if status != test.status {
					t.Errorf("answered %d; want %d", status, test.status)
				}
				if test.status == http.StatusSwitchingProtocols {
					if d.must(r.err); !strings.HasPrefix(protocol, "mqtt") {
						t.Errorf("subprotocol %q; want the client's", protocol)
					}
					go io.Copy(io.Discard, nc)
					r.conn.Close()
					return
				}
				d.blames(test.name, r.err)
				if r.took != 0 {
					t.Errorf("dropped after %v; want at once", r.took)
				}
			})
		})
	}
}

// answered is the status that comes on nc, and the subprotocol; 0 if it ends.
func answered(nc net.Conn) (status int, protocol string) {
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return 0, ""
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		io.Copy(io.Discard, res.Body)
	}
	return res.StatusCode, res.Header.Get("Sec-WebSocket-Protocol")
}

// FuzzOpen opens what anybody may send. It must end in MQTT, in blame or in
// the end of what was sent.
func FuzzOpen(f *testing.F) {
	for _, u := range upgrades {
		f.Add([]byte(u.request))
	}
	f.Add(hello)
	f.Add([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
	ca := certtest.New(f, "test CA")
	p := port.New(port.Options{TLS: &tls.Config{Certificates: []tls.Certificate{ca.Server("cota.test")}}})
	f.Fuzz(func(t *testing.T, sent []byte) {
		here, there := net.Pipe()
		nc, err := p.Listen(&once{there}).Accept()
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, here)
		go func() {
			here.Write(sent)
			here.Close()
		}()
		c := nc.(*port.Conn)
		peer, err := c.Open(time.Now().Add(2 * time.Second))
		blame, ok := errors.AsType[*port.Error](err)
		if errors.Is(err, os.ErrDeadlineExceeded) || len(peer.Certificates) > 0 || ok && blame.Reason == "" {
			t.Errorf("Open(%q) = %+v, %v", sent, peer, err)
		}
		c.Close()
	})
}

// once is a listener with one connection.
type once struct{ net.Conn }

func (o *once) Accept() (net.Conn, error) { return o.Conn, nil }
func (o *once) Addr() net.Addr            { return o.LocalAddr() }
