package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// witness is a device that remembers what it was offered, what it said and
// what of that the server has acknowledged. It says of each configuration once
// whether that was applied, and repeats it until it is acknowledged.
type witness struct {
	s       *server
	product string
	id      cota.Credentials
	book    *ledger
	saved   func(configID string) (version int64, sha256 string) // 0: never saved
	applies func(ctx context.Context)                            // takes as long as applying takes; nil: none

	mu       sync.Mutex
	connects int           // sign-ins that were accepted; guarded by mu
	newest   int64         // version that it was offered; guarded by mu
	offer    *alink.Config // that it has to look after; guarded by mu
	open     *word         // said, and not acknowledged; guarded by mu
	told     []word        // acknowledged, oldest first; guarded by mu
}

// word is what a witness says of a push.
type word struct {
	push     int64
	configID string
	failed   bool
}

// codeRefused is what a witness gives as the reason of a failure. The server
// does not offer again what failed for a device's own reason.
const codeRefused = 100001

func (w word) String() string {
	state := "applied"
	if w.failed {
		state = "failed"
	}
	return fmt.Sprintf("push %d %s as %s", w.push, w.configID, state)
}

// work has the device connected until ctx ends.
func (w *witness) work(ctx context.Context) {
	for ctx.Err() == nil {
		w.converse(ctx) // ends with the server, or with ctx
		pause(ctx, 20*time.Millisecond)
	}
}

// converse is one connection.
func (w *witness) converse(ctx context.Context) error {
	nc, in, err := signIn(ctx, w.s.ports[1], w.product, w.id)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	w.mu.Lock()
	w.connects++
	w.mu.Unlock()
	if err := w.say(nc); err != nil {
		return err
	}
	for {
		if err := w.lookAfter(ctx, nc); err != nil {
			return err
		}
		b, err := readPacket(in)
		if err == nil {
			err = w.packet(nc, b)
		}
		if err != nil {
			return err
		}
	}
}

// signIn connects a device from wherever ctx has it, and has it let in.
func signIn(ctx context.Context, addr, product string, id cota.Credentials) (net.Conn, *bufio.Reader, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	in := bufio.NewReaderSize(nc, 64<<10)
	if err := greet(nc, in, product, id); err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, in, nil
}

// greet has a device sign in on a connection.
func greet(nc net.Conn, in *bufio.Reader, product string, id cota.Credentials) error {
	login, err := alink.Sign(product, id.Name, id.Secret, alink.SignOptions{AutoSubscribe: true})
	if err != nil {
		return err
	}
	hello := mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 300,
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}
	if _, err := nc.Write(hello.Append(nil)); err != nil {
		return err
	}
	b, err := readPacket(in)
	if err != nil {
		return err
	}
	answer, err := mqtt.DecodeConnack(b, mqtt.V311)
	if err == nil && answer.Code != mqtt.Success {
		err = fmt.Errorf("sign-in of %s refused: %v", id.Name, answer.Code)
	}
	return err
}

// readPacket reads one MQTT packet.
func readPacket(in *bufio.Reader) ([]byte, error) {
	for n := 2; ; {
		head, err := in.Peek(n)
		if err != nil {
			return nil, err
		}
		size, err := mqtt.Frame(head, in.Size())
		if err != nil {
			return nil, err
		}
		if size > n {
			n = size
			continue
		}
		b := make([]byte, size)
		_, err = io.ReadFull(in, b)
		return b, err
	}
}

// packet takes one packet from the server.
func (w *witness) packet(nc net.Conn, b []byte) error {
	switch mqtt.TypeOf(b) {
	case mqtt.TypePublish:
		p, err := mqtt.DecodePublish(b, mqtt.V311)
		if err != nil {
			return err
		}
		if alink.ParseTopic(p.Topic).Kind == alink.ConfigPush {
			w.offered(p.Payload)
		}
		if p.QoS == 0 {
			return nil
		}
		_, err = nc.Write(mqtt.Ack{Type: mqtt.TypePuback, PacketID: p.PacketID}.Append(nil, mqtt.V311))
		return err
	case mqtt.TypePuback:
		w.acknowledged()
	}
	return nil
}

// offered takes an offer, and sees that it is none that it must not be made.
func (w *witness) offered(payload []byte) {
	offer, err := alink.DecodePush(payload)
	if err != nil {
		w.s.t.Errorf("%s was offered %s: %v", w.id.Name, payload, err)
		return
	}
	version, sha := w.saved(offer.ConfigID)
	w.mu.Lock()
	defer w.mu.Unlock()
	if version == 0 || sha != offer.Sign {
		w.s.t.Errorf("%s was offered %s with digest %s; nobody saved that", w.id.Name, offer.ConfigID, offer.Sign)
	}
	if version < w.newest {
		w.s.t.Errorf("%s was offered version %d after version %d", w.id.Name, version, w.newest)
	}
	w.newest = max(w.newest, version)
	for _, before := range w.told {
		if before.configID == offer.ConfigID {
			w.s.t.Errorf("%s was offered %s again after it was told that its %v is on record", w.id.Name, offer.ConfigID, before)
		}
	}
	w.offer = &offer
}

// lookAfter downloads what was offered, if there is nothing else to be done,
// and says what became of it.
func (w *witness) lookAfter(ctx context.Context, nc net.Conn) error {
	w.mu.Lock()
	offer := w.offer
	if w.open != nil {
		offer = nil // first things first
	}
	w.mu.Unlock()
	if offer == nil {
		return nil
	}
	err := download(ctx, offer)
	for err != nil && !errors.Is(err, errRefused) {
		if ctx.Err() != nil {
			return err // and tried again on the next connection
		}
		pause(ctx, 50*time.Millisecond)
		err = download(ctx, offer)
	}
	if w.applies != nil {
		w.applies(ctx)
	}
	w.mu.Lock()
	w.offer = nil
	if err == nil {
		w.open = w.verdict(offer)
	}
	w.mu.Unlock()
	return w.say(nc)
}

// verdict is what the device says of an offer: one in eight fails.
func (w *witness) verdict(offer *alink.Config) *word {
	h := fnv.New32a()
	io.WriteString(h, w.id.Name+offer.ConfigID)
	said := &word{configID: offer.ConfigID, failed: h.Sum32()%8 == 0}
	fmt.Sscan(offer.ID, &said.push)
	return said
}

var errRefused = errors.New("the file door refused")

// download fetches a file and checks it.
func download(ctx context.Context, offer *alink.Config) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, offer.URL, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusForbidden {
		return errRefused
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the file door answered %s", resp.Status)
	case cota.Digest(string(body)) != offer.Sign:
		return fmt.Errorf("the file has another digest than %s", offer.Sign)
	}
	return nil
}

// say sends what is not acknowledged.
func (w *witness) say(nc net.Conn) error {
	w.mu.Lock()
	said := w.open
	w.mu.Unlock()
	if said == nil {
		return nil
	}
	r := alink.Report{ID: "1", Silent: true, ConfigID: said.configID, State: alink.Applied}
	if said.failed {
		r.State, r.Code = alink.Failed, codeRefused
	}
	w.book.asks(w.id.Name, said.String())
	p := mqtt.Publish{
		QoS: 1, PacketID: 1, Payload: alink.AppendReport(nil, r),
		Topic: alink.AppendTopic(nil, alink.ConfigReport, w.product, w.id.Name),
	}
	_, err := nc.Write(p.Append(nil, mqtt.V311))
	return err
}

func (w *witness) acknowledged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.isTold(w.id.Name, w.open.String())
	w.told = append(w.told, *w.open)
	w.open = nil
}

// has reports whether it was acknowledged that the device spoke of a
// configuration.
func (w *witness) has(configID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.told) > 0 && w.told[len(w.told)-1].configID == configID
}

// check compares what the server has on record of the device with what the
// device was told.
func (w *witness) check(ctx context.Context) error {
	d, err := w.s.Device(ctx, w.product, w.id.Name)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var runs string // by what was acknowledged
	var last word
	for _, last = range w.told {
		if !last.failed {
			runs = last.configID
		}
	}
	maybe := runs // by what was said and not acknowledged
	if w.open != nil && !w.open.failed {
		maybe = w.open.configID
	}
	if d.ConfigID != runs && d.ConfigID != maybe {
		return fmt.Errorf("%s runs %q on record; it was told %q, and may have been heard to say %q", d.Name, d.ConfigID, runs, maybe)
	}
	want := cota.Applied
	if last.failed {
		want = cota.Failed
	}
	if d.Push < last.push || d.Push == last.push && last.push != 0 && d.State != want {
		return fmt.Errorf("%s is %v in push %d on record; its %v was acknowledged", d.Name, d.State, d.Push, last)
	}
	return nil
}

// checkTimeline compares the device's timeline with what it was told.
func (w *witness) checkTimeline(ctx context.Context) error {
	lines := map[word]int{}
	for e, err := range w.s.Events(ctx, w.product, w.id.Name) {
		if err != nil {
			return err
		}
		lines[word{push: e.Push, failed: e.Kind == cota.EventKind(cota.Failed.String())}] += btoi(e.Kind == cota.EventKind(cota.Applied.String()) || e.Kind == cota.EventKind(cota.Failed.String()))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, said := range w.told {
		n := lines[word{push: said.push, failed: said.failed}]
		// A failure in a push that another one has superseded changes nothing.
		if n > 1 || n == 0 && !said.failed {
			return fmt.Errorf("%s has %d lines that it was %v; want one", w.id.Name, n, said)
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
