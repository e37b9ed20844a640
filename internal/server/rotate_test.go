package server_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver of boxOf

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// stopped is the data of a server that has ended, with n devices.
func stopped(t *testing.T, n int, change func(*server.Options)) (o server.Options, product string, devices []sim.Credentials) {
	t.Helper()
	s := servertest.Start(t, func(p *server.Options) {
		if change != nil {
			change(p)
		}
		o = *p
	})
	product, devices = fleet(t, s, n)
	s.Stop()
	return o, product, devices
}

// keysOf are the master keys in a file.
func keysOf(t *testing.T, path string) (keys [][]byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(text)) {
		key, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// wantOpen sees that every device's secret opens with these keys.
func wantOpen(t *testing.T, what, dsn string, keys [][]byte, product string, devices []sim.Credentials) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: keys[0], OldKeys: keys[1:], Guest: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	for _, d := range devices {
		if _, secret, err := s.DeviceLogin(t.Context(), product, d.Name); err != nil || secret != d.Secret {
			t.Fatalf("%s: secret of %s = %q, %v; want %q", what, d.Name, secret, err, d.Secret)
		}
	}
}

func TestRotateKey(t *testing.T) {
	o, product, devices := stopped(t, 300, nil)
	path, db := filepath.Join(o.DataDir, "master.key"), filepath.Join(o.DataDir, "cota.db")
	before := keysOf(t, path)
	if n, err := server.RotateKey(t.Context(), o); n < 300 || err != nil {
		t.Fatalf("RotateKey() = %d, %v; want at least 300 sealed anew", n, err)
	}
	after := keysOf(t, path)
	if len(after) != 1 || string(after[0]) == string(before[0]) {
		t.Errorf("there are %d keys in the file; want one, and new", len(after))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file is %v, %v; want 0600", info.Mode(), err)
	}
	wantOpen(t, "after", db, after, product, devices)
	servertest.Resume(t, o)
}

func TestRotateKeyRefuses(t *testing.T) {
	o, _, _ := stopped(t, 1, nil)
	path := filepath.Join(o.DataDir, "master.key")
	before := keysOf(t, path)
	other := o
	other.MasterKey = strings.Repeat("ab", 32)
	if _, err := server.RotateKey(t.Context(), other); cota.CodeOf(err) != cota.Forbidden {
		t.Errorf("with a key that is not in the directory: %v; want it refused", err)
	}
	servertest.Resume(t, o)
	if _, err := server.RotateKey(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("beside a server: %v; want it refused", err)
	}
	if after := keysOf(t, path); len(after) != 1 || string(after[0]) != string(before[0]) {
		t.Error("a refusal changed the key")
	}
}

// rotates is set in a process that only rotates the key of this directory.
const rotates = "COTA_TEST_ROTATE"

// TestRotateKeyIsKilled kills the rotation again and again, at a device
// further on each time.
func TestRotateKeyIsKilled(t *testing.T) {
	if dir := os.Getenv(rotates); dir != "" {
		if _, err := server.RotateKey(t.Context(), server.Options{DataDir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		return
	}
	o, product, devices := stopped(t, 2000, nil)
	path, db := filepath.Join(o.DataDir, "master.key"), filepath.Join(o.DataDir, "cota.db")
	added := func() bool { return len(keysOf(t, path)) == 2 }
	for !added() { // it is only for a moment
		killWhen(t, o.DataDir, added)
	}
	wantOpen(t, "killed once the key was added", db, keysOf(t, path), product, devices)
	for _, at := range []int{1, 600, 1100, 1600} {
		name := devices[at].Name
		old := boxOf(t, db, name)
		killWhen(t, o.DataDir, func() bool { return boxOf(t, db, name) != old })
		wantOpen(t, "killed at "+name, db, keysOf(t, path), product, devices)
	}
	if _, err := server.RotateKey(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	keys := keysOf(t, path)
	if len(keys) != 1 {
		t.Errorf("there are %d keys in the file; want one", len(keys))
	}
	wantOpen(t, "in the end", db, keys, product, devices)
}

// killWhen runs a rotation in a process of its own and kills it once it has
// come so far, or has ended.
func killWhen(t *testing.T, dir string, soFar func() bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRotateKeyIsKilled$")
	cmd.Env = append(os.Environ(), rotates+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !soFar() {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the rotation ended by itself with %v; want it to go on, or through", err)
			}
			return // it was faster than the looks at it
		default:
		}
	}
	cmd.Process.Kill() // fails only if it has ended
	<-ended
}

// boxOf is what the database holds of a device's secret.
func boxOf(t *testing.T, path, name string) (box string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT secret_sealed FROM device WHERE name = $1`, name).Scan(&box); err != nil {
		t.Fatal(err)
	}
	return box
}

// Servers that run are given the new key first beside the old one, and may lose
// the old one when everything is sealed anew.
func TestResealWhileServing(t *testing.T) {
	oldKey, newKey := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	o, product, devices := stopped(t, 300, func(o *server.Options) { o.MasterKey = oldKey })
	signIn := func(s *servertest.Server) {
		t.Helper()
		for _, d := range []sim.Credentials{devices[0], devices[299]} {
			w := &wire{t: t, s: s, product: product, device: d}
			w.signIn().Close()
		}
	}
	reseal := func(key string) error {
		local := o
		local.MasterKey = key
		_, err := server.ResealSecrets(t.Context(), local)
		return err
	}

	o.MasterKey = oldKey + "," + newKey
	s := servertest.Resume(t, o)
	signIn(s)
	if err := reseal(newKey + "," + oldKey); cota.CodeOf(err) != cota.InUse {
		t.Errorf("beside a server that seals with the old key: %v; want it refused", err)
	}
	s.Stop()

	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%s\n%s\n", newKey, oldKey), 0o600); err != nil {
		t.Fatal(err)
	}
	o.MasterKey, o.MasterKeyFile = "", file
	s = servertest.Resume(t, o)
	signIn(s)
	o.MasterKeyFile = ""
	if err := reseal(newKey + "," + oldKey); err != nil {
		t.Error(err)
	}
	signIn(s)
	s.Stop()

	o.MasterKey = newKey
	signIn(servertest.Resume(t, o))
}

func TestMasterKeysThatCannotBeRead(t *testing.T) {
	key := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name, key, file, want string
	}{
		{"short", key[:62], "", "the master key must be 64 hexadecimal digits"},
		{"not hexadecimal", strings.Repeat("xy", 32), "", "the master key must be 64 hexadecimal digits"},
		{"the second is short", key + "," + key[:62], "", "the master key must be 64 hexadecimal digits"},
		{"none but commas", " , ", "", "the master key must hold 1 to 16 keys"},
		{"too many", strings.Repeat(key+",", 17), "", "the master key must hold 1 to 16 keys"},
		{"twice", key, "file", "given twice"},
		{"a file that is not there", "", "nowhere", "read the master key: open nowhere"},
	} {
		o := servertest.Options(t)
		o.MasterKey, o.MasterKeyFile = tt.key, tt.file
		_, err := server.Open(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "abab") {
			t.Errorf("%s: Open() = %v; want an error about %q that shows no key", tt.name, err, tt.want)
		}
	}
}

// On PostgreSQL a server may run elsewhere, where the new key is not.
func TestRotateKeyOfASharedDatabase(t *testing.T) {
	db := storetest.Database(t, storetest.PostgresEngine)
	o, product, devices := stopped(t, 10, func(o *server.Options) { o.DB = db })
	elsewhere := o
	elsewhere.DataDir = t.TempDir()
	path := filepath.Join(o.DataDir, "master.key")
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere.DataDir, "master.key"), copied, 0o600); err != nil {
		t.Fatal(err)
	}
	s := servertest.Resume(t, elsewhere)
	if _, err := server.RotateKey(t.Context(), o); cota.CodeOf(err) != cota.InUse {
		t.Errorf("beside a server elsewhere: %v; want it refused", err)
	}
	if len(keysOf(t, path)) != 1 {
		t.Error("a refusal added a key")
	}
	s.Stop()
	if n, err := server.RotateKey(t.Context(), o); n < 10 || err != nil {
		t.Errorf("RotateKey() = %d, %v; want at least 10 sealed anew", n, err)
	}
	wantOpen(t, "after", db, keysOf(t, path), product, devices)
}
