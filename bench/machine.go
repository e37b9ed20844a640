package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is where and of what a run was made.
type machine struct {
	At      time.Time         `json:"at"`
	Took    string            `json:"took"`
	CPU     string            `json:"cpu"`
	Cores   int               `json:"cores"`
	Memory  string            `json:"memory"`
	Kernel  string            `json:"kernel"`
	Load    string            `json:"load"` // average when it began
	Files   string            `json:"files"`
	Of      map[string]string `json:"of"` // versions of what was measured
	Subject string            `json:"commit"`
}

func describe(ctx context.Context, r *rig) machine {
	m := machine{
		At: time.Now().Truncate(time.Second), Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: strings.TrimSpace(content("/proc/sys/kernel/osrelease")), Load: strings.Join(strings.Fields(content("/proc/loadavg"))[:3], " "),
		Files: limit("Max open files"), Subject: said(ctx, "git", "describe", "--always", "--dirty"),
	}
	m.Of = map[string]string{
		"cota": said(ctx, r.cota, "version"), "go": runtime.Version(), "gcc": said(ctx, "gcc", "-dumpfullversion"),
		"mosquitto": said(ctx, "mosquitto", "-h"), "nginx": said(ctx, "nginx", "-v"),
		"mochi": linked(filepath.Join(r.bin, "mochi"), "github.com/mochi-mqtt/server/v2"), "nats": linked(filepath.Join(r.bin, "nats"), "github.com/nats-io/nats-server/v2"),
	}
	return m
}

func content(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// field is the value of the first line "name : value" of a file.
func field(path, name string) string {
	for line := range strings.Lines(content(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// limit is a limit of this process.
func limit(name string) string {
	for line := range strings.Lines(content("/proc/self/limits")) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(rest)[0]
		}
	}
	return "unknown"
}

// said is the first line of what a program says.
func said(ctx context.Context, name string, args ...string) string {
	text, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() // mosquitto -h exits with 1
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "%s, in %s\n", m.At.Format(time.RFC3339), m.Took)
	fmt.Fprintf(w, "machine  %d cores of %s, %s, Linux %s; load average at the start %s; %s files a process\n", m.Cores, m.CPU, m.Memory, m.Kernel, m.Load, m.Files)
	fmt.Fprintf(w, "cota     %s, commit %s, %s\n", m.Of["cota"], m.Subject, m.Of["go"])
	fmt.Fprintf(w, "peers    %s; %s; mochi-mqtt %s; nats-server %s; C by gcc %s\n\n", m.Of["mosquitto"], m.Of["nginx"], m.Of["mochi"], m.Of["nats"], m.Of["gcc"])
}

// write prints the table, and keeps it as text and as JSON.
func write(t *table, m machine, dir string, quick bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := "full"
	if quick {
		name = "short"
	}
	file, err := os.Create(filepath.Join(dir, name+".txt"))
	if err != nil {
		return err
	}
	defer file.Close()
	out := io.MultiWriter(os.Stdout, file)
	m.print(out)
	t.print(out)
	whole, err := json.MarshalIndent(struct {
		Machine machine   `json:"machine"`
		Figures []*figure `json:"figures"`
	}{m, t.figures}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(whole, '\n'), 0o644); err != nil {
		return err
	}
	return t.plot(dir)
}

// linked is the version of a module that a program was built with.
func linked(program, module string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "not built"
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}
