package main

import (
	"math"
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []float64
		want    spread
	}{
		{"one", []float64{3}, spread{3, 3, 3}},
		{"odd", []float64{9, 1, 4}, spread{4, 1, 9}},
		{"even", []float64{9, 1, 4, 6}, spread{5, 1, 9}},
	} {
		if got := spreadOf(tt.samples); got != tt.want {
			t.Errorf("%s: spreadOf(%v) = %v; want %v", tt.name, tt.samples, got, tt.want)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.Median) {
		t.Errorf("spreadOf(nothing) = %v; want no number", got)
	}
}

func TestGoalMet(t *testing.T) {
	less, more := goal{Least: 1.6, Aim: 1.15}, goal{Least: 1.7, Aim: 2.3, More: true}
	for _, tt := range []struct {
		name string
		goal goal
		v    float64
		want string
	}{
		{"too much", less, 1.61, "no"},
		{"just enough", less, 1.6, "least"},
		{"at the aim", less, 1.15, "aim"},
		{"too little", more, 1.69, "no"},
		{"as much as asked", more, 1.7, "least"},
		{"beyond the aim", more, 3, "aim"},
		{"none at all", goal{Least: 0}, 0, "least"},
		{"no aim", goal{Least: 10}, 1, "least"},
	} {
		if got := tt.goal.met(tt.v); got != tt.want {
			t.Errorf("%s: met(%v) = %q; want %q", tt.name, tt.v, got, tt.want)
		}
	}
}

// Ratios are of samples that were taken one after the other, not of medians.
func TestRatiosArePaired(t *testing.T) {
	var table table
	for _, pair := range [][2]float64{{10, 10}, {40, 20}, {30, 10}} {
		table.add(fanOut0CPU, "us", "cota", pair[0])
		table.add(fanOut0CPU, "us", "C", pair[1])
	}
	table.finish()
	var out strings.Builder
	table.print(&out)
	if want := "cota / C                      2x  1 to 3x              at most 1.60x, aim 1.15x: MISSED"; !strings.Contains(out.String(), want) {
		t.Errorf("table:\n%s\nwant a line %q", out.String(), want)
	}
}

func TestEveryGoalHasItsFigure(t *testing.T) {
	for _, g := range goals {
		if g.what == "" || g.Aim != 0 && (g.Aim > g.Least) != g.More {
			t.Errorf("goal %+v has no figure, or an aim that is easier than what is asked", g)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 3: "3", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q; want %q", v, got, want)
		}
	}
}
