package gateway

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// How much is kept of what devices say and hear: 16 MB at the very most.
const (
	keptDevices  = 1000
	keptMessages = 16   // of each
	keptPayload  = 1024 // bytes of each
)

// messages keeps the last messages of some devices, for people who look for
// what a device does. It is memory only, and of this node. A device that says
// something takes the place of the one that was silent longest; one that is
// only spoken to does not, so that a push to a million devices passes by. nil
// keeps nothing.
type messages struct {
	mu sync.Mutex
	of *simplelru.LRU[int64, []cota.Message] // the newest at the end; guarded by mu
}

func newMessages() *messages {
	of, err := simplelru.NewLRU[int64, []cota.Message](keptDevices, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &messages{of: of}
}

// up keeps what a device said.
func (m *messages) up(device int64, p *mqtt.Publish) { m.add(device, cota.Up, p) }

// down keeps what a device was told.
func (m *messages) down(device int64, p *mqtt.Publish) { m.add(device, cota.Down, p) }

func (m *messages) add(device int64, way cota.Direction, p *mqtt.Publish) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all, known := m.of.Get(device)
	if !known && way == cota.Down && m.of.Len() == keptDevices {
		return
	}
	if len(all) == keptMessages {
		all = slices.Delete(all, 0, 1)
	}
	payload := p.Payload[:min(len(p.Payload), keptPayload)]
	m.of.Add(device, append(all, cota.Message{
		At: time.Now(), Direction: way, Topic: string(p.Topic), QoS: int(p.QoS),
		Payload: string(payload), Truncated: len(payload) < len(p.Payload),
	}))
}

// logsIn reports whether messages of a kind hold what logs a device in:
// signatures or secrets. They are not kept.
func logsIn(kind alink.Kind) bool {
	return kind == alink.TopoAdd || kind == alink.CombineLogin || kind == alink.CombineBatchLogin || kind == alink.SubRegisterReply
}

// last is what is kept of a device, newest first.
func (m *messages) last(device int64) []cota.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, _ := m.of.Peek(device)
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

// Messages are the last that were exchanged with a device here, newest first.
// Nothing is kept over a restart. The links in them do not work: a token is
// only for the device.
func (g *Gateway) Messages(device int64) []cota.Message {
	all := g.messages.last(device)
	for i := range all {
		all[i].Payload = strings.ToValidUTF8(withoutTokens(all[i].Payload, g.control.LinkURL()), "\uFFFD")
	}
	return all
}

// withoutTokens leaves the token out of every link that begins with url.
func withoutTokens(s, url string) string {
	parts := strings.Split(s, url)
	for i, after := range parts {
		if i > 0 {
			parts[i] = "…" + after[min(len(after), cota.TokenLen):]
		}
	}
	return strings.Join(parts, url)
}
