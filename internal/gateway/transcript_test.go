package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/store"
)

// A transcript is a conversation as an SDK in the field has it, to be held
// with the gateway and all that is behind it. Each line is one packet, or one
// thing that happens beside; # begins a comment.
//
//	> /topic payload          the device publishes with QoS 0; >1: with QoS 1
//	< /topic payload          it receives this, to the letter, with QoS 0; <1: with QoS 1
//	> PUBACK                  of what it received last; < PUBACK: of what it
//	                          published first and was not acknowledged yet
//	> CONNECT 3.1.1 clean=1 keepalive=60, and three lines: client, user, password.
//	                          A value in quotes may have escapes, for line breaks
//	< CONNACK success         or another code by its name. assigned=ID: the client
//	                          id that is assigned
//	> SUBSCRIBE q1 filter     one filter, with the QoS
//	< SUBACK 1                the code, of the SUBSCRIBE last sent
//	> UNSUBSCRIBE filter      < UNSUBACK
//	> PINGREQ                 < PINGRESP
//	> DISCONNECT              it ends the connection
//	= save text               an operator saves a version
//	= push                    and starts a push of it
//	= off                     and switches remote configuration off
//	= fetch                   the device downloads the file that it was offered last
//	= state fetched           where it stands in the push now
//	= applied                 it is on record as running the saved version
//	= wait 31m                time goes by, in which it pings, until it is sent something
//	= quiet                   it is sent nothing in a minute
//
// In what the device receives, {configId}, {size} and {sha256} are those of
// the version that was saved last, and {link} is any link of this server.
//
// The device is meter-0001 of product a1TheSdk001; passwords are signed with
// transcriptSecret, by the SDKs or apart from the code that is tested.
const (
	transcriptProduct = "a1TheSdk001"
	transcriptDevice  = "meter-0001"
	transcriptSecret  = "0123456789abcdef0123456789abcdef"
)

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d transcripts, %v; want at least 10", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			bubble(t, func(t *testing.T) { newTranscript(newRig(t, 1)).replay(file, string(text)) })
		})
	}
}

// transcript is one being replayed.
type transcript struct {
	*rig
	wire *wire
	at   string // file and line

	saved     cota.Version
	pushed    cota.Push
	offer     alink.Config // the last
	lastID    uint16       // of the device's packets
	published []uint16     // that wait for PUBACK
	received  uint16       // packet id that was received last
}

func newTranscript(r *rig) *transcript {
	r.t.Helper()
	now, ctx := time.Now(), r.t.Context()
	r.must(r.store.Update(ctx, func(tx *store.Tx) error {
		p := cota.Product{Key: transcriptProduct, Instance: cota.DefaultInstance, Name: "transcripts", Policy: cota.DefaultPolicy(), CreatedAt: now}
		if err := tx.AddProduct(ctx, p, "secret of no use"); err != nil {
			return err
		}
		r.creds = []cota.Credentials{{Name: transcriptDevice, Secret: transcriptSecret}}
		return tx.AddDevices(ctx, p.Key, r.creds, now)
	}))
	r.product = transcriptProduct
	r.enable(true)
	r.noCooldown()
	return &transcript{rig: r}
}

func (s *transcript) replay(file, text string) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		s.at = fmt.Sprintf("%s:%d", file, i+1)
		line := lines[i]
		if line == "" || line[0] == '#' {
			continue
		}
		who, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(rest, "CONNECT "):
			s.connect(rest, lines[i+1:])
			i += 3
		case who == ">" || who == ">1":
			s.says(len(who)-1, rest)
		case who == "<" || who == "<1":
			s.hears(len(who)-1, rest)
		case who == "=":
			verb, argument, _ := strings.Cut(rest, " ")
			if s.live != nil && verb == "wait" {
				return // the clock does not stand still here
			}
			s.beside(verb, argument)
		default:
			s.fail("no such line: %s", line)
		}
	}
	if s.wire == nil {
		s.fail("nobody has connected")
	}
}

// fail ends the test, and says at which line.
func (s *transcript) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s", s.at, fmt.Sprintf(format, args...))
}

// connect opens a connection. more are the lines behind.
func (s *transcript) connect(line string, more []string) {
	var level string
	var clean int
	var c mqtt.Connect
	if _, err := fmt.Sscanf(line, "CONNECT %s clean=%d keepalive=%d", &level, &clean, &c.KeepAlive); err != nil {
		s.fail("%s: %v", line, err)
	}
	c.CleanStart = clean == 1
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		if v.String() == level {
			c.Version = v
		}
	}
	for i, field := range []struct {
		name string
		to   *[]byte
	}{{"client", &c.ClientID}, {"user", &c.Username}, {"password", &c.Password}} {
		name, value, _ := strings.Cut(strings.TrimLeft(more[i], " "), " ")
		if name != field.name {
			s.fail("CONNECT names %s; want %s", name, field.name)
		}
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		*field.to = []byte(value)
	}
	s.wire = s.dial(c.Version)
	s.wire.write(c.Append(nil))
}

// says sends what the device says next.
func (s *transcript) says(qos int, line string) {
	word, rest, _ := strings.Cut(line, " ")
	w := s.wire
	s.lastID++
	switch word {
	case "PINGREQ":
		w.write(mqtt.AppendPingreq(nil))
	case "PUBACK":
		w.puback(s.received)
	case "SUBSCRIBE":
		q, filter, _ := strings.Cut(rest, " ")
		sub := mqtt.Subscription{Filter: []byte(filter), QoS: q[1] - '0'}
		w.write(mqtt.Subscribe{PacketID: s.lastID, Subscriptions: mqtt.Subscriptions(nil).Append(sub)}.Append(nil, w.version))
	case "UNSUBSCRIBE":
		w.write(mqtt.Unsubscribe{PacketID: s.lastID, Filters: mqtt.Filters(nil).Append([]byte(rest))}.Append(nil, w.version))
	case "DISCONNECT":
		w.write(mqtt.Disconnect{}.Append(nil, w.version))
		w.wantClosed()
	default:
		w.publish(word, rest, byte(qos), s.lastID)
		if qos == 1 {
			s.published = append(s.published, s.lastID)
		}
	}
}

// hears reads what the device is sent next, which must be this.
func (s *transcript) hears(qos int, line string) {
	b, err := s.wire.next()
	if err != nil {
		s.fail("%v; want %s", err, line)
	}
	word, rest, _ := strings.Cut(line, " ")
	if strings.HasPrefix(word, "/") {
		s.message(b, qos, word, rest)
		return
	}
	var got string
	switch v := s.wire.version; mqtt.TypeOf(b) {
	case mqtt.TypeConnack:
		var a mqtt.Connack
		a, err = mqtt.DecodeConnack(b, v)
		got = "CONNACK " + a.Code.String()
		if a.SessionPresent {
			got += " session present"
		}
		if id := a.Properties.Bytes(mqtt.AssignedClientID); id != nil {
			got += " assigned=" + string(id)
		}
	case mqtt.TypeSuback:
		var a mqtt.Suback
		a, err = mqtt.DecodeSuback(b, v)
		got = fmt.Sprintf("SUBACK %d", a.Codes[0])
		s.answers(a.PacketID, s.lastID)
	case mqtt.TypeUnsuback:
		var a mqtt.Unsuback
		a, err = mqtt.DecodeUnsuback(b, v)
		got = "UNSUBACK"
		s.answers(a.PacketID, s.lastID)
	case mqtt.TypePuback:
		var a mqtt.Ack
		a, err = mqtt.DecodeAck(b, v)
		got = "PUBACK"
		if len(s.published) == 0 {
			s.fail("PUBACK %d of nothing", a.PacketID)
		}
		s.answers(a.PacketID, s.published[0])
		s.published = s.published[1:]
	default:
		got = mqtt.TypeOf(b).String()
	}
	if err != nil || got != line {
		s.fail("got %s (% x), %v; want %s", got, b, err, line)
	}
}

func (s *transcript) answers(id, want uint16) {
	s.t.Helper()
	if id != want {
		s.fail("answers packet %d; want %d", id, want)
	}
}

// message checks a message to the device.
func (s *transcript) message(b []byte, qos int, topic, payload string) {
	p, err := mqtt.DecodePublish(b, s.wire.version)
	if err != nil || string(p.Topic) != topic || int(p.QoS) != qos || p.Retain || p.Dup || len(p.Properties) > 0 {
		s.fail("got %+v, %v; want a message on %s with QoS %d and nothing more", p, err, topic, qos)
	}
	s.received = p.PacketID
	for _, decode := range []func([]byte) (alink.Config, error){alink.DecodeGetReply, alink.DecodePush} {
		if c, err := decode(p.Payload); err == nil {
			s.offer = c
		}
	}
	want := strings.NewReplacer(
		"{configId}", s.saved.ConfigID, "{size}", strconv.FormatInt(s.saved.Size, 10), "{sha256}", s.saved.SHA256, "{link}", s.offer.URL,
	).Replace(payload)
	if string(p.Payload) != want {
		s.fail("got %s; want %s", p.Payload, want)
	}
	if strings.Contains(payload, "{link}") {
		s.grant(s.offer) // fails unless it is a link of this server
	}
}

// beside does what happens beside the conversation.
func (s *transcript) beside(verb, argument string) {
	if s.live != nil && (verb == "state" || verb == "applied") {
		s.wire.caughtUp()
	}
	switch verb {
	case "save":
		s.saved = s.save(argument)
	case "push":
		s.pushed = s.push()
	case "off":
		s.enable(false)
	case "fetch":
		s.fetch(s.offer)
	case "state":
		if d := s.state(0); d.Push != s.pushed.No || d.State.String() != argument {
			s.fail("stands on %v of push %d; want %s of push %d", d.State, d.Push, argument, s.pushed.No)
		}
	case "applied":
		if d := s.state(0); d.ConfigID != s.saved.ConfigID {
			s.fail("runs %q; want %q", d.ConfigID, s.saved.ConfigID)
		}
	case "wait":
		d, err := time.ParseDuration(argument)
		s.must(err)
		s.wire.buf = append(s.wire.within(d), s.wire.buf...)
	case "quiet":
		if s.live != nil {
			s.wire.ping()
			return
		}
		s.wire.idle(time.Minute)
	default:
		s.fail("no such thing: %s", verb)
	}
}
