package alink

import (
	"strings"
	"testing"
)

func TestFiltersOfTheDeviceItself(t *testing.T) {
	for _, filter := range []string{
		"/sys/{pk}/{dn}/#",
		"/sys/{pk}/{dn}/thing/config/push",
		"/sys/{pk}/{dn}/thing/config/#",
		"/sys/{pk}/{dn}/thing/config/log/push",
		"/sys/{pk}/{dn}/thing/service/#",
		"/sys/{pk}/{dn}/thing/service/+",
		"/sys/{pk}/{dn}/thing/event/+/post_reply",
		"/sys/{pk}/{dn}/rrpc/request/+",
		"/sys/{pk}/{dn}/_thing/event/notify",
		"/sys/{pk}/{dn}/thing/model/down_raw",
		"/ota/device/upgrade/{pk}/{dn}",
		"/ota/device/request/{pk}/{dn}",
		"/ota/device/+/{pk}/{dn}",
		"/ext/ntp/{pk}/{dn}/response",
		"/ext/session/{pk}/{dn}/combine/login_reply",
		"/ext/session/{pk}/{dn}/combine/+",
		"/ext/error/{pk}/{dn}",
		"/ext/register",
		"/ext/regnwl",
		"/ext/network/probe/+",
		"/ext/rrpc/+/{pk}/{dn}/user/x",
		"/ext/rrpc/+",
		"/shadow/get/{pk}/{dn}",
		"/broadcast/{pk}/#",
		"/broadcast/{pk}/all",
		"/{pk}/{dn}/user/#",
		"/{pk}/{dn}/user/get",
		"/{pk}/{dn}/#",
		"$share/group//{pk}/{dn}/user/#",
		// Wildcards in the place of names only ever bring own messages.
		"/sys/+/+/thing/config/push",
		"/sys/+/{dn}/thing/config/push",
		"/sys/#",
		"/+/+/user/get",
		"/#", "#", "+/+/+",
	} {
		filter = strings.NewReplacer("{pk}", testKey, "{dn}", testName).Replace(filter)
		if !OwnFilter(filter, testKey, testName) {
			t.Errorf("OwnFilter(%q) = false; want true", filter)
		}
	}
}

func TestFiltersOfOthers(t *testing.T) {
	for _, filter := range []string{
		"/sys/{pk}/dev-02/#",
		"/sys/other/{dn}/thing/config/push",
		"/sys/+/dev-02/thing/config/push",
		"/sys/other/+/thing/config/push",
		"/sys/other/#",
		"/ota/device/upgrade/other/{dn}",
		"/ota/device/upgrade/{pk}/dev-02",
		"/ext/ntp/{pk}/dev-02/response",
		"/ext/error/other/+",
		"/shadow/get/{pk}/dev-02",
		"/broadcast/other/#",
		"/{pk}/dev-02/user/#",
		"/+/dev-02/user/#",
		"$share/group//{pk}/dev-02/user/#",
		"$share/group",
		"$SYS/#",
		"+",
		"sys/{pk}/{dn}/#",
		"",
		// not filters
		"/sys/{pk}/{dn}/#/x",
		"/sys/{pk}/{dn}/x#",
		"/sys/{pk}/{dn}/x+",
		"/sys/{pk}/{dn}+/x",
		"/sys/{pk}/{dn}/" + strings.Repeat("x", MaxTopic),
	} {
		filter = strings.NewReplacer("{pk}", testKey, "{dn}", testName).Replace(filter)
		if OwnFilter(filter, testKey, testName) {
			t.Errorf("OwnFilter(%q) = true; want false", filter)
		}
	}
}

// matches is MQTT's rule for a valid filter, written the slow way.
func matches(filter, topic string) bool {
	f, s := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		if level == "#" {
			return true
		}
		if i == len(s) || level != "+" && level != s[i] {
			return false
		}
	}
	return len(f) == len(s)
}

func FuzzFilter(f *testing.F) {
	f.Add("/sys/pk/dn/#", "/sys/pk/dn/x")
	f.Add("/sys/+/+/thing/config/push", "/sys/pk/dn/thing/config/push")
	f.Add("$share/g//ext/network/probe/+", "/ext/network/probe/1")
	f.Add("#", "/broadcast/pk/x")
	f.Add("/ota/device/upgrade/other/dn", "/ota/device/upgrade/pk/dn")
	f.Fuzz(func(t *testing.T, filter, topic string) {
		own := OwnFilter(filter, "pk", "dn")
		if own && strings.Contains("/"+filter+"/", "/sys/other/") && strings.HasPrefix(filter, "/sys/") {
			t.Errorf("OwnFilter(%q) = true; want false", filter)
		}
		// A filter that matches one of the device's topics is its own.
		if validFilter(filter) && ParseTopic([]byte(topic)).Of("pk", "dn") && matches(filter, topic) && !own &&
			!strings.HasPrefix(filter, "$share/") {
			t.Errorf("OwnFilter(%q) = false, but it matches %q", filter, topic)
		}
	})
}
