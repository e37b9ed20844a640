package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cota": main})
}

// TestScripts runs the command as people do. A script finds free addresses in
// $HTTP, $MQTT and $FILES, and waits for a server with "ready".
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"HTTP", "MQTT", "FILES"} {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				e.Setenv(name, ln.Addr().String())
				ln.Close()
			}
			e.Setenv("COTA_URL", "http://"+e.Getenv("HTTP"))
			e.Setenv("COTA_ADMIN_PASSWORD", "correct horse battery")
			e.Setenv("COTA_PASSWORD", "correct horse battery")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "await": await, "token": token},
	})
}

// ready waits until the script's server serves.
func ready(ts *testscript.TestScript, neg bool, args []string) { poll(ts, "/readyz", "") }

// await waits until a line of the server's metrics begins so.
func await(ts *testscript.TestScript, neg bool, args []string) {
	poll(ts, "/metrics", "\n"+strings.Join(args, " ")+"\n")
}

// poll asks until the answer holds a text. It is another process, so there is
// nothing to wait for.
func poll(ts *testscript.TestScript, path, text string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := answers(ts.Getenv("COTA_URL")+path, text)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v", path, err)
		}
	}
}

func answers(url, text string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !strings.Contains(string(body), text)) {
		err = fmt.Errorf("status %s, and no %q", res.Status, text)
	}
	return err
}

// token puts what the last command printed, a token, into COTA_TOKEN.
func token(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile("stdout")
	ts.Setenv("COTA_TOKEN", text[:len(text)-1])
}
