package alink

import "strings"

// spaces are the topics of a device, as filters with places for its names.
var spaces = [...]string{
	"/sys/{pk}/{dn}/#",
	"/ota/device/+/{pk}/{dn}/#",
	"/ext/+/{pk}/{dn}/#",
	IdentityTopic,
	"/ext/register",
	"/ext/regnwl",
	"/ext/network/#",
	"/ext/rrpc/#",
	"/shadow/+/{pk}/{dn}/#",
	"/broadcast/{pk}/#",
	"/{pk}/{dn}/#",
}

// OwnFilter reports whether a device may subscribe to filter: whether some
// topic of its own namespace matches it. So a filter that names another
// product or device is not its own, and one with a wildcard in that place
// (/sys/+/+/thing/config/push) is: it can only ever bring the device its own
// messages, since a server that uses this package routes none between devices.
// One that does must not rely on OwnFilter.
//
// The group of a shared subscription ($share/{group}/{filter}) is passed over.
// A filter that MQTT does not allow is nobody's. SDKs hang when a filter of
// their own is refused (field), hence generous.
func OwnFilter(filter, productKey, deviceName string) bool {
	if shared, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, filter, _ = strings.Cut(shared, "/")
	}
	if !validFilter(filter) {
		return false
	}
	for _, space := range spaces {
		if overlap(filter, space, productKey, deviceName) {
			return true
		}
	}
	return false
}

// FilterOwner is the device that a filter names with both its names; none if
// there are wildcards in their places. The group of a shared subscription is
// passed over. Whether the filter is of that device, OwnFilter tells.
func FilterOwner(filter string) (productKey, deviceName string) {
	if shared, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, filter, _ = strings.Cut(shared, "/")
	}
	t := takeApart([]byte(filter))
	productKey, deviceName = string(t.ProductKey), string(t.DeviceName)
	if !ValidProductKey(productKey) || !ValidDeviceName(deviceName) {
		return "", ""
	}
	return productKey, deviceName
}

// validFilter reports whether wildcards stand for whole levels and # is last.
func validFilter(filter string) bool {
	if filter == "" || len(filter) > MaxTopic {
		return false
	}
	if strings.IndexByte(filter, '+') < 0 && strings.IndexByte(filter, '#') < 0 {
		return true
	}
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		if len(level) > 1 && strings.ContainsAny(level, "+#") || level == "#" && more {
			return false
		}
	}
	return true
}

// overlap reports whether some topic matches both filter and space.
func overlap(filter, space, productKey, deviceName string) bool {
	for {
		f, filterRest, filterMore := strings.Cut(filter, "/")
		s, spaceRest, spaceMore := strings.Cut(space, "/")
		switch s {
		case "{pk}":
			s = productKey
		case "{dn}":
			s = deviceName
		}
		if f == "#" || s == "#" {
			return true
		}
		if f != s && f != "+" && s != "+" {
			return false
		}
		if !filterMore || !spaceMore { // # also matches the level above it
			return filterMore == spaceMore || filterRest == "#" || spaceRest == "#"
		}
		filter, space = filterRest, spaceRest
	}
}
