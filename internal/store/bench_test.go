package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// BenchmarkRecord records what devices of a push report, as fast as it is
// taken, in batches as they come. One op is one state that is on disk.
func BenchmarkRecord(b *testing.B) {
	for _, engine := range []string{storetest.SQLiteEngine, storetest.PostgresEngine} {
		for _, devices := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/devices=%d", engine, devices), func(b *testing.B) {
				s := storetest.OpenDSN(b, storetest.Database(b, engine))
				addProduct(b, s, pk)
				ids := addDevices(b, s, pk, devices)
				push := cota.Push{}
				rungs := []cota.Rung{cota.Sent, cota.Received, cota.Fetched, cota.Applied}
				var failed atomic.Int64
				done := func(err error) {
					if err != nil {
						failed.Add(1)
					}
				}
				before, _ := cpu()
				b.ResetTimer()
				for i := range b.N {
					if i%(len(ids)*len(rungs)) == 0 {
						must(b, s.Flush(b.Context()))
						push = addPush(b, s, pk, push.Version+1)
					}
					rung := rungs[i/len(ids)%len(rungs)]
					must(b, s.Record(b.Context(), store.Report{
						Device: ids[i*7919%len(ids)], At: t0, Kind: cota.EventKind(rung.String()),
						Push: push.No, Version: push.Version, Rung: rung, Done: done,
					}))
				}
				must(b, s.Flush(b.Context()))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "states/s")
				if after, ok := cpu(); ok {
					b.ReportMetric(float64((after-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
				}
				if n := failed.Load(); n > 0 {
					b.Errorf("%d reports failed", n)
				}
			})
		}
	}
}

// BenchmarkDeviceLogin looks up devices that sign in, in no order, one by one
// and together.
func BenchmarkDeviceLogin(b *testing.B) {
	for _, engine := range []string{storetest.SQLiteEngine, storetest.PostgresEngine} {
		for _, together := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("%s/together=%d", engine, together), func(b *testing.B) {
				s := storetest.OpenDSN(b, storetest.Database(b, engine))
				addProduct(b, s, pk)
				ids := addDevices(b, s, pk, 20_000)
				names := make([]string, together)
				before, _ := cpu()
				for n := 0; n < b.N; n += together {
					for i := range names {
						names[i] = fmt.Sprintf("dev-%06d", (n+i)*7919%len(ids)+1)
					}
					if together == 1 {
						_, _, err := s.DeviceLogin(b.Context(), pk, names[0])
						must(b, err)
						continue
					}
					found := 0
					must(b, s.DeviceLogins(b.Context(), pk, names, func(_ store.Login, _ string, err error) {
						must(b, err)
						found++
					}))
					if found != together {
						b.Fatalf("DeviceLogins found %d of %d", found, together)
					}
				}
				if after, ok := cpu(); ok {
					b.ReportMetric(float64((after-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
				}
			})
		}
	}
}
