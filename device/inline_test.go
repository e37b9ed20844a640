package device_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/device"
)

// inlineOf is an offer that holds the configuration.
func inlineOf(body string) alink.Config {
	c := offerOf(body, "")
	c.URL, c.Content = "", body
	return c
}

// What comes in the offer itself is verified as a download is.
func TestOffersThatHoldTheFile(t *testing.T) {
	play(t, device.Options{Inline: true}, serves(content), func(t *testing.T, s *stage) {
		go s.answerGet(inlineOf(content))
		if c, err := s.Config(t.Context()); err != nil || string(c.Content) != content || c.SHA256 != offerOf(content, "").Sign {
			t.Errorf("Config() = %+v, %v; want %s", c, err, content)
		}
		spoilt := inlineOf(content)
		spoilt.Content = strings.ToUpper(content)
		go s.answerGet(spoilt)
		_, err := s.Config(t.Context())
		if f, ok := errors.AsType[*device.Failure](err); !ok || f.Code != alink.StepVerificationFailed {
			t.Errorf("Config() of another file than offered: %v; want a failure of code -3", err)
		}
		handled, stop := s.serving(t, always(nil))
		defer stop()
		short := inlineOf(newer)
		short.Size--
		s.push(name, short)
		s.await("config/report", `"failed","code":-3`)
		s.push(name, inlineOf(newer))
		if c := <-handled; string(c.Content) != newer {
			t.Errorf("handled %s; want %s", c.Content, newer)
		}
		s.await("config/report", `"applied"`)
		if got := s.requested(); len(got) != 0 {
			t.Errorf("downloads = %q; want none", got)
		}
	})
}

// A server that does not know the word is asked once more without it.
func TestConfigOfAServerWithoutInline(t *testing.T) {
	play(t, device.Options{Inline: true}, serves(content), func(t *testing.T, s *stage) {
		go func() {
			id := idOf(s.await("config/get ", `"getType":"inline"`))
			s.send(name, alink.ConfigGetReply, alink.AppendGetError(nil, id, alink.CodeBadParameters))
			id = idOf(s.await("config/get ", `"getType":"file"`))
			c := offerOf(content, "a")
			c.ID = id
			s.send(name, alink.ConfigGetReply, alink.AppendGetReply(nil, c))
		}()
		if c, err := s.Config(t.Context()); err != nil || string(c.Content) != content {
			t.Errorf("Config() = %+v, %v; want %s", c, err, content)
		}
	})
}
