package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/sim"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestPushSurvivesCrashes kills the server three times in the middle of a push
// to 10,000 registered devices of which 2,000 are connected: in the end each
// of these has applied, and the counts equal a recount.
func TestPushSurvivesCrashes(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { pushSurvivesCrashes(t, "") })
	t.Run("postgres", func(t *testing.T) { pushSurvivesCrashes(t, storetest.Database(t, storetest.PostgresEngine)) })
}

func pushSurvivesCrashes(t *testing.T, db string) {
	const registered, connected, crashes = 10_000, 2_000, 3
	s := startOn(t, db)
	product, _ := s.productWithDevice("crash")
	all, err := s.AddNumberedDevices(t.Context(), product, "dev-", registered-1)
	if err != nil {
		t.Fatal(err)
	}
	devices := make([]sim.Credentials, connected)
	for i := range devices {
		devices[i] = sim.Credentials{Name: all[i].Name, Secret: all[i].Secret}
	}
	crowd := sim.Run(t.Context(), sim.Options{
		Server: s.ports[1], ProductKey: product, Devices: devices, ApplyMax: 3 * time.Second, Seed: 1,
		Log: slog.New(slog.DiscardHandler),
	})
	defer crowd.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := crowd.WaitUntil(ctx, func(st sim.Stats) bool { return st.Connected == connected }); err != nil {
		t.Fatalf("%v: %+v", err, crowd.Stats())
	}
	push := s.saveAndPush(product, `{"survives": true}`)

	for n := 1; n <= crashes; n++ {
		// In the middle of it: some have applied since the last crash.
		want := int64(n * connected / (crashes + 1))
		eventually(t, func(ctx context.Context) error {
			p, err := s.Push(ctx, push.No)
			if err == nil && p.Applied < want {
				err = fmt.Errorf("%d devices have applied before crash %d; want %d", p.Applied, n, want)
			}
			return err
		})
		before, err := s.Push(t.Context(), push.No)
		if err != nil {
			t.Fatal(err)
		}
		s.kill()
		s.run()
		after, err := s.Push(t.Context(), push.No)
		if err != nil {
			t.Fatal(err)
		}
		if after.Applied < before.Applied {
			t.Errorf("crash %d lost reports: %d applied before, %d after", n, before.Applied, after.Applied)
		}
	}
	eventually(t, func(ctx context.Context) error {
		p, err := s.Push(ctx, push.No)
		if err == nil && p.Applied != connected {
			err = fmt.Errorf("push is %+v; want %d applied", p.Counts, connected)
		}
		return err
	})
	s.recount(product, push.No)
}

// recount compares the counts of a push with where its devices stand, asked
// one by one through the API.
func (s *server) recount(product string, no int64) {
	s.t.Helper()
	p, err := s.Push(s.t.Context(), no)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := s.standing(no); got != p.Counts {
		s.t.Errorf("the push of product %s in %s counts %+v; its devices stand at %+v", product, filepath.Base(s.dir), p.Counts, got)
	}
}

// standing counts where the devices of a push stand, those included that were
// added since it began.
func (s *server) standing(no int64) (got cota.Counts) {
	s.t.Helper()
	for d, err := range s.PushDevices(s.t.Context(), no, nil) {
		if err != nil {
			s.t.Fatal(err)
		}
		got.Total++
		switch d.State {
		case cota.Pending:
			got.Pending++
		case cota.Sent:
			got.Sent++
		case cota.Received:
			got.Received++
		case cota.Fetched:
			got.Fetched++
		case cota.Applied:
			got.Applied++
		case cota.Failed:
			got.Failed++
		}
	}
	return got
}
