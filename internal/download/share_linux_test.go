package download

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestShare(t *testing.T) {
	if f := share(make([]byte, minShared-1)); f != nil {
		t.Error("a small file is shared; want it copied")
	}
	content := bytes.Repeat([]byte("x"), minShared)
	f := share(content)
	if f == nil {
		t.Fatal("share = nil; want a file")
	}
	defer f.Close()
	got, err := io.ReadAll(io.NewSectionReader(f, 0, 2*minShared))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("it has %d bytes, %v; want the content", len(got), err)
	}
	if _, err := f.WriteAt([]byte("y"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("WriteAt = %v; want EPERM: nobody may change it", err)
	}
	if err := f.Truncate(1); !errors.Is(err, unix.EPERM) {
		t.Errorf("Truncate = %v; want EPERM", err)
	}
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %x, %v; want it closed in programs that are started", flags, err)
	}
}

// However many files are served, few are kept open.
func TestSharedFilesAreClosed(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	ctl, err := control.New(ctx, control.Options{Store: storetest.SQLite(t), FilesURL: "http://files.example.com", Log: log})
	must(t, err)
	h := New(Options{Control: ctl, Log: log})
	on, all := true, []*file{}
	for i := range cached + 3 {
		p, _, err := ctl.AddProduct(ctx, control.System, cota.DefaultInstance, "meter "+strconv.Itoa(i))
		must(t, err)
		must(t, ctl.SetConfig(ctx, control.System, p.Key, &on, nil))
		v, err := ctl.SaveVersion(ctx, control.System, p.Key, control.Draft{Content: `["` + strings.Repeat("x", minShared) + `"]`})
		must(t, err)
		g := cota.Grant{Product: p.Key, Version: v.Number, Expires: time.Now().Add(time.Hour)}
		f, err := h.open(ctx, g)
		must(t, err)
		all = append(all, f)
	}
	open := 0
	for _, f := range all {
		if _, err := f.shared.Stat(); err == nil {
			open++
		} else if !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	if open != cached {
		t.Errorf("%d of %d files are open; want %d", open, len(all), cached)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
