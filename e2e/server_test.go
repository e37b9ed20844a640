package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// patience bounds what a test waits for; it is long because machines are slow.
const patience = 2 * time.Minute

const adminPassword = "correct horse battery"

// binary is the cota command, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cota-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cota")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/cota").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// skip ends a test for which something is missing on this machine. It fails
// where everything must be tested.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("COTA_TEST_REQUIRE") == "all" {
		t.Fatalf("COTA_TEST_REQUIRE=all, but %s", why)
	}
	t.Skip(why)
}

// server is a cota serve that runs as a process of its own.
type server struct {
	t     *testing.T
	dir   string
	db    string    // "" for SQLite in dir
	ports [3]string // host:port of the management, MQTT and file doors; the same after a restart
	flags []string  // beside those that every server here has
	cmd   *exec.Cmd
	lines chan string // what it prints
	log   *syncBuffer
	*client.Client
}

// start runs a server on new data in SQLite.
func start(t *testing.T) *server {
	t.Helper()
	return startOn(t, "")
}

// startOn runs a server on a database.
func startOn(t *testing.T, db string) *server {
	t.Helper()
	return startWith(t, &server{dir: t.TempDir(), db: db})
}

// startWith runs a server with the data directory, the database and the flags
// that s has already.
func startWith(t *testing.T, s *server) *server {
	t.Helper()
	s.t, s.log = t, new(syncBuffer)
	for i := range s.ports {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.ports[i] = ln.Addr().String()
		ln.Close()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("server log:\n%s", s.log)
		}
	})
	s.run()
	t.Cleanup(s.stop)
	s.Client = client.New("http://"+s.ports[0], s.token())
	return s
}

// token is a token of the administrator, made as on the server's own machine.
func (s *server) token() string {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, "token", "add", "--local", "--data", s.dir, "--db", s.db, "e2e")
	cmd.Stderr = s.log
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("token add --local: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// run starts the process and waits until it serves.
func (s *server) run() {
	s.t.Helper()
	s.launch()
	s.await("files ")
}

// launch starts the process.
func (s *server) launch() {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	args := []string{"serve", "--data", s.dir, "--http", s.ports[0], "--mqtt", s.ports[1], "--files", s.ports[2], "--push-rate", "0"}
	s.cmd = exec.Command(path, append(args, s.flags...)...)
	s.cmd.Env = append(os.Environ(), "COTA_ADMIN_PASSWORD="+adminPassword, "COTA_DB="+s.db)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.lines = make(chan string, 100)
	go func() {
		defer close(s.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
}

// await waits for a line that the server prints.
func (s *server) await(prefix string) {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("the server ended before it printed %q:\n%s", prefix, s.log)
			}
			if strings.HasPrefix(line, prefix) {
				return
			}
		case <-timeout:
			s.t.Fatalf("the server did not print %q", prefix)
		}
	}
}

// kill ends the server as a loss of power would, as far as a process can.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Wait() // says that it was killed
}

// stop ends the server as an operator would, and sees that it ends well.
func (s *server) stop() {
	s.t.Helper()
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		s.t.Errorf("the server took %v to end; want at most 5 s", took)
	}
}

// productWithDevice adds a product that is switched on, and a device.
func (s *server) productWithDevice(name string) (product string, d cota.Credentials) {
	s.t.Helper()
	p, err := s.AddProduct(s.t.Context(), "", name)
	if err != nil {
		s.t.Fatal(err)
	}
	s.switchTo(p.Key, true)
	all, err := s.AddDevices(s.t.Context(), p.Key, name+"-1")
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Key, all[0]
}

func (s *server) switchTo(product string, on bool) {
	s.t.Helper()
	if _, err := s.SetConfig(s.t.Context(), product, client.ConfigPatch{Enabled: &on}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) saveAndPush(product, text string) cota.Push {
	s.t.Helper()
	if _, err := s.SaveVersion(s.t.Context(), product, client.Draft{Content: text}); err != nil {
		s.t.Fatal(err)
	}
	p, err := s.StartPush(s.t.Context(), product, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// eventuallyAt waits until a device stands on a rung.
func (s *server) eventuallyAt(product, name string, rung cota.Rung) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		d, err := s.Device(ctx, product, name)
		if err == nil && d.State != rung {
			err = fmt.Errorf("device %s is %v; want %v", name, d.State, rung)
		}
		return err
	})
}

// eventually waits until check finds nothing wrong. It looks again and again
// because what it waits for happens in another process.
func eventually(t *testing.T, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// syncBuffer is what a process wrote so far.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var _ io.Writer = (*syncBuffer)(nil)
