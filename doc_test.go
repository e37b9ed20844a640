package cota_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that doc/security.md names, by itself or with the case that shows
// it, is there.
func TestSecurityPageNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("doc/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 50 {
		t.Errorf("the page names %d tests; want one for each of many lines", len(named))
	}
	for _, m := range named {
		if !strings.Contains(sources.String(), "\nfunc "+m[1]+"(") {
			t.Errorf("doc/security.md names %s, which is not there", m[1])
		}
	}
	// Each line of a table says which item it is about, where it is met, and by
	// which test, or openly that it is not.
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !regexp.MustCompile(`^ \d+\.\d+\.\d+`).MatchString(cells[1]) {
			continue
		}
		if !strings.Contains(cells[3], "`Test") && !strings.Contains(cells[3], "`Fuzz") {
			t.Errorf("no test in the line of %s", strings.TrimSpace(cells[1]))
		}
	}
}
