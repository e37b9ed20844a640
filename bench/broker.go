package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cotahq/cota/bench/load"
	"github.com/cotahq/cota/internal/mqtt"
)

// fleetTopic is what every client of a broker subscribes to, beside a topic of
// its own, so that there is something to be told by one message.
const fleetTopic = "fleet/config"

// broker is an MQTT broker: whoever publishes to fleetTopic reaches all.
type broker struct {
	called string
	most   byte // highest QoS that clients subscribe with
	run    func(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error)
	size   int // of a message

	p    *process
	addr netip.AddrPort
}

func (b *broker) name() string      { return b.called }
func (b *broker) process() *process { return b.p }

func (b *broker) start(ctx context.Context, r *rig) (err error) {
	if b.addr, err = freeAddr(); err != nil {
		return err
	}
	if b.p, err = b.run(ctx, r, b.addr); err != nil {
		return err
	}
	return await(ctx, b.p, func() bool { return listens(b.addr) })
}

func (b *broker) connect() load.Connect {
	return load.Connect{Addr: b.addr.String(), Speech: load.MQTT, QoS: b.most}
}

func (b *broker) prepare(context.Context) error          { return nil }
func (b *broker) told(context.Context, int) error        { return nil }
func (b *broker) tell(_ context.Context, qos byte) error { return publish(b.addr, qos, b.size) }

// publish publishes a message of size bytes in all, and returns when the
// broker has taken it.
func publish(to netip.AddrPort, qos byte, size int) error {
	nc, err := net.DialTimeout("tcp", to.String(), time.Second)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	connect := mqtt.Connect{Version: mqtt.V311, CleanStart: true, KeepAlive: 60, ClientID: []byte("bench-publisher")}
	if err := exchange(nc, connect.Append(nil), mqtt.TypeConnack); err != nil {
		return err
	}
	// Two bytes each of type and length, topic length, and packet id.
	payload := make([]byte, size-5-len(fleetTopic)-2*int(qos))
	p := mqtt.Publish{QoS: qos, PacketID: uint16(qos), Topic: []byte(fleetTopic), Payload: payload}
	if qos == 0 {
		_, err = nc.Write(append(p.Append(nil, mqtt.V311), mqtt.Disconnect{}.Append(nil, mqtt.V311)...))
		return err
	}
	return exchange(nc, p.Append(nil, mqtt.V311), mqtt.TypePuback)
}

// exchange sends a packet and reads the answer, which has four bytes.
func exchange(nc net.Conn, packet []byte, want mqtt.Type) error {
	if _, err := nc.Write(packet); err != nil {
		return err
	}
	var answer [4]byte
	if _, err := nc.Read(answer[:]); err != nil {
		return err
	}
	if mqtt.TypeOf(answer[:]) != want || answer[3] != 0 && want == mqtt.TypeConnack {
		return errors.New("the broker refuses the publisher")
	}
	return nil
}

// mosquitto lets everybody in and queues as much as it is asked to: its
// defaults would drop messages of a large fan-out. All else is as it comes.
const mosquittoConf = `
per_listener_settings false
allow_anonymous true
max_queued_messages 0
max_connections -1
persistence false
log_type error
listener %d 127.0.0.1
%s`

func runMosquitto(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error) {
	return runMosquittoWith(ctx, r, addr, "")
}

// runTunedMosquitto spares it what makes a large fan-out slow: by default it
// looks, before it sends a message to a client, through all those that it has
// sent it to, in case a client's subscriptions overlap.
func runTunedMosquitto(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error) {
	return runMosquittoWith(ctx, r, addr, "allow_duplicate_messages true\n")
}

func runMosquittoWith(ctx context.Context, r *rig, addr netip.AddrPort, more string) (*process, error) {
	conf := r.file("mosquitto.conf")
	text := fmt.Sprintf(mosquittoConf, addr.Port(), more)
	if os.Geteuid() == 0 {
		text = "user root\n" + text // it would give up its rights, and with them the directory of this run
	}
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return startProcess(ctx, r.file("mosquitto.log"), nil, "mosquitto", "-c", conf)
}

func runMochi(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error) {
	return startProcess(ctx, r.file("mochi.log"), nil, filepath.Join(r.bin, "mochi"), addr.String())
}

func runNATS(ctx context.Context, r *rig, addr netip.AddrPort) (*process, error) {
	dir, err := r.folder("nats")
	if err != nil {
		return nil, err
	}
	return startProcess(ctx, r.file("nats.log"), nil, filepath.Join(r.bin, "nats"), addr.String(), dir)
}
