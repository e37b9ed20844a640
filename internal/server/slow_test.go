package server_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/server/servertest"
)

// limits of the file door
const (
	headLimit = 10 * time.Second // for a request to be there
	fileLimit = 60 * time.Second // for a file to be taken
	idleLimit = 15 * time.Second // between two requests
)

// A client of the file door that is slow, silent or deaf is dropped to the
// moment, and a thousand others download meanwhile.
func TestSlowDownloadsDisturbNobody(t *testing.T) {
	const good, each = 1000, 5
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 1)
		text := `["` + strings.Repeat("x", 60_000) + `"]`
		save(t, s, product, text)
		d := &wire{t: t, s: s, product: product, device: devices[0]}
		nc := d.signIn()
		defer nc.Close()
		url := d.askForLink(nc)
		_, path, _ := strings.Cut(url, servertest.FilesHost)
		request := "GET " + path + " HTTP/1.1\r\nHost: " + servertest.FilesHost + "\r\n\r\n"
		dial := func() net.Conn {
			c, err := s.DialFiles(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}

		start := time.Now()
		var bad, all sync.WaitGroup
		dropped := func(what string, c net.Conn, limit time.Duration) {
			bad.Go(func() {
				defer c.Close()
				io.Copy(io.Discard, c)
				if took := time.Since(start); took != limit {
					t.Errorf("%s: dropped after %v; want %v", what, took, limit)
				}
			})
		}
		for range each {
			dropped("silent", dial(), headLimit)

			slow := dial()
			go func() {
				for i := range len(request) {
					if _, err := slow.Write([]byte(request[i : i+1])); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			dropped("a byte a second", slow, headLimit)

			idle := dial()
			go io.WriteString(idle, request)
			dropped("idle after a download", idle, idleLimit)

			for _, late := range []time.Duration{-time.Millisecond, time.Millisecond} {
				deaf := dial()
				bad.Go(func() {
					defer deaf.Close()
					if _, err := io.WriteString(deaf, request); err != nil {
						t.Error(err)
					}
					time.Sleep(fileLimit + late)
					n, err := io.Copy(io.Discard, io.LimitReader(deaf, int64(len(text))))
					if whole := n == int64(len(text)); whole != (late < 0) {
						t.Errorf("deaf for %v: got %d bytes, %v; want all: %t", fileLimit+late, n, err, late < 0)
					}
				})
			}
		}
		synctest.Wait()
		for range good {
			all.Go(func() {
				res, err := s.Files.Get(url)
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || string(body) != text {
					t.Errorf("a good download: %d, %d bytes, %v", res.StatusCode, len(body), err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("%d good downloads took %v beside the bad; want no time", good, took)
		}
		bad.Wait()
	})
}
