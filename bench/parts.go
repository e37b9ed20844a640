package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

// measureParts measures what needs no network: making a device's message, and
// committing what devices report.
func measureParts(ctx context.Context, r *rig) error {
	for round := range r.sizes.rounds {
		progress("parts, round %d of %d", round+1, r.sizes.rounds)
		if err := measurePayload(r); err != nil {
			return fmt.Errorf("payload: %w", err)
		}
		if err := measureStates(ctx, r); err != nil {
			return fmt.Errorf("states: %w", err)
		}
	}
	return nil
}

// payloads are how many devices' messages are made in a round.
const payloads = 500_000

// measurePayload makes what one device is told: a link of its own in the
// message of the push.
func measurePayload(r *rig) error {
	signer, err := cota.NewSigner(cota.SigningKey{ID: 1, Secret: make([]byte, 32)})
	if err != nil {
		return err
	}
	template, err := alink.NewPushTemplate(alink.Config{
		ID: "1", ConfigID: fmt.Sprintf("%032x", 1), Size: smallFile, Sign: fmt.Sprintf("%064x", 1), URL: "http://files.example.com/c/",
	})
	if err != nil {
		return err
	}
	grant := cota.Grant{Product: "a1b2c3d4e5f", Version: 1, Push: 1, Expires: time.Now().Add(time.Hour)}
	token, message := make([]byte, 0, cota.TokenLen), make([]byte, 0, template.Len())
	tell := func() {
		grant.Device++
		token = signer.AppendToken(token[:0], grant)
		message = template.Append(message[:0], token)
	}
	r.table.add(linkAllocs, "each", "cota", testing.AllocsPerRun(1000, tell))
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &before); err != nil {
		return err
	}
	for range payloads {
		tell()
	}
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &after); err != nil {
		return err
	}
	r.table.add(linkTime, "ns", "cota", float64(after.Nano()-before.Nano())/payloads)
	return nil
}

// reported is what BenchmarkRecord of internal/store says.
var reported = regexp.MustCompile(`([\d.]+) (states/s|cpu-ns/op)`)

// measureStates runs the store's own benchmark: four reports of each of a
// hundred thousand devices, in random order.
func measureStates(ctx context.Context, r *rig) error {
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, "store.test"), "-test.run", "^$",
		"-test.bench", "^BenchmarkRecord$/^sqlite$/^devices=100000$", "-test.benchtime", fmt.Sprintf("%dx", r.sizes.states))
	cmd.Dir = r.dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	found := reported.FindAllSubmatch(text, -1)
	if len(found) == 0 {
		return fmt.Errorf("BenchmarkRecord said: %s", text)
	}
	for _, m := range found {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		if bytes.Equal(m[2], []byte("states/s")) {
			r.table.add(statesRate, "/s", "cota", v)
		} else {
			r.table.add(statesCPU, "us", "cota", v/1e3)
		}
	}
	return nil
}
