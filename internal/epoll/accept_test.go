//go:build linux

package epoll

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever accepts knows where a connection is from, and small answers on it do
// not wait for more.
func TestAccept(t *testing.T) {
	type accepted struct {
		from    netip.AddrPort
		noDelay int
	}
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, eager := range []bool{false, true} {
			ln, err := net.Listen("tcp", addr)
			if err != nil && addr == "[::1]:0" && os.Getenv("COTA_TEST_REQUIRE") != "all" {
				t.Skipf("there is no IPv6 here: %v", err)
			}
			must(t, err)
			defer ln.Close()
			got := make(chan accepted, 1)
			r := newRig(t)
			a, err := r.group.listen(ln.(*net.TCPListener), eager, func(p *Place, from netip.AddrPort) Handler {
				on, err := unix.GetsockoptInt(int(p.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
				if err != nil {
					t.Error(err)
				}
				got <- accepted{from, on}
				return newEcho(p)
			}, func(err error) { t.Error(err) })
			must(t, err)
			nc, err := net.Dial("tcp", ln.Addr().String())
			must(t, err)
			defer nc.Close()
			nc.Write(frame(0))
			if g, want := <-got, nc.LocalAddr().(*net.TCPAddr).AddrPort(); g.from != want || g.noDelay == 0 {
				t.Errorf("accepted %+v; want it from %v, without delay", g, want)
			}
			must(t, a.Close())
		}
	}
}
