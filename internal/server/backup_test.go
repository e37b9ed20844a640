package server_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
)

// backedUp is a backup of the data of a server that has ended.
func backedUp(t *testing.T, b server.BackupOptions) (o server.Options, file string) {
	t.Helper()
	o = pushedTo(t, nil)
	b.File = filepath.Join(t.TempDir(), "cota.backup")
	if _, err := server.Backup(t.Context(), o, b); err != nil {
		t.Fatal(err)
	}
	return o, b.File
}

// into are options like o, with a directory that is not there.
func into(t *testing.T, o server.Options) server.Options {
	t.Helper()
	o.DataDir = filepath.Join(t.TempDir(), "data")
	return o
}

// wantFiles sees that a directory holds these files and nothing else.
func wantFiles(t *testing.T, what, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s: files %q; want %q", what, names, want)
	}
}

func masterKeyOf(t *testing.T, o server.Options) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.DataDir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBackupIsOneFileOfItsOwner(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{})
	wantFiles(t, "after a backup", filepath.Dir(file), "cota.backup")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key := bytes.TrimSpace(masterKeyOf(t, o))
	if bytes.Contains(text, key) {
		t.Error("the master key is in a backup that nobody wanted it in")
	}
	if _, err := server.Backup(t.Context(), o, server.BackupOptions{File: file}); cota.CodeOf(err) != cota.Exists {
		t.Errorf("over a file that is there: %v; want it refused", err)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, text) {
		t.Error("a refusal changed the file")
	}
	done, err := server.Backup(t.Context(), o, server.BackupOptions{File: file, Overwrite: true, WithKey: true})
	if err != nil || !done.WithKey || len(done.MasterKeys) > 0 {
		t.Errorf("with the key: %+v, %v; want it said, and not shown", done, err)
	}
	if text, err = os.ReadFile(file); err != nil || !bytes.Contains(text, key) {
		t.Errorf("the master key is not in the backup that it was wanted in (%v)", err)
	}
	wantFiles(t, "after two backups", filepath.Dir(file), "cota.backup")
}

func TestBackupRefuses(t *testing.T) {
	o := pushedTo(t, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "cota.backup")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		change func(*server.Options, *server.BackupOptions)
		want   string
	}{
		{"PostgreSQL", nil, func(o *server.Options, _ *server.BackupOptions) { o.DB = "postgres://h/d" }, "pg_dump"},
		{"no data", nil, func(o *server.Options, _ *server.BackupOptions) { o.DataDir = dir }, "there is no database"},
		{"a directory for a file", nil, func(_ *server.Options, b *server.BackupOptions) { b.File = t.TempDir() }, "no file"},
		{"a directory that is not there", nil, func(_ *server.Options, b *server.BackupOptions) { b.File = filepath.Join(dir, "no", "file") }, "no such file"},
		{"another master key", nil, func(o *server.Options, _ *server.BackupOptions) { o.MasterKey = strings.Repeat("ab", 32) }, "does not open with this master key"},
		{"one that was ended", cancelled, func(*server.Options, *server.BackupOptions) {}, "canceled"},
	} {
		o, b, ctx := o, server.BackupOptions{File: file}, t.Context()
		if tt.ctx != nil {
			ctx = tt.ctx
		}
		tt.change(&o, &b)
		if _, err := server.Backup(ctx, o, b); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want an error about %q", tt.name, err, tt.want)
		}
		wantFiles(t, tt.name, dir)
	}
}

func TestRestore(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{})
	to := into(t, o)
	r, err := server.Restore(t.Context(), to, file)
	if err != nil || r.HasKey {
		t.Fatalf("Restore() = %+v, %v; want it to say that the key is missing", r, err)
	}
	wantFiles(t, "restored", to.DataDir, "cota.db", "lock")
	if _, err := server.Open(t.Context(), servertestDoors(t, to)); err == nil || !strings.Contains(err.Error(), "master.key is missing") {
		t.Errorf("a server without the key: %v; want it refused", err)
	}
	if err := os.WriteFile(filepath.Join(to.DataDir, "master.key"), masterKeyOf(t, o), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := wrong(t, to); found != nil {
		t.Errorf("the doctor finds %q; want nothing", found)
	}
	s := servertest.Resume(t, to)
	if _, err := s.SignIn(t.Context(), "admin", servertest.AdminPassword); err != nil {
		t.Fatal(err)
	}
	p, err := s.Push(t.Context(), 1)
	if err != nil || p.Applied != 10 || p.Total != 20 {
		t.Errorf("the push is %+v, %v; want 10 of 20 applied, as backed up", p, err)
	}
}

// servertestDoors are options with doors of their own.
func servertestDoors(t *testing.T, o server.Options) server.Options {
	t.Helper()
	doors := servertest.Options(t)
	o.HTTP, o.MQTT, o.Files = doors.HTTP, doors.MQTT, doors.Files
	return o
}

func TestRestoreWithTheKey(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{WithKey: true})
	to := into(t, o)
	if r, err := server.Restore(t.Context(), to, file); err != nil || !r.HasKey || len(r.MasterKeys) > 0 {
		t.Fatalf("Restore() = %+v, %v; want the key there, and not shown", r, err)
	}
	if !bytes.Equal(masterKeyOf(t, to), masterKeyOf(t, o)) {
		t.Error("the master key differs")
	}
	if found := wrong(t, to); found != nil {
		t.Errorf("the doctor finds %q; want nothing", found)
	}
	servertest.Resume(t, to)
}

// A key that the operator has put there is looked at before anything is made.
func TestRestoreBesideAKey(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{})
	to := into(t, o)
	if err := os.Mkdir(to.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to.DataDir, "master.key")
	if err := os.WriteFile(path, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Restore(t.Context(), to, file); err == nil || !strings.Contains(err.Error(), "needs another master key") || strings.Contains(err.Error(), "abab") {
		t.Errorf("beside another key: %v; want it refused", err)
	}
	wantFiles(t, "refused", to.DataDir, "lock", "master.key")
	if err := os.WriteFile(path, masterKeyOf(t, o), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := server.Restore(t.Context(), to, file); err != nil || !r.HasKey {
		t.Errorf("beside the key: %+v, %v; want it done", r, err)
	}
	servertest.Resume(t, to)
}

// Whoever signed out after the backup was made stays signed out.
func TestRestoreEndsSessions(t *testing.T) {
	var o server.Options
	s := servertest.Start(t, func(p *server.Options) { o = *p })
	file := filepath.Join(t.TempDir(), "cota.backup")
	if _, err := server.Backup(t.Context(), o, server.BackupOptions{File: file, WithKey: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Me(t.Context()); err != nil {
		t.Fatalf("after a backup: %v; want the session to go on", err)
	}
	to := into(t, o)
	if _, err := server.Restore(t.Context(), to, file); err != nil {
		t.Fatal(err)
	}
	restored := servertest.Resume(t, to)
	again := s.Through(&http.Transport{DialContext: restored.DialManagement, DisableKeepAlives: true})
	if _, err := again.Me(t.Context()); cota.CodeOf(err) != cota.Unauthenticated {
		t.Errorf("with a session of before: %v; want it ended", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{})
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) string {
		path := filepath.Join(t.TempDir(), "cota.backup")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 0x10
	for _, tt := range []struct{ name, file, want string }{
		{"cut off", write(whole[:len(whole)-100]), "cut off"},
		{"cut to half", write(whole[:len(whole)/2]), "cut off"},
		{"damaged", write(damaged), "damaged"},
		{"no backup", write([]byte(strings.Repeat("no", 1000))), "no backup of cota"},
		{"empty", write(nil), "no backup of cota"},
		{"of a newer cota", write(bytes.Replace(whole, []byte(`"schema":`), []byte(`"schema":9`), 1)), "run the newer cota"},
		{"not there", filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		to := into(t, o)
		if _, err := server.Restore(t.Context(), to, tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want an error about %q", tt.name, err, tt.want)
		}
		if _, err := os.Stat(to.DataDir); !errors.Is(err, os.ErrNotExist) {
			wantFiles(t, tt.name, to.DataDir, "lock")
		}
	}

	postgres := o
	postgres.DB = "postgres://h/d"
	if _, err := server.Restore(t.Context(), postgres, file); err == nil || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("into PostgreSQL: %v; want it refused", err)
	}
	before, err := os.ReadFile(filepath.Join(o.DataDir, "cota.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Restore(t.Context(), o, file); cota.CodeOf(err) != cota.Exists {
		t.Errorf("into a directory with data: %v; want it refused", err)
	}
	if after, err := os.ReadFile(filepath.Join(o.DataDir, "cota.db")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a refusal changed the data (%v)", err)
	}
	other := into(t, o)
	if err := os.MkdirAll(filepath.Join(other.DataDir, "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Restore(t.Context(), other, file); cota.CodeOf(err) != cota.Exists || !strings.Contains(err.Error(), "photos") {
		t.Errorf("into somebody else's directory: %v; want it refused, by the name of what is there", err)
	}
	wantFiles(t, "somebody else's", other.DataDir, "photos")
}

// A restore that was killed leaves what the next one takes away.
func TestRestoreAfterOneThatWasKilled(t *testing.T) {
	o, file := backedUp(t, server.BackupOptions{WithKey: true})
	to := into(t, o)
	if err := os.Mkdir(to.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to.DataDir, "cota.db.restoring"), bytes.Repeat([]byte("x"), 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Restore(t.Context(), to, file); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, "restored", to.DataDir, "cota.db", "lock", "master.key")
	servertest.Resume(t, to)
}
