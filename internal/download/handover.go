package download

import (
	"net"
	"sync"
)

// handovers bounds the connections that wait for net/http to take them over,
// which it does at once.
const handovers = 128

// handover is a net.Listener of connections that were accepted, and read from,
// elsewhere.
type handover struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, conns: make(chan net.Conn, handovers), closed: make(chan struct{})}
}

// offer hands a connection over, of which first was read already. It never
// waits: when too many do, the connection ends.
func (h *handover) offer(nc net.Conn, first []byte) {
	select {
	case h.conns <- &rewound{nc, first}:
	default:
		nc.Close()
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and the connections that nobody has taken over.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	for {
		select {
		case nc := <-h.conns:
			nc.Close()
		default:
			return nil
		}
	}
}

func (h *handover) Addr() net.Addr { return h.addr }

// rewound is a connection of which the first bytes are read again.
type rewound struct {
	net.Conn
	first []byte
}

func (r *rewound) Read(b []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.first)
	r.first = r.first[n:]
	return n, nil
}
