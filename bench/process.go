package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program that is measured from outside.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	log  string // file of what it wrote to standard error
	pids []int  // its own, and of those that work for it
}

// startProcess starts a program that is killed when ctx ends.
func startProcess(ctx context.Context, log string, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), log: log}
	p.cmd.Env = append(os.Environ(), env...)
	errs, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	p.cmd.Stderr = errs
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.pids = []int{p.cmd.Process.Pid}
	return p, nil
}

// stopTimeout is how long a program may take to end before it is killed.
const stopTimeout = 20 * time.Second

// stop ends the program.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	p.in.Close()
	timer := time.AfterFunc(stopTimeout, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	go io.Copy(io.Discard, p.out)
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil // how a program ends that was told to is its own affair
}

// adopt counts the children of the program as part of it.
func (p *process) adopt() error {
	pid := p.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	p.pids = []int{pid}
	for _, f := range strings.Fields(string(text)) {
		child, err := strconv.Atoi(f)
		if err != nil {
			return err
		}
		p.pids = append(p.pids, child)
	}
	return nil
}

// cpu is what the program has spent since it started, to the nanosecond: the
// kernel's own clock of the process, as clock_getcpuclockid(3) finds it.
func (p *process) cpu() (all time.Duration, err error) {
	for _, pid := range p.pids {
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
			return 0, fmt.Errorf("CPU clock of %s: %w%s", p.cmd.Path, err, p.lastWords())
		}
		all += time.Duration(t.Nano())
	}
	return all, nil
}

// lastWords is the end of what the program wrote to standard error.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil || len(text) == 0 {
		return ""
	}
	return "; it said: " + string(text[max(0, len(text)-1000):])
}

// resident is the memory that the program occupies now, counted page by page.
func (p *process) resident() (float64, error) { return p.memory("smaps_rollup", "Rss:") }

// peak is the most that it has occupied.
func (p *process) peak() (float64, error) { return p.memory("status", "VmHWM:") }

func (p *process) memory(file, field string) (all float64, err error) {
	for _, pid := range p.pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			return 0, err
		}
		_, after, _ := strings.Cut(string(text), "\n"+field)
		words := strings.Fields(after)
		if len(words) == 0 {
			return 0, fmt.Errorf("/proc/%d/%s has no %s", pid, file, field)
		}
		kb, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			return 0, err
		}
		all += kb * 1024
	}
	return all, nil
}

// A program is quiet when it has spent next to nothing for a while.
const (
	quietLook    = 20 * time.Millisecond
	quietFor     = 200 * time.Millisecond
	quietCPU     = time.Millisecond
	quietTimeout = time.Minute
)

// quiet waits until the program has no more to do, and returns its CPU clock.
func (p *process) quiet(ctx context.Context) (time.Duration, error) {
	deadline := time.Now().Add(quietTimeout)
	mark, err := p.cpu()
	since := time.Now()
	for err == nil {
		if err = pause(ctx, quietLook); err != nil {
			break
		}
		var now time.Duration
		now, err = p.cpu()
		switch {
		case now-mark > quietCPU:
			mark, since = now, time.Now()
		case time.Since(since) >= quietFor:
			return now, err
		}
		if time.Now().After(deadline) {
			return now, fmt.Errorf("%s does not come to rest", p.cmd.Path)
		}
	}
	return 0, err
}

// spends is the CPU that the process spends on what do has it do, until it is
// quiet again.
func (p *process) spends(ctx context.Context, do func() error) (time.Duration, error) {
	before, err := p.quiet(ctx)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := p.quiet(ctx)
	return after - before, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// startTimeout is how long a server may take to answer.
const startTimeout = 2 * time.Minute

// await waits until ok says that a server is there.
func await(ctx context.Context, p *process, ok func() bool) error {
	for deadline := time.Now().Add(startTimeout); !ok(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer%s", p.cmd.Path, p.lastWords())
		}
		if _, err := p.cpu(); err != nil {
			return err
		}
		if err := pause(ctx, quietLook); err != nil {
			return err
		}
	}
	return nil
}

// listens says whether somebody listens at an address of this machine,
// without connecting to it.
func listens(addr netip.AddrPort) bool {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	const listening = "0A"
	port := fmt.Sprintf(":%04X", addr.Port())
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], port) && f[3] == listening {
			return true
		}
	}
	return false
}

// freeAddr is an address on which nobody listens.
func freeAddr() (netip.AddrPort, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort(), nil
}
