package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// grows are the figures that the plot of growth shows.
var grows = []struct{ what, label, colour string }{
	{pushStart, "start of a push", "#d62728"},
	{pushQuery, "progress of a push", "#1f77b4"},
	{devQuery, "look-up of a device", "#2ca02c"},
	{listQuery, "page of a hundred devices", "#9467bd"},
	{grownGet, "get", "#ff7f0e"},
	{grownSignIn, "sign-in and SUBSCRIBE", "#8c564b"},
	{startCPU, "start of the server", "#17becf"},
}

// The plot, in its own units.
const (
	plotLeft, plotTop  = 60, 40
	plotWide, plotHigh = 440, 260
	legendLeft         = plotLeft + plotWide + 20
)

// plot draws, for every number of registered devices, what operations take in
// relation to the smallest number. It draws nothing if growth was not measured.
func (t *table) plot(dir string) error {
	curves := map[string]*figure{}
	for _, f := range t.figures {
		if len(f.Of) > 1 {
			curves[f.What] = f
		}
	}
	if curves[pushStart] == nil {
		return nil
	}
	file, err := os.Create(filepath.Join(dir, "growth.svg"))
	if err != nil {
		return err
	}
	defer file.Close()
	var body strings.Builder
	drawAxes(&body, curves[pushStart])
	for i, g := range grows {
		f := curves[g.what]
		if f == nil {
			continue
		}
		var points []string
		for _, o := range f.Of {
			points = append(points, fmt.Sprintf("%.1f,%.1f", across(registered(o.Who), f), down(o.Median/f.Of[0].Median)))
		}
		fmt.Fprintf(&body, `<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>`+"\n", g.colour, strings.Join(points, " "))
		y := plotTop + 10 + 20*i
		fmt.Fprintf(&body, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`+"\n", legendLeft, y, legendLeft+20, y, g.colour)
		fmt.Fprintf(&body, `<text x="%d" y="%d">%s</text>`+"\n", legendLeft+26, y+4, g.label)
	}
	_, err = fmt.Fprintf(file, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 350" font-family="sans-serif" font-size="12">
<rect width="720" height="350" fill="white"/>
%s</svg>
`, body.String())
	return err
}

// highest is the ratio at the top of the plot.
const highest = 2.0

func drawAxes(w io.Writer, f *figure) {
	fmt.Fprintf(w, `<text x="%d" y="22" font-weight="bold">What an operation takes, in relation to %s registered devices</text>`+"\n", plotLeft, f.Of[0].Who)
	for _, ratio := range []float64{0, 0.5, 1, 1.5, highest} {
		y := down(ratio)
		fmt.Fprintf(w, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ccc"/>`+"\n", plotLeft, y, plotLeft+plotWide, y)
		fmt.Fprintf(w, `<text x="%d" y="%.1f" text-anchor="end">%.1fx</text>`+"\n", plotLeft-8, y+4, ratio)
	}
	for _, o := range f.Of {
		fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", across(registered(o.Who), f), plotTop+plotHigh+20, o.Who)
	}
}

// registered is the number that a subject of growth is named by.
func registered(who string) float64 {
	n, err := strconv.ParseFloat(strings.ReplaceAll(who, ",", ""), 64)
	if err != nil {
		return 1
	}
	return n
}

// across is where a number of devices stands: by its logarithm.
func across(n float64, f *figure) float64 {
	first, last := math.Log(registered(f.Of[0].Who)), math.Log(registered(f.Of[len(f.Of)-1].Who))
	return plotLeft + plotWide*(math.Log(n)-first)/(last-first)
}

func down(ratio float64) float64 {
	return plotTop + plotHigh*(1-min(ratio, highest)/highest)
}
