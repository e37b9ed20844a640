package sim

import (
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// send adds packets to what goes out with the next flush. Without a connection
// there is nothing to send to. d.mu is held.
func (d *device) send(add func([]byte) []byte) {
	if d.nc == nil {
		return
	}
	if d.out == nil {
		d.out = d.buffer(packetBuffer)
	}
	*d.out = add(*d.out)
	if len(*d.out) > maxUnsent {
		d.nc.Close() // the reader sees to the rest
		d.drop()
	}
}

// publish sends a message and returns its packet id, 0 for QoS 0. d.mu is
// held.
func (d *device) publish(kind alink.Kind, qos byte, payload []byte) uint16 {
	p := mqtt.Publish{QoS: qos, Topic: d.topic(kind), Payload: payload}
	if qos > 0 {
		p.PacketID = d.packetID()
	}
	d.send(func(dst []byte) []byte { return p.Append(dst, mqtt.V311) })
	return p.PacketID
}

func (d *device) topic(kind alink.Kind) []byte {
	return alink.AppendTopic(nil, kind, d.crowd.o.ProductKey, d.id().Name)
}

// packetID is the next packet id. So few are in flight that it is free.
func (d *device) packetID() uint16 {
	d.lastID++
	if d.lastID == 0 {
		d.lastID = 1
	}
	return d.lastID
}

// flush has sent what there is to be sent, without waiting for it. d.mu is
// held.
func (d *device) flush() {
	if d.out == nil || d.nc == nil {
		return
	}
	d.spoke = time.Now().UnixNano()
	if d.writing {
		return
	}
	d.writing = true
	d.crowd.done.Go(d.write)
}

// write sends until there is nothing more to be sent. d.writing is set.
func (d *device) write() {
	for {
		d.mu.Lock()
		nc, out := d.nc, d.out
		if nc == nil || out == nil {
			d.writing = false
			d.mu.Unlock()
			return
		}
		d.out = nil
		d.mu.Unlock()
		nc.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a closed connection, as Write then does
		if _, err := nc.Write(*out); err != nil {
			nc.Close() // the reader sees to the rest
		}
		d.putBuffer(out)
	}
}

// drop forgets what was not sent. d.mu is held.
func (d *device) drop() {
	d.putBuffer(d.out)
	d.out = nil
}

// buffer is an empty buffer for at least n bytes.
func (d *device) buffer(n int) *[]byte {
	if n > packetBuffer {
		return new(make([]byte, 0, n))
	}
	return d.crowd.buffers.Get().(*[]byte)
}

// putBuffer gives a buffer back; nil is none.
func (d *device) putBuffer(b *[]byte) {
	if b == nil || cap(*b) > 4*packetBuffer {
		return
	}
	*b = (*b)[:0]
	d.crowd.buffers.Put(b)
}
