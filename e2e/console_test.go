package e2e

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotahq/cota/internal/store"
)

// web holds the console's sources, and the scenarios that are played on it.
const web = "../internal/console/web"

// TestConsole plays the scenarios of the web console in a real browser, each on
// a real server with simulated devices.
func TestConsole(t *testing.T) {
	p := startPlayers(t)
	files, err := filepath.Glob(web + "/e2e/scenarios/*.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scenarios: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".mjs")
		t.Run(name, func(t *testing.T) {
			if name != "fleet" { // it measures time, so it has the machine for itself
				t.Parallel()
			}
			if failure := p.play(t, name); failure != "" {
				t.Error(failure)
			}
		})
	}
}

// players is the process that plays scenarios, any number at once.
type players struct {
	in   io.Writer
	done chan struct{} // closed when the process says no more

	mu      sync.Mutex
	waiting map[string]chan<- string // who waits for the failure of a scenario; guarded by mu
}

// outcome is a line of main.mjs.
type outcome struct {
	Scenario string `json:"scenario"`
	Failure  string `json:"failure"`
}

func startPlayers(t *testing.T) *players {
	t.Helper()
	needBrowser(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	expire := httptest.NewServer(http.HandlerFunc(expireCode))
	t.Cleanup(expire.Close)
	cmd := exec.Command("node", web+"/e2e/main.mjs", "--ask")
	cmd.Env = append(os.Environ(), "COTA_BIN="+path, "COTA_TEST_EXPIRE="+expire.URL)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &players{in: in, done: make(chan struct{}), waiting: make(map[string]chan<- string)}
	go p.listen(out)
	t.Cleanup(func() {
		in.Close()
		<-p.done
		if err := cmd.Wait(); err != nil {
			t.Errorf("main.mjs ended with %v", err)
		}
	})
	return p
}

// needBrowser skips a test where there is no browser, or no console to show.
func needBrowser(t *testing.T) {
	t.Helper()
	var why string
	if os.Getenv("COTA_TEST_BROWSER") == "" {
		why = "COTA_TEST_BROWSER does not name a browser"
	} else if _, err := os.Stat("../internal/console/dist/index.html"); err != nil {
		why = "the console is not built"
	} else if _, err := os.Stat(web + "/node_modules/playwright-core"); err != nil {
		why = "playwright-core is not installed"
	}
	if why != "" {
		skip(t, why)
	}
}

// play has a scenario played, and returns what went wrong in it.
func (p *players) play(t *testing.T, name string) string {
	t.Helper()
	failure := make(chan string, 1)
	p.mu.Lock()
	p.waiting[name] = failure
	_, err := io.WriteString(p.in, name+"\n")
	p.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-failure:
		return text
	case <-p.done:
		return "main.mjs ended before the scenario did"
	case <-time.After(2 * patience): // steps have bounds of their own, which say more
		return fmt.Sprintf("the scenario did not end in %v", 2*patience)
	}
}

// listen gives each outcome to who waits for it.
func (p *players) listen(out io.Reader) {
	defer close(p.done)
	scan := bufio.NewScanner(out)
	for scan.Buffer(nil, 1<<20); scan.Scan(); {
		var o outcome
		if json.Unmarshal(scan.Bytes(), &o) != nil {
			continue
		}
		p.mu.Lock()
		if w := p.waiting[o.Scenario]; w != nil {
			w <- o.Failure
			delete(p.waiting, o.Scenario)
		}
		p.mu.Unlock()
	}
}

// expireCode answers a scenario that wants the code of a challenge to have
// expired, of the server with this data directory. No policy has a code live
// for less than a minute, so what changes is when it was sent.
func expireCode(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Data, Challenge string }
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err == nil {
		err = ageCode(r.Context(), asked.Data, asked.Challenge)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// ageCode makes the code of a challenge an hour older, beside the server.
func ageCode(ctx context.Context, dir, challenge string) (err error) {
	text, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{DSN: filepath.Join(dir, "cota.db"), Key: key, Log: slog.New(slog.DiscardHandler), Guest: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	return s.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Challenge(ctx, challenge)
		if err != nil {
			return err
		}
		c.SentAt = c.SentAt.Add(-time.Hour)
		return tx.PutChallenge(ctx, c)
	})
}
