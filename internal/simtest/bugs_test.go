package simtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	bugsFlag = flag.String("bugs", "", "plant these bugs (a pattern of names) and see that each is caught")
	huntFlag = flag.Int("hunt", 40, "how many seeds may look for a planted bug")
)

// root is the module's directory, from here.
const root = "../.."

// bug is a fault to be planted: what it is, and by file the texts to replace.
// It is written like a patch, but found by its text and not by line numbers,
// so that it survives what happens around it.
type bug struct {
	name string
	what string
	in   map[string][]hunk
}

type hunk struct{ old, new string }

func bugs(t *testing.T) (all []*bug) {
	t.Helper()
	files, err := filepath.Glob("testdata/bugs/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bugs: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parseBug(strings.TrimSuffix(filepath.Base(file), ".patch"), string(text)))
	}
	return all
}

func parseBug(name, text string) *bug {
	what, patch, _ := strings.Cut(text, "\n--- ")
	b := &bug{name: name, what: strings.TrimSpace(what), in: make(map[string][]hunk)}
	for part := range strings.SplitSeq("\n"+patch, "\n--- ") {
		file, rest, _ := strings.Cut(strings.TrimPrefix(part, "\n"), "\n")
		for h := range strings.SplitSeq(rest, "@@\n") {
			if x := parseHunk(h); x.old != "" {
				b.in[file] = append(b.in[file], x)
			}
		}
	}
	return b
}

func parseHunk(text string) (h hunk) {
	for line := range strings.Lines(text) {
		switch line[0] {
		case '-':
			h.old += line[1:]
		case '+':
			h.new += line[1:]
		case ' ':
			h.old += line[1:]
			h.new += line[1:]
		}
	}
	return h
}

// plant is the text of a file with the bug in it.
func (b *bug) plant(file string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return nil, err
	}
	for _, h := range b.in[file] {
		if n := bytes.Count(text, []byte(h.old)); n != 1 {
			return nil, fmt.Errorf("%s is %d times in %s:\n%s", b.name, n, file, h.old)
		}
		text = bytes.Replace(text, []byte(h.old), []byte(h.new), 1)
	}
	return text, nil
}

// TestBugsFit sees to it that the bugs can still be planted.
func TestBugsFit(t *testing.T) {
	all := bugs(t)
	if len(all) < 12 {
		t.Errorf("%d bugs; want at least 12", len(all))
	}
	for _, b := range all {
		if b.what == "" || len(b.in) == 0 {
			t.Errorf("%s says nothing", b.name)
		}
		for file := range b.in {
			if _, err := b.plant(file); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestPlantedBugs builds the simulation with each bug in the server, and sees
// that some seed catches it.
func TestPlantedBugs(t *testing.T) {
	if *bugsFlag == "" {
		t.Skip("-bugs says which")
	}
	want := regexp.MustCompile(*bugsFlag)
	for _, b := range bugs(t) {
		if want.MatchString(b.name) {
			t.Run(b.name, func(t *testing.T) { b.hunt(t) })
		}
	}
}

// caught is how a run says that a promise was broken.
var caught = regexp.MustCompile(`CAUGHT (\d+) (.*?)(?: \[recovered.*)?\n`)

func (b *bug) hunt(t *testing.T) {
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for file := range b.in {
		text, err := b.plant(file)
		if err != nil {
			t.Fatal(err)
		}
		planted := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(planted, text, 0o600); err != nil {
			t.Fatal(err)
		}
		at, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][at] = planted
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "simtest")
	if out, err := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.Command(binary, "-test.run", "^TestSeeds$", "-test.timeout", "0", "-first", "1", "-seeds", fmt.Sprint(*huntFlag), "-until-broken", "-trace", "1").CombinedOutput()
	if err == nil {
		t.Fatalf("%d seeds have not caught it: %s", *huntFlag, b.what)
	}
	m := caught.FindSubmatch(out)
	if m == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("| %s | %s | %s | %s |", b.name, b.what, m[1], m[2])
}
