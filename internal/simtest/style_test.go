package simtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

const received = cota.Received

// style is whose conversation a device holds, as it was seen on the wire of
// that SDK. Only the keep-alive is longer for those that ping each minute: it is
// the application's to choose, and pings are most of what happens in a week.
type style struct {
	name      string
	version   mqtt.Version
	keepAlive time.Duration
	clean     bool
	filters   []string
	inform    bool // publishes of itself first
	ask       string
	askQoS    byte
	reply     func(push string) string // to a push; nil: none
	replyQoS  byte
	fetches   bool
	progress  bool // tells by OTA progress
	reports   bool // tells by our report
	sign      alink.SignOptions
	upper     bool // the password in capitals
}

var styles = []style{
	{
		name: "cota", version: mqtt.V311, keepAlive: 300 * time.Second, clean: true,
		filters: []string{"/sys/%[1]s/%[2]s/thing/config/push", "/sys/%[1]s/%[2]s/thing/config/get_reply"},
		ask:     `{"id":"%d","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`, askQoS: 1,
		reply:   func(id string) string { return `{"id":"` + id + `","code":200,"data":{}}` },
		fetches: true, reports: true, sign: alink.SignOptions{AutoSubscribe: true, Language: "Go"},
	},
	{
		name: "cota-5", version: mqtt.V5, keepAlive: 600 * time.Second, clean: true,
		filters: []string{"/sys/%[1]s/%[2]s/thing/config/push"},
		ask:     `{"id":"%d","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`, askQoS: 1,
		reply: func(id string) string { return `{"id":"` + id + `","code":200,"data":{}}` }, replyQoS: 1,
		fetches: true, reports: true, sign: alink.SignOptions{AutoSubscribe: true},
	},
	{
		name: "linksdk-4", version: mqtt.V311, keepAlive: 1200 * time.Second, clean: true,
		ask:     `{"id":"123","params":{"configScope":"product","getType":"file"}}`,
		fetches: true, progress: true, sign: alink.SignOptions{Timestamp: "2524608000000", AutoSubscribe: true, Version: "sdk-c-4.2.0"}, upper: true,
	},
	{
		name: "sdk-3", version: mqtt.V311, keepAlive: 180 * time.Second, inform: true,
		filters: []string{"/ota/device/request/%[1]s/%[2]s", "/ota/device/upgrade/%[1]s/%[2]s",
			"/sys/%[1]s/%[2]s/thing/config/get_reply", "/sys/%[1]s/%[2]s/thing/config/push"},
		ask:     `{"id" : 0,"version":"1.0","params":{"configScope":"product","getType":"file","attributeKeys":""},"method":"thing.config.get"}`,
		fetches: true, progress: true, sign: alink.SignOptions{Timestamp: "2524608000000", AutoSubscribe: true, Language: "C", Version: "sdk-c-3.2.0"}, upper: true,
	},
	{
		name: "node", version: mqtt.V311, keepAlive: 240 * time.Second,
		filters: []string{"/sys/%[1]s/%[2]s/thing/config/get_reply", "/sys/%[1]s/%[2]s/thing/config/push",
			"/sys/%[1]s/%[2]s/thing/config/push_reply", "/sys/%[1]s/%[2]s/rrpc/request/+"},
		ask:  `{"id":"%d","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`,
		sign: alink.SignOptions{Method: alink.HMACSHA1, Version: "1.2.8", Language: "NodeJS"},
	},
	{
		name: "go", version: mqtt.V311, keepAlive: 300 * time.Second, clean: true,
		filters: []string{"/ext/network/probe/+", "/sys/%[1]s/%[2]s/thing/service/#",
			"/sys/%[1]s/%[2]s/thing/config/get_reply", "/sys/%[1]s/%[2]s/thing/config/push", "/ext/error/%[1]s/%[2]s"},
		ask: `{"id":"%d","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`, askQoS: 1,
		reply: func(string) string { return `{"id":"1000","code":200,"data":"{}"}` }, replyQoS: 1,
		fetches: true, sign: alink.SignOptions{Language: "Golang"},
	},
}

// connect is the CONNECT of a device.
func (st *style) connect(s *session) []byte {
	login, err := alink.Sign(s.id.p.key, s.id.name, s.secret, st.sign)
	if err != nil {
		panic(err)
	}
	if st.upper {
		login.Password = strings.ToUpper(login.Password)
	}
	c := mqtt.Connect{
		Version: st.version, CleanStart: st.clean, KeepAlive: uint16(st.keepAlive / time.Second),
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}
	return c.Append(nil)
}

// greet says what comes after CONNACK.
func (st *style) greet(s *session) {
	if st.inform {
		s.publish(string(alink.AppendTopic(nil, alink.OTAInform, s.id.p.key, s.id.name)), 1, `{"id":1,"params":{"version":"1.0"}}`, nil)
	}
	if st.name == "linksdk-4" {
		s.write(mqtt.AppendPingreq(nil))
	}
	for _, f := range st.filters {
		if strings.Contains(f, "%") {
			f = fmt.Sprintf(f, s.id.p.key, s.id.name)
		}
		p := mqtt.Subscribe{PacketID: s.packetID()}
		p.Subscriptions = p.Subscriptions.Append(mqtt.Subscription{Filter: []byte(f), QoS: 1})
		s.write(p.Append(nil, st.version))
	}
}

func (s *session) packetID() uint16 {
	if s.lastID++; s.lastID == 0 {
		s.lastID++
	}
	return s.lastID
}

// publish sends a message. w, unless nil, is what it says.
func (s *session) publish(topic string, qos byte, payload string, w *word) {
	p := mqtt.Publish{Topic: []byte(topic), QoS: qos, Payload: []byte(payload)}
	if qos > 0 {
		p.PacketID = s.packetID()
	}
	if w != nil {
		s.w.model.says(s.id, w)
		if qos > 0 {
			s.words[p.PacketID] = w
			s.w.model.awaits(w)
		}
	}
	s.write(p.Append(nil, s.style.version))
}

func (s *session) topic(k alink.Kind) string {
	return string(alink.AppendTopic(nil, k, s.id.p.key, s.id.name))
}

// ask asks for the configuration.
func (s *session) ask() {
	s.said++
	id, text := "123", s.style.ask
	if s.style.name == "sdk-3" {
		id = "0"
	}
	if strings.Contains(text, "%d") {
		id, text = strconv.Itoa(s.said), fmt.Sprintf(text, s.said)
	}
	s.asked[id] = append(s.asked[id], time.Now())
	s.publish(s.topic(alink.ConfigGet), s.style.askQoS, text, nil)
}

// answered takes the answer to a question.
func (s *session) answered(payload []byte, sent time.Time, mute bool) {
	c, err := alink.DecodeGetReply(payload)
	waiting := s.asked[c.ID]
	if len(waiting) == 0 {
		s.w.model.fail("%s was answered %q, which it never asked", s.id, c.ID)
		return
	}
	asked := waiting[0]
	s.asked[c.ID] = waiting[1:]
	if err == nil {
		s.offered(c, sent, false, mute)
		return
	}
	s.w.model.refused(s.id, err, asked, sent)
}

// refused judges an answer without a configuration.
func (m *model) refused(id *identity, err error, asked, sent time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, code := id.p, alink.Code(0)
	if e, ok := err.(*alink.Error); ok {
		code = e.Code
	}
	m.trace.add(id.tag, "get refused: %d", code)
	switch {
	case code == 6713 && p.maybeOff.touch(asked, sent), code == 429:
	case code == 6710 && (p.saved.IsZero() || !sent.After(p.saved)):
	default:
		m.breach("%s asked at %s and was answered %v at %s", id, m.time(asked), err, m.time(sent))
	}
}
