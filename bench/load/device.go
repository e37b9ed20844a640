package load

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	keepAlive = 1200 // seconds: nobody pings while a measurement lasts
	maxPacket = 64 << 10
)

// stage is how far a connection has come.
type stage byte

const (
	dialing stage = iota
	signingIn
	subscribing
	ready
	over
)

// device is one connection of a crowd.
type device struct {
	fd    int
	index int
	stage stage
	began int64 // when it was dialled
	took  int64 // until it had subscribed
	at    int64 // when the message came, or what it offered was applied; 0: not yet

	hello    []byte // CONNECT
	rest     []byte // the beginning of a packet
	raw      int    // bytes of the message that is coming, without packets
	packetID uint16 // of a message that is not acknowledged
	offer    alink.Config
}

func (d *device) ready(c *crowd, events uint32) {
	if d.stage == dialing && events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		d.dialled(c)
	}
	if d.stage != over && events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		d.read(c)
	}
}

func (d *device) end(c *crowd, err error) {
	c.hangUp(d.fd)
	if d.stage != ready || c.expect != nil && d.at == 0 {
		c.got++ // nobody waits for it any more
	}
	d.stage = over
	c.fail(fmt.Errorf("connection %d: %w", d.index, err))
}

func (d *device) dialled(c *crowd) {
	if err := socketError(d.fd); err != nil {
		d.end(c, err)
		return
	}
	if c.connect.Speech == Raw {
		d.isReady(c)
		return
	}
	d.stage = signingIn
	if err := send(d.fd, d.hello); err != nil {
		d.end(c, err)
	}
	d.hello = nil
}

func (d *device) isReady(c *crowd) {
	d.stage = ready
	d.took = time.Now().UnixNano() - d.began
	c.got++
}

// read takes all there is.
func (d *device) read(c *crowd) {
	for {
		n := copy(c.in[:], d.rest)
		got, err := unix.Read(d.fd, c.in[n:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err == nil && got == 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			d.end(c, err)
			return
		}
		d.rest = nil
		if err := d.take(c, c.in[:n+got]); err != nil {
			d.end(c, err)
			return
		}
		if n+got < len(c.in) {
			return
		}
	}
}

// take takes what has come, and keeps a packet that is not whole.
func (d *device) take(c *crowd, b []byte) error {
	if c.connect.Speech == Raw {
		for d.raw += len(b); d.raw >= c.connect.Size; d.raw -= c.connect.Size {
			d.message(c, c.connect.Size, 0)
		}
		return nil
	}
	for len(b) > 0 {
		n, err := mqtt.Frame(b, maxPacket)
		if err != nil {
			return err
		}
		if n > len(b) {
			d.rest = append([]byte(nil), b...)
			return nil
		}
		if err := d.packet(c, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (d *device) packet(c *crowd, b []byte) error {
	switch t := mqtt.TypeOf(b); {
	case t == mqtt.TypeConnack && d.stage == signingIn:
		if len(b) != 4 || b[3] != 0 {
			return fmt.Errorf("refused: CONNACK %x", b)
		}
		d.stage = subscribing
		return send(d.fd, c.subscribe(d))
	case t == mqtt.TypeSuback && d.stage == subscribing:
		d.isReady(c)
	case t == mqtt.TypeSuback:
		c.got++
	case t == mqtt.TypePublish:
		return d.publish(c, b)
	case t == mqtt.TypePuback:
		d.settled(c)
	}
	return nil
}

func (d *device) publish(c *crowd, b []byte) error {
	p, err := mqtt.DecodePublish(b, mqtt.V311)
	if err != nil {
		return err
	}
	if p.QoS > 0 {
		d.packetID = p.PacketID
		if c.expect == nil || !c.expect.Hold {
			if err := d.acknowledge(); err != nil {
				return err
			}
		}
	}
	if c.expect != nil && (c.expect.Apply || c.expect.Keep) {
		if err := d.offered(c, &p); err != nil {
			return err
		}
	}
	d.message(c, len(b), int(p.QoS))
	return nil
}

// acknowledge sends PUBACK for what is not acknowledged yet.
func (d *device) acknowledge() error {
	ack := [4]byte{byte(mqtt.TypePuback) << 4, 2, byte(d.packetID >> 8), byte(d.packetID)}
	d.packetID = 0
	return send(d.fd, ack[:])
}

// message counts a message that has come whole.
func (d *device) message(c *crowd, size, qos int) {
	if c.expect == nil || d.at != 0 {
		c.stray++
		return
	}
	c.bytes, c.qos = size, qos
	if c.expect.Apply {
		return
	}
	d.at = time.Now().UnixNano()
	c.got++
}

// offered keeps what a push, or the answer to a get, offers.
func (d *device) offered(c *crowd, p *mqtt.Publish) (err error) {
	if c.connect.Inline && c.expect.Apply && d.at == 0 {
		if whole, err := d.enclosed(p.Payload); whole || err != nil {
			c.inline++
			return errors.Join(err, d.report(c))
		}
	}
	switch alink.ParseTopic(p.Topic).Kind {
	case alink.ConfigPush:
		d.offer, err = alink.DecodePush(p.Payload)
	case alink.ConfigGetReply:
		d.offer, err = alink.DecodeGetReply(p.Payload)
	}
	if err == nil && c.expect.Apply && d.at == 0 {
		c.waiting = append(c.waiting, d)
		c.download()
	}
	return err
}

// enclosed reads a push that may hold the configuration itself, and checks it.
func (d *device) enclosed(payload []byte) (whole bool, err error) {
	var push struct {
		Params struct{ ConfigID, Content, GetType, Sign string }
	}
	if err := json.Unmarshal(payload, &push); err != nil {
		return false, err
	}
	if push.Params.GetType != "inline" {
		return false, nil
	}
	if sum := sha256.Sum256([]byte(push.Params.Content)); hex.EncodeToString(sum[:]) != push.Params.Sign {
		return true, errors.New("not the configuration that was offered")
	}
	d.offer.ConfigID = push.Params.ConfigID
	return true, nil
}

// report says that the configuration is in force.
func (d *device) report(c *crowd) error {
	p := mqtt.Publish{
		QoS: 1, PacketID: 2, Topic: alink.AppendTopic(nil, alink.ConfigReport, c.fleet.Product, c.fleet.Devices[d.index].Name),
		Payload: alink.AppendReport(nil, alink.Report{ID: "1", Silent: true, ConfigID: d.offer.ConfigID, State: alink.Applied}),
	}
	return send(d.fd, p.Append(nil, mqtt.V311))
}

// settled takes the PUBACK of the report: what was reported is on disk.
func (d *device) settled(c *crowd) {
	if c.expect == nil || !c.expect.Apply || d.at != 0 {
		return
	}
	d.at = time.Now().UnixNano()
	c.got++
}

// ask asks for the configuration.
func (d *device) ask(c *crowd) error {
	p := mqtt.Publish{
		Topic:   alink.AppendTopic(nil, alink.ConfigGet, c.fleet.Product, c.fleet.Devices[d.index].Name),
		Payload: alink.AppendGet(nil, alink.Get{ID: "1"}),
	}
	return send(d.fd, p.Append(nil, mqtt.V311))
}

// hello is the CONNECT of the i-th device.
func (c *crowd) hello(i int) ([]byte, error) {
	p := mqtt.Connect{Version: mqtt.V311, CleanStart: true, KeepAlive: keepAlive}
	if c.connect.Speech == MQTT {
		p.ClientID = fmt.Appendf(nil, "bench-%d-%06d", c.connect.Source, i)
		return p.Append(nil), nil
	}
	d := c.fleet.Devices[i]
	login, err := alink.Sign(c.fleet.Product, d.Name, d.Secret, alink.SignOptions{AutoSubscribe: true, Language: "Go"})
	if err != nil {
		return nil, err
	}
	if c.connect.Inline {
		login.ClientID = strings.TrimSuffix(login.ClientID, "|") + ",_inline=1|" // the signature is not of this
	}
	p.ClientID, p.Username, p.Password = []byte(login.ClientID), []byte(login.UserName), []byte(login.Password)
	return p.Append(nil), nil
}

// subscribe is the SUBSCRIBE of a device, to the topics that are its own.
func (c *crowd) subscribe(d *device) []byte {
	if c.connect.Speech == MQTT {
		return subscription(c.connect.QoS, fmt.Appendf(nil, "own/%d/%06d/config", c.connect.Source, d.index))
	}
	own := func(k alink.Kind) []byte {
		return alink.AppendTopic(nil, k, c.fleet.Product, c.fleet.Devices[d.index].Name)
	}
	return subscription(1, own(alink.ConfigPush), own(alink.ConfigGetReply))
}

// subscription is a SUBSCRIBE.
func subscription(qos byte, filters ...[]byte) []byte {
	p := mqtt.Subscribe{PacketID: 1}
	for _, f := range filters {
		p.Subscriptions = p.Subscriptions.Append(mqtt.Subscription{Filter: f, QoS: qos})
	}
	return p.Append(nil, mqtt.V311)
}
