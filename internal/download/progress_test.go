package download_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

const elevenBytes = `{"ab":"cd"}`

// Each case is what is asked of one link ("" for no range).
func TestFetchedIsEveryByte(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		for _, tt := range []struct {
			name   string
			ranges []string
			status int // of the last answer
			want   bool
		}{
			{"first five", []string{"bytes=0-4"}, http.StatusPartialContent, false},
			{"last byte", []string{"bytes=-1"}, http.StatusPartialContent, false},
			{"all but the first", []string{"bytes=1-"}, http.StatusPartialContent, false},
			{"beyond the end", []string{"bytes=11-"}, http.StatusRequestedRangeNotSatisfiable, false},
			{"far beyond the end", []string{"bytes=9999999999-"}, http.StatusRequestedRangeNotSatisfiable, false},
			{"two ranges", []string{"bytes=0-4,5-10"}, http.StatusPartialContent, false},
			{"with a gap", []string{"bytes=0-4", "bytes=6-"}, http.StatusPartialContent, false},
			{"backwards", []string{"bytes=5-", "bytes=0-4"}, http.StatusPartialContent, false},
			{"all but the last", []string{"bytes=0-9"}, http.StatusPartialContent, false},
			{"cut twice, and not to the end", []string{"bytes=0-2", "bytes=3-5", "bytes=6-9"}, http.StatusPartialContent, false},

			{"in one", []string{""}, http.StatusOK, true},
			{"as LinkSDK 4 asks", []string{"bytes=0-"}, http.StatusPartialContent, true},
			{"the last eleven", []string{"bytes=-11"}, http.StatusPartialContent, true},
			{"gone on", []string{"bytes=0-4", "bytes=5-"}, http.StatusPartialContent, true},
			{"gone on, overlapping", []string{"bytes=0-4", "bytes=3-"}, http.StatusPartialContent, true},
			{"gone on, again and again", []string{"bytes=0-2", "bytes=3-5", "bytes=6-9", "bytes=10-"}, http.StatusPartialContent, true},
			{"begun anew", []string{"bytes=0-4", "bytes=0-2", "bytes=5-"}, http.StatusPartialContent, true},
			{"units that nobody knows", []string{"lines=0-4"}, http.StatusRequestedRangeNotSatisfiable, false},
		} {
			r.reset()
			line := "GET /c/" + r.token()
			status := 0
			for _, bytes := range tt.ranges {
				if bytes == "" {
					status, _ = r.do(line)
				} else {
					status, _ = r.do(line, "Range: "+bytes)
				}
			}
			if status != tt.status {
				t.Errorf("%s: %d; want %d", tt.name, status, tt.status)
			}
			r.wantFetched(tt.name, tt.want)
		}
		r.reset()
		r.do("HEAD /c/" + r.token())
		r.wantFetched("HEAD", false)
		r.do("HEAD /c/"+r.token(), "Range: bytes=0-")
		r.wantFetched("HEAD of a range", false)
		r.do("GET /c/"+r.token(), "If-None-Match: *")
		r.wantFetched("not modified", false)
		r.do("GET /c/"+r.token(), "If-Match: \"x\"")
		r.wantFetched("a condition that fails", false)
	})
}

// reset forgets that the device has fetched anything.
func (r *rig) reset() {
	r.t.Helper()
	r.row()
	r.sql(`UPDATE device SET push = 0, state = 0`)
}

func TestAnotherLinkDoesNotGoOn(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		r.do("GET /c/"+r.token(), "Range: bytes=0-4")
		r.do("GET /c/"+r.token(), "Range: bytes=5-")
		r.wantFetched("the rest through another link", false)
	})
}

// LinkSDK 4 goes on where its connection was cut.
func TestDownloadThatIsCut(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		content := `{"a":"` + strings.Repeat("x", 64<<10-8) + `"}`
		r := newRig(t, e, content)
		line := "GET /c/" + r.token()
		got := 0
		for _, take := range []int{1000, 20_000, 1, 30_000} {
			c := r.dial()
			c.send(line, fmt.Sprintf("Range: bytes=%d-", got))
			c.head()
			part := make([]byte, take)
			if _, err := io.ReadFull(c.in, part); err != nil || string(part) != content[got:got+take] {
				t.Fatalf("bytes %d-: %v, or not those", got, err)
			}
			c.nc.Close()
			got += take
			r.wantFetched(fmt.Sprintf("%d bytes", got), false)
		}
		if _, body := r.do(line, fmt.Sprintf("Range: bytes=%d-", got)); body != content[got:] {
			t.Error("the rest is not the rest")
		}
		r.wantFetched("all of it", true)
	})
}

// The last byte in doubt is not a byte sent.
func TestDownloadThatIsCutAtItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		line := "GET /c/" + r.token()
		c := r.dial()
		c.send(line)
		c.nc.Close() // before the answer, which the server still has in hand
		r.wantFetched("cut", false)
		if status, _ := r.do(line, "Range: bytes=10-"); status != http.StatusPartialContent {
			t.Errorf("%d; want 206", status)
		}
	})
}

func TestFetchedIsOnRecordOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		line := "GET /c/" + r.token()
		r.do(line)
		r.wantFetched("once", true)
		r.do(line) // as C SDK 3.2 does, up to 22 times in five seconds
		r.do(line, "Range: bytes=3-")
		r.row()
		p, err := r.store.Push(t.Context(), r.push.No)
		r.must(err)
		if p.Fetched != 1 || p.Pending != 0 {
			t.Errorf("the push counts %+v; want one fetched", p.Counts)
		}
		events, err := r.store.Events(t.Context(), r.device.ID, store.EventKey{}, 10)
		r.must(err)
		if len(events) != 1 || events[0].Kind != cota.EventKind("fetched") || events[0].Push != r.push.No {
			t.Errorf("timeline %+v; want one line, fetched", events)
		}
	})
}

func TestFetchedBySomeoneRemoved(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		line := "GET /c/" + r.token()
		r.wait()
		r.sql(`DELETE FROM device`)
		if status, _ := r.do(line); status != http.StatusOK {
			t.Errorf("%d; want 200: a link needs no database", status)
		}
		r.must(r.store.Flush(t.Context()))
		p, err := r.store.Push(t.Context(), r.push.No)
		r.must(err)
		if p.Fetched != 0 {
			t.Errorf("the push counts %+v; want nothing of a device that is gone", p.Counts)
		}
	})
}

func TestBrokenDatabase(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		r.sql(`ALTER TABLE version RENAME TO hidden`)
		if status, body := r.do("GET /c/" + r.token()); status != http.StatusInternalServerError || body != "" {
			t.Errorf("%d %q; want 500", status, body)
		}
		if log := r.log.String(); strings.Count(log, "download failed") != 1 {
			t.Errorf("log %q; want one line", log)
		}
	})
}
