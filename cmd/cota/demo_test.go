package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"regexp"
	"testing"
	"time"
)

// TestDemo runs the demonstration twice: it pushes once, and the next start
// goes on with the same data.
func TestDemo(t *testing.T) {
	t.Setenv("COTA_ADMIN_PASSWORD", "")
	dir := t.TempDir()
	want := [][]string{{
		`^demo: 200 simulated devices of product smart-meter \(a1\w{9}\) are connected$`,
		`^push 1: 200 of 200 devices applied in [0-9.]+ s$`,
		`^management    http://127\.0\.0\.1:\d+ `,
		`^devices       mqtt://127\.0\.0\.1:\d+$`,
		`^files         http://127\.0\.0\.1:\d+$`,
		`^verification  not from this machine \(--demo\)`,
		`^first administrator: admin, password [A-Z2-7]{26} \(shown only now\)$`,
	}, {
		`^demo: 200 simulated devices of product smart-meter \(a1\w{9}\) are connected$`,
		`^management `, `^devices `, `^files `, `^verification `,
	}}
	for n, lines := range want {
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe()
		var errs bytes.Buffer
		code := make(chan int, 1)
		go func() {
			defer in.Close()
			code <- run(ctx, []string{
				"serve", "--demo", "--data", dir, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--files", "127.0.0.1:0",
			}, nil, in, &errs)
		}()
		scan := bufio.NewScanner(out)
		for _, line := range lines {
			if !scan.Scan() || !regexp.MustCompile(line).MatchString(scan.Text()) {
				t.Fatalf("start %d printed %q; want a line like %s", n+1, scan.Text(), line)
			}
		}
		stop()
		begin := time.Now()
		if scan.Scan() {
			t.Errorf("start %d also printed %q", n+1, scan.Text())
		}
		if got := <-code; got != exitOK {
			t.Errorf("start %d ended with %d:\n%s", n+1, got, &errs)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("start %d took %v to end; want at most 5 s", n+1, took)
		}
	}
}
