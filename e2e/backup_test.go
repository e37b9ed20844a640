package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/sim"
)

// command runs the command on this machine, and returns what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "COTA_DB=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestBackupUnderLoad backs up a server three times while it carries out a push
// to 1,000 devices and operators save versions. Each backup holds everything
// that an operator had been told when it began, has counts that equal a
// recount, and serves again: every device then comes to have the push.
func TestBackupUnderLoad(t *testing.T) {
	const devices = 1_000
	s := start(t)
	product, _ := s.productWithDevice("backup")
	busy, _ := s.productWithDevice("busy")
	all, err := s.AddNumberedDevices(t.Context(), product, "dev-", devices)
	if err != nil {
		t.Fatal(err)
	}
	connecting := sim.Options{Server: s.ports[1], ProductKey: product, ApplyMax: 5 * time.Second, Seed: 1, Log: slog.New(slog.DiscardHandler)}
	for _, d := range all {
		connecting.Devices = append(connecting.Devices, sim.Credentials{Name: d.Name, Secret: d.Secret})
	}
	crowd := sim.Run(t.Context(), connecting)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := crowd.WaitUntil(ctx, func(st sim.Stats) bool { return st.Connected == devices }); err != nil {
		t.Fatalf("%v: %+v", err, crowd.Stats())
	}
	saves := saveUntilEnded(t, s, busy)
	push := s.saveAndPush(product, `{"survives": true}`)

	type copied struct {
		file    string
		told    int64 // versions of busy that were saved before the backup began
		applied int64 // devices of the push that had applied it then
	}
	var backups []copied
	for n := range int64(3) {
		eventually(t, func(ctx context.Context) error {
			p, err := s.Push(ctx, push.No)
			if err == nil && p.Applied < n*devices/4 {
				err = fmt.Errorf("%d have applied before backup %d", p.Applied, n)
			}
			return err
		})
		p, err := s.Push(t.Context(), push.No)
		if err != nil {
			t.Fatal(err)
		}
		b := copied{filepath.Join(t.TempDir(), "cota.backup"), saves.told(), p.Applied}
		if out, err := command(t, "backup", "--data", s.dir, b.file); err != nil {
			t.Fatalf("backup: %v\n%s", err, out)
		}
		backups = append(backups, b)
		if out, err := command(t, "doctor", "--data", s.dir); err != nil {
			t.Errorf("doctor under load: %v\n%s", err, out)
		}
	}
	told := saves.end()
	crowd.Close()
	s.kill()

	key, err := os.ReadFile(filepath.Join(s.dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	for n, b := range backups {
		s.dir = filepath.Join(t.TempDir(), "data")
		if out, err := command(t, "restore", "--data", s.dir, b.file); err != nil {
			t.Fatalf("restore: %v\n%s", err, out)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "master.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := command(t, "doctor", "--data", s.dir); err != nil {
			t.Errorf("doctor of backup %d: %v\n%s", n+1, err, out)
		}
		s.run()
		config, err := s.Config(t.Context(), busy)
		if err != nil {
			t.Fatal(err)
		}
		if config.Current == nil || config.Current.Number < b.told || config.Current.Number > told {
			t.Errorf("backup %d has version %+v; want one from %d, as was told, to %d", n+1, config.Current, b.told, told)
		}
		p, err := s.Push(t.Context(), push.No)
		if err != nil || p.Applied < b.applied {
			t.Errorf("backup %d: %d have applied, %v; want at least %d, as was told", n+1, p.Applied, err, b.applied)
		}
		s.recount(product, push.No)
		if n == len(backups)-1 {
			break // this one serves on
		}
		s.kill()
	}
	again := sim.Run(t.Context(), connecting)
	defer again.Close()
	// What devices that had fetched said afterwards was lost: they are not told
	// again. All others are.
	eventually(t, func(ctx context.Context) error {
		p, err := s.Push(ctx, push.No)
		if err == nil && p.Applied+p.Fetched != devices {
			err = fmt.Errorf("push is %+v; want all %d fetched or applied", p.Counts, devices)
		}
		return err
	})
}

// saving is an operator who saves one version after the other.
type saving struct {
	stop func()
	done sync.WaitGroup
	mu   sync.Mutex
	last int64 // version whose saving was answered; guarded by mu
}

func saveUntilEnded(t *testing.T, s *server, product string) *saving {
	ctx, stop := context.WithCancel(t.Context())
	o := &saving{stop: stop}
	o.done.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			v, err := s.SaveVersion(ctx, product, client.Draft{Content: fmt.Sprintf(`{"n": %d, "text": %q}`, n, strings.Repeat("x", 1000))})
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("save %d: %v", n, err)
				return
			}
			o.mu.Lock()
			o.last = v.Number
			o.mu.Unlock()
		}
	})
	t.Cleanup(func() { o.end() })
	return o
}

func (o *saving) told() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// end ends the saving, and returns how many versions there can be.
func (o *saving) end() int64 {
	o.stop()
	o.done.Wait()
	return o.told() + 1 // the last was not answered, and may be there all the same
}
