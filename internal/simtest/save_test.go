package simtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (e *editor) text() string {
	e.serial++
	size := 10 + e.rng.IntN(200)
	switch e.rng.IntN(6) {
	case 0:
		size = e.rng.IntN(60 << 10)
	case 1, 2:
		size = e.rng.IntN(8 << 10)
	}
	return fmt.Sprintf(`{"product":%q,"serial":%d,"pad":%q}`, e.p.tag, e.serial, strings.Repeat("x", size))
}

// base is the version that the editor claims to have changed: the right one,
// an old one or none.
func (e *editor) base() *int64 {
	switch e.rng.IntN(4) {
	case 0, 1:
		return nil
	case 2:
		return &[]int64{e.p.current}[0]
	}
	old := max(0, e.p.current-1-e.rng.Int64N(3))
	return &old
}

func (e *editor) try(text string) {
	m := e.w.model
	m.mu.Lock()
	defer m.mu.Unlock()
	e.p.tried[cota.Digest(text)] = true
}

func (e *editor) save(text string, base *int64) {
	e.try(text)
	p, sha := e.p, cota.Digest(text)
	var v cota.Version
	err, ok := e.do(&doing{what: fmt.Sprintf("save %.8s", sha), saves: 1}, func() (err error) {
		v, err = e.api.SaveVersion(e.ctx, p.key, client.Draft{Content: text, Base: base})
		return err
	})
	if !ok {
		return
	}
	e.saved(v, err, text, base, e.mail.sent)
}

// saved judges the answer to a save.
func (e *editor) saved(v cota.Version, err error, text string, base *int64, sent time.Time) {
	p, sha := e.p, cota.Digest(text)
	stale := base != nil && *base != p.current
	switch code := cota.CodeOf(err); {
	case err == nil && (stale || sha == e.currentSHA || v.Number != p.current+1 || v.SHA256 != sha):
		e.unexpected(fmt.Sprintf("a save that became version %d", v.Number), nil)
	case err == nil:
		m := e.w.model
		m.mu.Lock()
		m.addVersion(p, v)
		m.setCurrent(p, v.Number, sent)
		m.mu.Unlock()
		e.currentSHA, e.texts = sha, append(e.texts, text)
	case code == cota.Stale && stale, code == cota.Unchanged && sha == e.currentSHA,
		code == cota.TooLarge && int64(len(text)) > p.policy.MaxBytes:
	default:
		e.unexpected("a save", err)
	}
}

// saveTwice saves two texts at once, both made from the current version.
func (e *editor) saveTwice() {
	p, base := e.p, e.p.current
	texts := []string{e.text(), e.text()}
	e.try(texts[0])
	e.try(texts[1])
	var v [2]cota.Version
	save := func(i int, api *client.Client) func() error {
		return func() (err error) {
			v[i], err = api.SaveVersion(e.ctx, p.key, client.Draft{Content: texts[i], Base: &base})
			return err
		}
	}
	err1, err2, ok := e.twice(&doing{what: "save twice", saves: 1}, save(0, e.api), save(1, e.secondAPI))
	switch {
	case !ok:
	case err1 == nil && err2 == nil:
		e.unexpected("one of two saves of the same base", nil)
	case err2 == nil:
		e.saved(v[1], err2, texts[1], &base, e.second.sent)
		e.saved(v[0], err1, texts[0], &base, e.mail.sent)
	default:
		e.saved(v[0], err1, texts[0], &base, e.mail.sent)
		if err1 == nil || cota.CodeOf(err2) != cota.Stale {
			e.saved(v[1], err2, texts[1], &base, e.second.sent)
		}
	}
}

// saveMany saves a few texts shortly after each other, as who corrects
// mistakes, while devices poll: links to all of them are out.
func (e *editor) saveMany() {
	if !pause(e.ctx, time.Until(e.w.nextPoll(time.Now()))+time.Duration(e.rng.Int64N(int64(30*time.Second)))) {
		return
	}
	for range 2 + e.rng.IntN(4) {
		e.save(e.text(), nil)
		if !pause(e.ctx, time.Duration(1+e.rng.Int64N(int64(20*time.Second)))) {
			return
		}
	}
}
