package gateway

import (
	"bytes"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// kinds is a set of kinds of topics.
type kinds uint16

func (k kinds) has(kind alink.Kind) bool { return k>>kind&1 == 1 }

// served are the kinds of topics on which a device is sent messages.
var served = [...]alink.Kind{alink.ConfigPush, alink.ConfigGetReply, alink.ConfigReportReply}

// subscriptions are what a device has said, on this connection, about the
// topics in served. The zero value is a device that has said nothing: it is
// subscribed to each of them by its name, whether it signed in with _ss=1 or
// not (vendor: Automatic topic subscription; LinkSDK 4 never subscribes).
//
// As in MQTT, UNSUBSCRIBE ends the subscription whose filter is the same,
// letter by letter, and no other: one with wildcards does not end what is
// subscribed by name, nor the other way round.
type subscriptions struct {
	ended kinds // by name
	wider kinds // subscribed to by another filter that matches
}

func (s subscriptions) deliver(kind alink.Kind) bool { return !s.ended.has(kind) || s.wider.has(kind) }

// subscribe takes a filter of the device's own. It reports whether messages
// are delivered now that were not before.
func (s *subscriptions) subscribe(filter []byte, productKey, deviceName string) (more bool) {
	matched, byName := match(filter, productKey, deviceName)
	more = s.ended&^s.wider&matched != 0
	if byName {
		s.ended &^= matched
	} else {
		s.wider |= matched
	}
	return more
}

// unsubscribe takes a filter of the device's own. It reports whether there
// was a subscription to end; of filters that match nothing in served it does
// not know, and says yes.
//
// Of several wider filters that match a topic the first to be ended ends them
// all: to know better, they would have to be kept, for a device that has ended
// the subscription by name too. None in the field does either.
func (s *subscriptions) unsubscribe(filter []byte, productKey, deviceName string) (existed bool) {
	matched, byName := match(filter, productKey, deviceName)
	switch {
	case matched == 0:
		return true
	case byName:
		existed = s.ended&matched == 0
		s.ended |= matched
	default:
		existed = s.wider&matched != 0
		s.wider &^= matched
	}
	return existed
}

// matches reports whether a filter of a device matches its topic of a kind in
// served.
func matches(filter []byte, kind alink.Kind, productKey, deviceName string) bool {
	matched, _ := match(filter, productKey, deviceName)
	return matched.has(kind)
}

// match finds the topics in served that a filter matches; byName is that it
// is the name of one. The group of a shared subscription is passed over: a
// device is the only one of its topics' subscribers.
func match(filter []byte, productKey, deviceName string) (matched kinds, byName bool) {
	_, plain, _ := mqtt.Share(filter)
	wild := bytes.IndexByte(plain, '+') >= 0 || bytes.IndexByte(plain, '#') >= 0
	var buf [alink.MaxTopic]byte
	for _, kind := range served {
		topic := alink.AppendTopic(buf[:0], kind, productKey, deviceName)
		if bytes.Equal(plain, topic) || wild && mqtt.Match(plain, topic) {
			matched |= 1 << kind
			byName = byName || string(filter) == string(topic)
		}
	}
	return matched, byName
}
