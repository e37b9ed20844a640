package download

import (
	"context"
	"net"
	"net/netip"
)

// ServeAsLoops serves connections of a network whose clock stands still by what
// the loops serve by, but with a goroutine for each.
func (s *Server) ServeAsLoops(ln net.Listener) error {
	rest := newHandover(ln.Addr())
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serveAsLoops(nc, rest)
		}
	}()
	return s.HTTP.Serve(rest)
}

func (s *Server) serveAsLoops(nc net.Conn, rest *handover) {
	var in []byte
	buf := make([]byte, 100) // less than a request
	for {
		r, v := parseRequest(in)
		if v == other {
			rest.offer(nc, in)
			return
		}
		if v == unfinished {
			n, err := nc.Read(buf)
			if err != nil {
				nc.Close()
				return
			}
			in = append(in, buf[:n]...)
			continue
		}
		q := question{token: string(r.token), ranged: r.ranged, offset: r.from, last: r.last, from: netip.IPv4Unspecified()}
		in = in[r.size:]
		a, known := s.Files.remembered(q)
		if !known {
			a = s.Files.look(context.Background(), q)
		}
		if _, err := nc.Write(append(a.head[:len(a.head):len(a.head)], a.body...)); err != nil {
			s.Files.sent(a.part, false)
			nc.Close()
			return
		}
		s.Files.finish(a.part)
		if a.last {
			nc.Close()
			return
		}
	}
}
