package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// table gathers what is measured: samples of a figure, for each of those that
// it is measured of. Samples that were taken one after the other in an
// interleaved run have the same index, so that ratios are of pairs.
type table struct {
	figures []*figure
}

// figure is one thing that is measured.
type figure struct {
	What  string   `json:"what"`
	Unit  string   `json:"unit"`
	Note  string   `json:"note,omitempty"`
	Of    []*of    `json:"of"`
	Goals []result `json:"goals,omitempty"`
}

// of is the samples of one subject.
type of struct {
	Who     string    `json:"who"`
	Samples []float64 `json:"samples"`
	spread
}

// spread is what is said of samples.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// result is a goal beside what was measured.
type result struct {
	goal
	spread
	Met string `json:"met"` // "no", "least" or "aim"
}

// add adds a sample.
func (t *table) add(what, unit, who string, v float64) {
	f := t.figure(what, unit)
	i := slices.IndexFunc(f.Of, func(o *of) bool { return o.Who == who })
	if i < 0 {
		i = len(f.Of)
		f.Of = append(f.Of, &of{Who: who})
	}
	f.Of[i].Samples = append(f.Of[i].Samples, v)
}

// note says something about a figure that the reader should know.
func (t *table) note(what, unit, text string) { t.figure(what, unit).Note = text }

func (t *table) figure(what, unit string) *figure {
	for _, f := range t.figures {
		if f.What == what {
			return f
		}
	}
	f := &figure{What: what, Unit: unit}
	t.figures = append(t.figures, f)
	return f
}

// finish works out what the samples say.
func (t *table) finish() {
	for _, f := range t.figures {
		for _, o := range f.Of {
			o.spread = spreadOf(o.Samples)
		}
		for _, g := range goals {
			if g.what != f.What {
				continue
			}
			if values := g.values(f); len(values) > 0 {
				s := spreadOf(values)
				f.Goals = append(f.Goals, result{g, s, g.met(s.Median)})
			}
		}
	}
}

func spreadOf(samples []float64) spread {
	if len(samples) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	s := slices.Sorted(slices.Values(samples))
	half := len(s) / 2
	median := s[half]
	if len(s)%2 == 0 {
		median = (s[half-1] + s[half]) / 2
	}
	return spread{median, s[0], s[len(s)-1]}
}

// samples are those of one subject; nil if it was not measured.
func (f *figure) samples(who string) []float64 {
	for _, o := range f.Of {
		if o.Who == who {
			return o.Samples
		}
	}
	return nil
}

// print writes the table for people.
func (t *table) print(w io.Writer) {
	width := 0
	for _, f := range t.figures {
		width = max(width, len([]rune(f.What))+len(f.Unit)+2)
	}
	for _, g := range goals {
		width = max(width, len([]rune(g.what)))
	}
	line := func(what, who, median, spread, target string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s  %-21s %10s  %-19s  %s", width, what, who, median, spread, target), " "))
	}
	line("what", "who", "median", "least to most", "target")
	for _, f := range t.figures {
		what := f.What + ", " + f.Unit
		for _, o := range f.Of {
			line(what, o.Who, number(o.Median), o.spread.text(""), f.verdict(o.Who))
			what = ""
		}
		for _, g := range f.Goals {
			if g.To != "" {
				line("", g.who(), number(g.Median)+g.unit(), g.spread.text(g.unit()), g.verdict())
			}
		}
		if f.Note != "" {
			fmt.Fprintf(w, "    (%s)\n", f.Note)
		}
	}
	for _, g := range goals {
		if !t.shows(g) {
			line(g.what, g.who(), "-", "", g.text(g.unit())+": not measured in this run")
		}
	}
}

// shows says whether there is a figure for the goal.
func (t *table) shows(g goal) bool {
	return slices.ContainsFunc(t.figures, func(f *figure) bool {
		return slices.ContainsFunc(f.Goals, func(r result) bool { return r.goal == g })
	})
}

// verdict is what the goal of a subject's own figure says, if it has one.
func (f *figure) verdict(who string) string {
	for _, g := range f.Goals {
		if g.To == "" && g.subject() == who {
			return g.verdict()
		}
	}
	return ""
}

func (g result) verdict() string { return g.goal.text(g.unit()) + ": " + verdicts[g.Met] }

var verdicts = map[string]string{"no": "MISSED", "least": "reached", "aim": "reached, and the aim"}

func (s spread) text(unit string) string {
	if s.Low == s.High {
		return ""
	}
	return number(s.Low) + " to " + number(s.High) + unit
}

// number writes three digits that count, and no more after the point than
// that takes.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return thousands(int64(math.Round(v)))
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// goal is a line of the targets: a figure of cota, or its ratio to another's.
type goal struct {
	what  string
	Of    string  `json:"of,omitempty"` // whose; "": cota's
	To    string  `json:"to,omitempty"` // whose it is a ratio to; "": none
	Least float64 `json:"least"`
	Aim   float64 `json:"aim,omitempty"`  // 0: none
	More  bool    `json:"more,omitempty"` // is better
}

func (g goal) subject() string { return cmp.Or(g.Of, "cota") }

// unit is what stands behind its numbers: x for a ratio.
func (g goal) unit() string {
	if g.To == "" {
		return ""
	}
	return "x"
}

func (g goal) who() string {
	if g.To == "" {
		return g.subject()
	}
	return g.subject() + " / " + g.To
}

// values are what was measured of a goal, sample by sample.
func (g goal) values(f *figure) []float64 {
	mine := f.samples(g.subject())
	if g.To == "" {
		return mine
	}
	theirs := f.samples(g.To)
	ratios := make([]float64, min(len(mine), len(theirs)))
	for i := range ratios {
		ratios[i] = mine[i] / theirs[i]
	}
	return ratios
}

func (g goal) met(v float64) string {
	reaches := func(bound float64) bool { return v <= bound != g.More || v == bound }
	switch {
	case g.Aim != 0 && reaches(g.Aim):
		return "aim"
	case reaches(g.Least):
		return "least"
	}
	return "no"
}

func (g goal) text(unit string) string {
	than := "at most "
	if g.More {
		than = "at least "
	}
	text := than + number(g.Least) + unit
	if g.Aim != 0 {
		text += ", aim " + number(g.Aim) + unit
	}
	return text
}
