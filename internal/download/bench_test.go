package download_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/download"
	"github.com/cotahq/cota/internal/store/storetest"
)

// BenchmarkDownload compares what the handler takes for a link that is served,
// refused, or put off: all but the first must be cheaper.
func BenchmarkDownload(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	ctl, p, v := benchControl(b, 4000)
	token := func(product string, expires time.Time) string {
		return string(ctl.AppendToken(nil, &control.Device{ID: 1, Product: product}, control.Offer{Version: &v, Expires: expires}))
	}
	later := time.Now().Add(time.Hour)
	for _, bm := range []struct {
		name, token string
		bound       int
		want        int
	}{
		{"served", token(p.Key, later), 0, http.StatusOK},
		{"expired", token(p.Key, time.Unix(1e9, 0)), 0, http.StatusForbidden},
		{"invalid", strings.Repeat("A", cota.TokenLen), 0, http.StatusForbidden},
		{"gone", token("a1nothing00", later), 0, http.StatusForbidden},
		{"put off", token(p.Key, time.Unix(1e9, 0)), 1, http.StatusTooManyRequests},
	} {
		b.Run(bm.name, func(b *testing.B) {
			h := download.New(download.Options{Control: ctl, Log: log, RefusalsPerAddress: bm.bound, RefusalsPerDevice: bm.bound})
			r := httptest.NewRequest(http.MethodGet, "http://files.example.com/c/"+bm.token, nil)
			h.ServeHTTP(httptest.NewRecorder(), r) // what is remembered from then on
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != bm.want {
					b.Fatalf("%d; want %d", w.Code, bm.want)
				}
			}
		})
	}
}

// benchControl has one product with a version of a size.
func benchControl(b *testing.B, size int) (*control.Control, cota.Product, cota.Version) {
	b.Helper()
	ctl, err := control.New(b.Context(), control.Options{
		Store: storetest.SQLite(b), FilesURL: "http://files.example.com", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	p, _, err := ctl.AddProduct(b.Context(), control.System, cota.DefaultInstance, "meter")
	if err != nil {
		b.Fatal(err)
	}
	on := true
	if err := ctl.SetConfig(b.Context(), control.System, p.Key, &on, nil); err != nil {
		b.Fatal(err)
	}
	v, err := ctl.SaveVersion(b.Context(), control.System, p.Key, control.Draft{Content: `["` + strings.Repeat("x", size-4) + `"]`})
	if err != nil {
		b.Fatal(err)
	}
	return ctl, p, v
}
