package mqtt

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func FuzzFrame(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		n, err := Frame(b, limit)
		checkError(t, err)
		if err == nil && (n < 2 || n > limit && n > 5) {
			t.Fatalf("Frame(%x, %d) = %d; want 2 to the limit", b, limit, n)
		}
		// What arrives byte by byte ends the same, and a whole packet no later.
		for have := range len(b) + 1 {
			early, earlyErr := Frame(b[:have], limit)
			switch {
			case earlyErr != nil && earlyErr != err:
				t.Fatalf("Frame(%x, %d) = %v, but %v of the whole", b[:have], limit, earlyErr, err)
			case earlyErr != nil:
				return
			case early <= have:
				if early != n {
					t.Fatalf("Frame(%x, %d) = %d, but %d of the whole", b[:have], limit, early, n)
				}
				return
			}
		}
	})
}

func FuzzDecode31(f *testing.F)  { fuzzDecode(f, V31) }
func FuzzDecode311(f *testing.F) { fuzzDecode(f, V311) }
func FuzzDecode5(f *testing.F)   { fuzzDecode(f, V5) }

func fuzzDecode(f *testing.F, v Version) {
	f.Fuzz(func(t *testing.T, b []byte) {
		input := bytes.Clone(b)
		p, err := decode(b, v)
		if !bytes.Equal(b, input) {
			t.Fatalf("decode(%x) changed it to %x", input, b)
		}
		checkError(t, err)
		if err != nil {
			return
		}
		short := encode(nil, p, v)
		if len(short) > len(b) {
			t.Fatalf("encode(decode(%x)) = %x, which is longer", b, short)
		}
		if n, err := Frame(short, len(short)); n != len(short) || err != nil {
			t.Fatalf("Frame(%x) = %d, %v; want %d", short, n, err, len(short))
		}
		again, err := decode(short, v)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("decode(%x) = %+v, %v; want %+v", short, again, err, p)
		}
		checkLists(t, p, v)
	})
}

// checkError checks that there is no error, or one that a caller can answer.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Code < UnspecifiedError || codes[e.Code].in&(inConnack|inDisconnect) == 0) {
		t.Fatalf("%v is not an error to answer", err)
	}
}

// checkLists checks that what a packet iterates over is what it holds.
func checkLists(t *testing.T, p any, v Version) {
	switch p := p.(type) {
	case Subscribe:
		var list Subscriptions
		for s := range p.Subscriptions.All() {
			if !ValidFilter(s.Filter) || s.QoS > 2 || s.RetainHandling > 2 {
				t.Fatalf("subscription %+v", s)
			}
			list = list.Append(s)
		}
		if !bytes.Equal(list, p.Subscriptions) {
			t.Fatalf("Subscriptions = %x, iterated %x", p.Subscriptions, list)
		}
	case Unsubscribe:
		var list Filters
		for f := range p.Filters.All() {
			list = list.Append(f)
		}
		if !bytes.Equal(list, p.Filters) {
			t.Fatalf("Filters = %x, iterated %x", p.Filters, list)
		}
	case Publish:
		_, alias := p.Properties.Uint(TopicAlias)
		if !ValidTopic(p.Topic) && !(v == V5 && len(p.Topic) == 0 && alias) {
			t.Fatalf("topic %q", p.Topic)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Fuzz(func(t *testing.T, filter, topic []byte) {
		got := Match(filter, topic)
		if ValidFilter(filter) && ValidTopic(topic) && got != matchLevels(string(filter), string(topic)) {
			t.Fatalf("Match(%q, %q) = %v", filter, topic, got)
		}
		name, rest, ok := Share(filter)
		if ok && name != nil && string(filter) != "$share/"+string(name)+"/"+string(rest) {
			t.Fatalf("Share(%q) = %q, %q", filter, name, rest)
		}
	})
}
