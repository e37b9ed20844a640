package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// disk is a small disk of a test's own, which it can fill and write-protect.
type disk struct {
	t    *testing.T
	path string
}

const diskSize = 16 << 20

// newDisk mounts a disk, which takes root.
func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	if err := syscall.Mount("cota-test", d.path, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		skip(t, fmt.Sprintf("a small disk cannot be mounted: %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.path, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return d
}

// fill leaves no room on the disk, until empty is called.
func (d *disk) fill() (empty func()) {
	d.t.Helper()
	ballast, err := os.Create(filepath.Join(d.path, "ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer ballast.Close()
	for _, size := range []int{64 << 10, 512} {
		for err = nil; err == nil; {
			_, err = ballast.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(ballast.Name()); err != nil {
			d.t.Error(err)
		}
	}
}

// protect makes the disk read-only.
func (d *disk) protect(on bool) {
	d.t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if on {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("cota-test", d.path, "tmpfs", flags, fmt.Sprintf("size=%d", diskSize)); err != nil {
		d.t.Fatal(err)
	}
}

// TestDiskFull fills the disk under a server in the middle of a push. Operators
// are told so, devices stay connected, and what they were acknowledged is
// there after a crash. With room on the disk everything goes on by itself.
func TestDiskFull(t *testing.T) {
	const devices = 20
	small := newDisk(t)
	s := startWith(t, &server{dir: small.path})
	o := &outage{server: s, book: newLedger(t)}
	o.meet(devices)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, w := range o.witnesses {
		all.Go(func() { w.work(ctx) })
	}
	eventually(t, func(context.Context) error { return o.connectedOnce(devices) })

	applied := o.pushHalf()
	empty := small.fill()
	refused := o.saveUntilRefused()
	if cota.CodeOf(refused) != cota.Unavailable || !strings.Contains(refused.Error(), "full") {
		t.Errorf("a save on a full disk: %v; want %s, and that the disk is full", refused, cota.Unavailable)
	}
	applied()
	eventually(t, func(context.Context) error { // some of what devices say has to wait
		if !strings.Contains(s.log.String(), "device reports wait for the database") {
			return errors.New("no report waits for the disk")
		}
		return nil
	})
	if err := o.connectedOnce(devices); err != nil {
		t.Error(err)
	}

	s.kill()
	told := o.book.answers()
	empty()
	s.run()
	took := o.recover()
	t.Logf("a save was refused with %q; %d of %d reports were acknowledged before the crash, and all were on record %v after there was room",
		refused, told, devices, took.Round(time.Millisecond))
}

// saveUntilRefused saves versions until there is no room for another.
func (o *outage) saveUntilRefused() error {
	o.t.Helper()
	for n := range 2000 {
		text := fmt.Sprintf(`{"large": %d, "pad": %q}`, n, strings.Repeat("x", 60_000))
		if _, err := o.SaveVersion(o.t.Context(), o.product, client.Draft{Content: text}); err != nil {
			return err
		}
	}
	return nil
}

// TestReadOnlyDisk starts a server on a disk that it cannot write to.
func TestReadOnlyDisk(t *testing.T) {
	small := newDisk(t)
	s := startWith(t, &server{dir: small.path})
	s.productWithDevice("readonly")
	s.stop()
	small.protect(true)
	serves, said := s.try()
	if serves {
		s.stop()
	}
	small.protect(false)
	if serves || !strings.Contains(said, "read-only") {
		t.Errorf("a server on a read-only disk says %q; want that it is read-only", said)
	}
	t.Logf("the server said: %s", said)
	s.run()
}

// try starts the server and says whether it serves, and what it said if it ended
// by itself.
func (s *server) try() (serves bool, said string) {
	s.t.Helper()
	before := len(s.log.String())
	s.launch()
	for line := range s.lines {
		if strings.HasPrefix(line, "files ") {
			return true, ""
		}
	}
	if err := s.cmd.Wait(); err == nil {
		s.t.Error("a server that could not start ended as if all were well")
	}
	return false, strings.TrimSpace(s.log.String()[before:])
}

// TestDamagedPage overwrites pages of the database, one at a time. The server
// says so, at its start or when it comes upon the damage, and never answers
// with what nobody has written.
func TestDamagedPage(t *testing.T) {
	const pageSize, devices, trials = 4096, 500, 12
	s := start(t)
	product, _ := s.productWithDevice("damaged")
	if _, err := s.AddNumberedDevices(t.Context(), product, "dev-", devices-1); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"pad": %q}`, strings.Repeat("x", 60_000))
	s.saveAndPush(product, text)
	s.stop()
	file := filepath.Join(s.dir, "cota.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seed := fromEnv(t, "COTA_TEST_SEED", time.Now().UnixNano())
	chance := rand.New(rand.NewPCG(uint64(seed), 0))
	refusals, found := 0, 0
	for range trials {
		page := chance.IntN(len(whole) / pageSize)
		damaged := slices.Clone(whole)
		for i := range pageSize {
			damaged[page*pageSize+i] = byte(chance.Uint32())
		}
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		serves, said := s.try()
		switch {
		case serves:
			found += s.seesDamage(product, text, devices)
			s.stop()
		case strings.Contains(said, "damaged"):
			refusals++
		default:
			t.Errorf("with page %d damaged the server says %q; want that the database is damaged", page, said)
		}
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run()
	t.Logf("seed %d: of %d damaged pages, one at a time, the server refused to start on %d and came upon %d later; the others hold nothing",
		seed, trials, refusals, found)
	if refusals == 0 {
		t.Error("the server started with every damaged page; want that it looks")
	}
}

// seesDamage asks for everything there is: it is as it was written, or the
// server says that it is damaged. It returns 1 if that was said.
func (s *server) seesDamage(product, text string, devices int) (found int) {
	s.t.Helper()
	v, err := s.Version(s.t.Context(), product, 1)
	n := 0
	for _, listed := range s.Devices(s.t.Context(), product, client.DeviceFilter{}) {
		if err = errors.Join(err, listed); listed == nil {
			n++
		}
	}
	switch {
	case err != nil && strings.Contains(err.Error(), "damaged"):
		return 1
	case err != nil:
		s.t.Errorf("on damaged data: %v; want that it is damaged", err)
	case v.Content != text || n != devices:
		s.t.Errorf("on damaged data there are %d devices, and %d bytes of configuration; want %d and %d", n, len(v.Content), devices, len(text))
	}
	return 0
}
