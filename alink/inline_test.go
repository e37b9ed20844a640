package alink

import (
	"strings"
	"testing"
)

func TestWhatFitsIntoAMessage(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          bool
	}{
		{"nothing", "", false},
		{"a small file", `{"interval": 60}`, true},
		{"8 KiB", strings.Repeat("x", MaxInline), true},
		{"a byte more", strings.Repeat("x", MaxInline+1), false},
		{"8 KiB, of which all but few are escaped", strings.Repeat(`"`, MaxMessage-MaxInline-maxAround) + strings.Repeat("x", 2*MaxInline-MaxMessage+maxAround), true},
		{"one more of them", strings.Repeat(`"`, MaxMessage-MaxInline-maxAround+1) + strings.Repeat("x", 2*MaxInline-MaxMessage+maxAround-1), false},
		{"line breaks", strings.Repeat("\n", MaxInline/2), false},
		{"no UTF-8", "{\"a\":\"\xff\"}", false},
	} {
		if got := FitsInline(tt.content); got != tt.want {
			t.Errorf("FitsInline(%s) = %t; want %t", tt.name, got, tt.want)
		}
	}
}

// What fits comes out again as it was, to the byte, and never in a message
// longer than devices and gateways read.
func FuzzInline(f *testing.F) {
	f.Add("{\"interval\": 60,\n\t\"path\": \"C:\\\\x\", \"name\": \"Zähler 电表 \u2028\"}\r\n", "1")
	f.Add(strings.Repeat(`\"`, 3900), strings.Repeat("i", 64))
	f.Fuzz(func(t *testing.T, content, id string) {
		if !FitsInline(content) {
			return
		}
		c := goodConfig()
		c.URL, c.Content, c.Size, c.GetType = "", content, int64(len(content)), GetTypeInline
		if err := c.Validate(); err != nil {
			t.Fatalf("Validate = %v", err)
		}
		checkInline(t, AppendPush(nil, c), DecodePush, c)
		if len(id) <= 64 && plain(id) {
			c.ID = id
		}
		checkInline(t, AppendGetReply(nil, c), DecodeGetReply, c)
	})
}

func checkInline(t *testing.T, message []byte, decode func([]byte) (Config, error), want Config) {
	t.Helper()
	got, err := decode(message)
	if err != nil || got != want || len(message) > MaxMessage {
		t.Errorf("%d bytes %.200q are read as %+v, %v; want %+v", len(message), message, got, err, want)
	}
}

func TestInlineConfigsThatAreRefused(t *testing.T) {
	c := goodConfig()
	c.Content = "{}"
	if err := c.Validate(); err == nil {
		t.Error("a size that is not that of the content is valid")
	}
	c.Content = strings.Repeat("x", MaxInline+1)
	if c.Size = int64(len(c.Content)); c.Validate() == nil {
		t.Error("content that is too large is valid")
	}
	message := strings.Replace(string(AppendPush(nil, goodConfig())), `"url":`, `"content":"{}","url":`, 1)
	if got, err := DecodePush([]byte(message)); err != nil || got.Content != "" {
		t.Errorf("content beside getType file is read as %q, %v; want it passed over", got.Content, err)
	}
	message = strings.Replace(message, `"getType":"file"`, `"getType":"inline"`, 1)
	message = strings.Replace(message, `"content":"{}",`, "", 1)
	if got, err := DecodePush([]byte(message)); err != nil || got.URL == "" {
		t.Errorf("a link with getType inline is read as %+v, %v; want the link", got, err)
	}
}

func TestLoginThatTakesConfigurationsInline(t *testing.T) {
	for _, want := range []bool{false, true} {
		p, err := Sign("a1b2c3d4e5f", "dev-1", "secret", SignOptions{Inline: want})
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseLogin(p.ClientID, p.UserName, p.Password)
		if err != nil || l.Inline != want || !l.Verify("secret") {
			t.Errorf("ParseLogin(%s) = inline %t, %v; want %t", p.ClientID, l.Inline, err, want)
		}
	}
}
