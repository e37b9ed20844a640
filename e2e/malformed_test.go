package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	mqttConversations = 5000
	httpRequests      = 2000
	hostileDevices    = 400 // whose names and secrets the hostile know
	goodDevices       = 200
	goodBound         = 30 * time.Second // for an answer to a good device: when others give up; machines are slow
	hostileAtOnce     = 48
	hostileMoment     = 50 * time.Millisecond // how long one waits for the server
	goodSettled       = 5                     // answers after which a good device is as it will be
)

// TestHostileInput has thousands of malformed MQTT conversations and HTTP
// requests come in, from many addresses and from one, while good devices ask
// and are answered. The server neither ends nor forgets to let go of anything,
// and the good devices stay connected.
func TestHostileInput(t *testing.T) {
	s := start(t)
	a := s.newAttack()
	good := s.newGood(t)
	good.settled.Wait()
	quiet := good.worst()
	before := s.resources()

	begun := time.Now()
	a.run(mqttConversations, a.converse)
	a.run(httpRequests, a.request)
	took := time.Since(begun)

	busy := good.worst()
	for _, d := range good.devices {
		if d.lost != nil {
			t.Errorf("good device %s was disconnected: %v", d.id.Name, d.lost)
		}
	}
	if busy > goodBound {
		t.Errorf("a good device waited for %v", busy)
	}
	after := s.letsGo(before)
	log := s.log.String()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			t.Errorf("the server's log has %.500s", line)
		}
	}
	good.end()
	t.Logf("%d conversations (seed %#x) and %d requests (seed %#x) in %v; answers: %v",
		mqttConversations, mqttSeed, httpRequests, httpSeed, took.Round(time.Millisecond), a.summary())
	t.Logf("%d good devices were answered %d times; the longest took %v before and %v meanwhile", goodDevices, good.answers(), quiet.Round(time.Millisecond), busy.Round(time.Millisecond))
	t.Logf("before: %v; after: %v", before, after)
}

// attack is those who are hostile.
type attack struct {
	*server
	product string
	devices []cota.Credentials
	token   string
	link    string // that the file door takes

	mu      sync.Mutex
	answers map[string]int // by what they were; guarded by mu
}

func (s *server) newAttack() *attack {
	s.t.Helper()
	product, first := s.productWithDevice("hostile")
	a := &attack{server: s, product: product, answers: map[string]int{}}
	var err error
	if a.devices, err = s.AddNumberedDevices(s.t.Context(), product, "hostile-", hostileDevices); err != nil {
		s.t.Fatal(err)
	}
	if _, a.token, err = s.AddToken(s.t.Context(), client.NewToken{Name: "hostile", Role: cota.Publisher}); err != nil {
		s.t.Fatal(err)
	}
	s.saveAndPush(product, `{"hostile": true}`)
	a.link = s.linkOf(product, first)
	return a
}

// linkOf is the link that a device is offered when it signs in.
func (s *server) linkOf(product string, id cota.Credentials) string {
	s.t.Helper()
	nc, in, err := signIn(s.t.Context(), s.ports[1], product, id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer nc.Close()
	b, err := readPacket(in)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := mqtt.DecodePublish(b, mqtt.V311)
	if err != nil {
		s.t.Fatal(err)
	}
	offer, err := alink.DecodePush(p.Payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return offer.URL
}

// run does n things, a number of them at a time.
func (a *attack) run(n int, do func(n int)) {
	var all sync.WaitGroup
	numbers := make(chan int)
	for range hostileAtOnce {
		all.Go(func() {
			for n := range numbers {
				do(n)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// converse holds the MQTT conversation of a number.
func (a *attack) converse(n int) {
	c := mqttConversation(n, a.product, a.devices)
	answer := a.send(n, a.ports[1], c)
	a.note(mqttAnswer(answer))
}

// mqttAnswer says what a hostile client was answered first.
func mqttAnswer(b []byte) string {
	switch {
	case len(b) == 0:
		return "MQTT: none"
	case bytes.HasPrefix(b, []byte("HTTP/")):
		return "MQTT: HTTP"
	case mqtt.TypeOf(b) == mqtt.TypeConnack && len(b) > 3 && b[3] == 0:
		return "MQTT: let in"
	case mqtt.TypeOf(b) == mqtt.TypeConnack:
		return "MQTT: refused"
	}
	return "MQTT: other"
}

// request sends the HTTP request of a number. Whatever it is, it is no fault of
// the server's.
func (a *attack) request(n int) {
	c, files := httpRequest(n, a.product, a.devices, a.token, a.link)
	door := a.ports[0]
	if files {
		door = a.ports[2]
	}
	answer := a.send(n, door, c)
	if len(answer) == 0 {
		a.note("HTTP: none")
		return
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		a.t.Errorf("request %d (%s) was answered %.200q: %v", n, c.kind, answer, err)
		return
	}
	gone := c.ends == halfCloses && resp.StatusCode == http.StatusServiceUnavailable // who has ended it is not waited for
	switch resp.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if gone {
			break
		}
		a.t.Errorf("request %d (%s) %.300q was answered %.300q", n, c.kind, c.pieces[0], answer)
	}
	a.note("HTTP: " + strconv.Itoa(resp.StatusCode))
}

func (a *attack) note(answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[answer]++
}

func (a *attack) summary() string {
	var b strings.Builder
	for _, answer := range slices.Sorted(maps.Keys(a.answers)) {
		fmt.Fprintf(&b, "%s %d, ", answer, a.answers[answer])
	}
	return strings.TrimSuffix(b.String(), ", ")
}

// send says what a conversation says and returns what is answered.
func (a *attack) send(n int, door string, c conversation) []byte {
	from := net.IPv4(127, byte(10+n%200), byte(n>>8), byte(1+n%250))
	if n%7 == 0 {
		from = net.IPv4(127, 9, 9, 9) // which will have used up what an address may
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience}
	nc, err := d.DialContext(a.t.Context(), "tcp", door)
	if err != nil {
		a.t.Errorf("the server does not accept conversation %d (%s): %v", n, c.kind, err)
		return nil
	}
	defer nc.Close()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { c.say(nc.(*net.TCPConn)) })
	if c.ends == closes || c.ends == resets {
		all.Wait()
		return nil
	}
	// However it ends, by the server or by the deadline, what counts is what came.
	nc.SetReadDeadline(time.Now().Add(hostileMoment))
	answer := make([]byte, 64<<10)
	got, _ := io.ReadAtLeast(nc, answer, 4)
	io.Copy(io.Discard, nc)
	nc.Close()
	return answer[:got]
}

// say sends a conversation and ends it as it has it. Errors are the server's good
// right.
func (c conversation) say(nc *net.TCPConn) {
	nc.SetWriteDeadline(time.Now().Add(10 * hostileMoment))
	for _, piece := range c.pieces {
		if _, err := nc.Write(piece); err != nil {
			break
		}
	}
	switch c.ends {
	case halfCloses:
		nc.CloseWrite()
	case resets:
		nc.SetLinger(0)
		nc.Close()
	case closes:
		nc.Close()
	}
}

// good is devices that do as they should.
type good struct {
	devices []*goodDevice
	stop    context.CancelFunc
	all     sync.WaitGroup
	settled sync.WaitGroup // each has been answered a few times, or has ended
}

// goodDevice asks, for a ping and at times for its configuration, and measures
// how long the answer takes.
type goodDevice struct {
	id cota.Credentials
	nc net.Conn
	in *bufio.Reader

	mu      sync.Mutex
	longest time.Duration // guarded by mu
	answers int           // guarded by mu
	lost    error         // guarded by mu, until the device has ended
}

func (s *server) newGood(t *testing.T) *good {
	t.Helper()
	product, _ := s.productWithDevice("good")
	all, err := s.AddNumberedDevices(t.Context(), product, "good-", goodDevices)
	if err != nil {
		t.Fatal(err)
	}
	s.saveAndPush(product, `{"good": true}`)
	ctx, stop := context.WithCancel(t.Context())
	g := &good{stop: stop}
	t.Cleanup(g.end)
	for i, id := range all {
		nc, in, err := signIn(t.Context(), s.ports[1], product, id)
		if err != nil {
			t.Fatal(err)
		}
		d := &goodDevice{id: id, nc: nc, in: in}
		g.devices = append(g.devices, d)
		g.settled.Add(1)
		g.all.Go(func() { d.live(ctx, product, i, g.settled.Done) })
	}
	return g
}

// end ends the devices.
func (g *good) end() {
	g.stop()
	g.all.Wait()
}

// worst is the longest that any device has waited since the last call.
func (g *good) worst() (longest time.Duration) {
	for _, d := range g.devices {
		d.mu.Lock()
		longest = max(longest, d.longest)
		d.longest = 0
		d.mu.Unlock()
	}
	return longest
}

func (g *good) answers() (n int) {
	for _, d := range g.devices {
		d.mu.Lock()
		n += d.answers
		d.mu.Unlock()
	}
	return n
}

// live asks until ctx ends. It calls settled once it has been answered a few
// times.
func (d *goodDevice) live(ctx context.Context, product string, n int, settled func()) {
	defer d.nc.Close()
	settled = sync.OnceFunc(settled)
	defer settled()
	get := mqtt.Publish{
		Topic:   alink.AppendTopic(nil, alink.ConfigGet, product, d.id.Name),
		Payload: alink.AppendGet(nil, alink.Get{ID: "1"}),
	}.Append(nil, mqtt.V311)
	for i := n; ctx.Err() == nil; i++ {
		ask, want := mqtt.AppendPingreq(nil), mqtt.TypePingresp
		if i%10 == 0 {
			ask, want = get, mqtt.TypePublish
		}
		if err := d.ask(ask, want); err != nil {
			d.mu.Lock()
			d.lost = err
			d.mu.Unlock()
			return
		}
		if i == n+goodSettled-1 {
			settled()
		}
		pause(ctx, 400*time.Millisecond)
	}
}

// ask asks and waits for an answer of a type.
func (d *goodDevice) ask(ask []byte, want mqtt.Type) error {
	begun := time.Now()
	d.nc.SetDeadline(begun.Add(patience))
	if _, err := d.nc.Write(ask); err != nil {
		return err
	}
	for {
		b, err := readPacket(d.in)
		if err != nil {
			return err
		}
		got := mqtt.TypeOf(b)
		if got == mqtt.TypePublish {
			if p, err := mqtt.DecodePublish(b, mqtt.V311); err != nil || alink.ParseTopic(p.Topic).Kind != alink.ConfigGetReply {
				continue // the push
			}
		}
		if got == want {
			break
		}
	}
	took := time.Since(begun)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.longest = max(d.longest, took)
	d.answers++
	return nil
}

// resources is what the server's process holds.
type resources struct {
	connections, goroutines, files int
	heap                           int64 // bytes
}

func (r resources) String() string {
	return fmt.Sprintf("%d device connections, %d goroutines, %d files, heap of %.1f MB", r.connections, r.goroutines, r.files, float64(r.heap)/1e6)
}

// resources reads the server's own metrics.
func (s *server) resources() resources {
	s.t.Helper()
	resp, err := http.Get("http://" + s.ports[0] + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
		if name, value, ok := strings.Cut(scan.Text(), " "); ok {
			all[name], _ = strconv.ParseFloat(value, 64) // comments have none
		}
	}
	r := resources{
		connections: int(all["cota_gateway_connections"]), goroutines: int(all["go_goroutines"]), files: int(all["process_open_fds"]),
		heap: int64(all["go_memstats_heap_alloc_bytes"]),
	}
	if r.goroutines == 0 || r.files == 0 || r.heap == 0 {
		s.t.Fatalf("metrics = %v; want all of them", r)
	}
	return r
}

// letsGo waits until the server holds no more than before, give or take what
// pools keep.
func (s *server) letsGo(before resources) (after resources) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		after = s.resources()
		if after.connections > before.connections || after.goroutines > before.goroutines+20 || after.files > before.files+20 || after.heap > before.heap+32<<20 {
			return errors.New("the server holds " + after.String() + "; before it was " + before.String())
		}
		return nil
	})
	return after
}
