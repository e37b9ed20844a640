package alink

import (
	"strings"
	"testing"
)

func TestTopicsAreTakenApart(t *testing.T) {
	tests := []struct {
		topic  string
		kind   Kind
		pk, dn string
	}{
		{"/sys/pk/dn/thing/config/get", ConfigGet, "pk", "dn"},
		{"/sys/pk/dn/thing/config/push_reply", ConfigPushReply, "pk", "dn"},
		{"/sys/pk/dn/thing/config/report", ConfigReport, "pk", "dn"},
		{"/sys/pk/dn/thing/config/push", ConfigPush, "pk", "dn"},
		{"/sys/pk/dn/thing/config/get_reply", ConfigGetReply, "pk", "dn"},
		{"/sys/pk/dn/thing/config/report_reply", ConfigReportReply, "pk", "dn"},
		{"/ota/device/progress/pk/dn", OTAProgress, "pk", "dn"},
		{"/ota/device/inform/pk/dn", OTAInform, "pk", "dn"},
		{"/sys/pk/dn/thing/config/get/", OtherOwn, "pk", "dn"},
		{"/sys/pk/dn/thing/config/log/get", OtherOwn, "pk", "dn"},
		{"/sys/pk/dn/thing/deviceinfo/update", OtherOwn, "pk", "dn"},
		{"/sys/pk/dn/_thing/event/notify", OtherOwn, "pk", "dn"},
		{"/sys/pk/dn", OtherOwn, "pk", "dn"},
		{"/ota/device/progress/pk/dn/x", OtherOwn, "pk", "dn"},
		{"/ota/device/progress/pk/dn/", OtherOwn, "pk", "dn"},
		{"/ota/device/request/pk/dn", OtherOwn, "pk", "dn"},
		{"/ext/ntp/pk/dn/request", OtherOwn, "pk", "dn"},
		{"/ext/session/pk/dn/combine/login", CombineLogin, "pk", "dn"},
		{"/ext/session/pk/dn/combine/batch_logout_reply", CombineBatchLogoutReply, "pk", "dn"},
		{"/ext/session/pk/dn/combine", OtherOwn, "pk", "dn"},
		{"/ext/session/pk/dn/combine/login/", OtherOwn, "pk", "dn"},
		{"/ext/error/pk/dn", SessionError, "pk", "dn"},
		{"/ext/error/pk/dn/", OtherOwn, "pk", "dn"},
		{"/ext/error/pk/dn/combine/login", OtherOwn, "pk", "dn"},
		{"/ext/error/pk", Unknown, "", ""},
		{"/sys/pk/dn/thing/topo/add", TopoAdd, "pk", "dn"},
		{"/sys/pk/dn/thing/topo/get_reply", TopoGetReply, "pk", "dn"},
		{"/sys/pk/dn/thing/topo/change", TopoChange, "pk", "dn"},
		{"/sys/pk/dn/thing/sub/register", SubRegister, "pk", "dn"},
		{"/sys/pk/dn/thing/sub/register_reply", SubRegisterReply, "pk", "dn"},
		{"/ext/register", OtherOwn, "", ""},
		{"/ext/regnwl", OtherOwn, "", ""},
		{"/ext/network/probe/1", OtherOwn, "", ""},
		{"/ext/rrpc/1/pk/dn/user/x", OtherOwn, "", ""},
		{"/shadow/update/pk/dn", OtherOwn, "pk", "dn"},
		{"/broadcast/pk/all", OtherOwn, "pk", ""},
		{"/pk/dn/user/update", OtherOwn, "pk", "dn"},
		{"", Unknown, "", ""},
		{"/", Unknown, "", ""},
		{"sys/pk/dn/thing/config/get", Unknown, "", ""},
		{"/sys/pk", Unknown, "", ""},
		{"/sys//dn/thing/config/get", Unknown, "", ""},
		{"/sys/pk//thing/config/get", Unknown, "", ""},
		{"/sys/+/dn/thing/config/get", Unknown, "", ""},
		{"/sys/pk/dn/#", Unknown, "", ""},
		{"/ota/device/progress/pk", Unknown, "", ""},
		{"/ota/gateway/progress/pk/dn", Unknown, "", ""},
		{"/ext/ntp", Unknown, "", ""},
		{"/broadcast/", Unknown, "", ""},
		{"/pk/dn/" + strings.Repeat("x", MaxTopic), Unknown, "", ""},
	}
	for _, tt := range tests {
		got := ParseTopic([]byte(tt.topic))
		if got.Kind != tt.kind || string(got.ProductKey) != tt.pk || string(got.DeviceName) != tt.dn {
			t.Errorf("ParseTopic(%q) = %d %q %q; want %d %q %q",
				tt.topic, got.Kind, got.ProductKey, got.DeviceName, tt.kind, tt.pk, tt.dn)
		}
	}
}

func TestBuiltTopicsParse(t *testing.T) {
	for k := ConfigGet; k <= TopoChange; k++ {
		topic := AppendTopic(nil, k, testKey, testName)
		got := ParseTopic(topic)
		if got.Kind != k || !got.Of(testKey, testName) {
			t.Errorf("ParseTopic(%q) = %+v; want kind %d", topic, got, k)
		}
	}
	for _, k := range []Kind{Unknown, OtherOwn, 99} {
		if topic := AppendTopic([]byte("x"), k, testKey, testName); string(topic) != "x" {
			t.Errorf("AppendTopic(kind %d) = %q; want nothing appended", k, topic)
		}
	}
}

func TestATopicIsOfOneDevice(t *testing.T) {
	tests := []struct {
		topic string
		want  bool
	}{
		{"/sys/" + testKey + "/" + testName + "/thing/config/get", true},
		{"/sys/" + testKey + "/dev-02/thing/config/get", false},
		{"/sys/other/" + testName + "/thing/config/get", false},
		{"/broadcast/" + testKey + "/x", true},
		{"/broadcast/other/x", false},
		{"/ext/register", true},
		{"/ota/device/progress/other/" + testName, false},
		{"$SYS/broker", false},
	}
	for _, tt := range tests {
		if got := ParseTopic([]byte(tt.topic)).Of(testKey, testName); got != tt.want {
			t.Errorf("ParseTopic(%q).Of(%q, %q) = %v; want %v", tt.topic, testKey, testName, got, tt.want)
		}
	}
}

func TestParseTopicAllocatesNothing(t *testing.T) {
	topics := [][]byte{
		AppendTopic(nil, ConfigGet, testKey, testName),
		AppendTopic(nil, OTAProgress, testKey, testName),
		[]byte("/ext/session/" + testKey + "/" + testName + "/combine/login"),
		[]byte("/" + testKey + "/" + testName + "/user/update"),
	}
	dst := make([]byte, 0, MaxTopic)
	if n := testing.AllocsPerRun(100, func() {
		for _, topic := range topics {
			if !ParseTopic(topic).Of(testKey, testName) {
				t.Fatalf("%q is not own", topic)
			}
		}
		dst = AppendTopic(dst[:0], ConfigPush, testKey, testName)
	}); n != 0 {
		t.Errorf("ParseTopic, Of and AppendTopic allocate %v times; want 0", n)
	}
}

func FuzzTopic(f *testing.F) {
	for _, s := range []string{
		"/sys/pk/dn/thing/config/get", "/ota/device/progress/pk/dn", "/ext/ntp/pk/dn/request", "/ext/register",
		"/ext/network/probe/1", "/shadow/get/pk/dn", "/broadcast/pk/x", "/pk/dn/user/x", "//", "/sys/+/#",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		got := ParseTopic([]byte(topic))
		if built := AppendTopic(nil, got.Kind, string(got.ProductKey), string(got.DeviceName)); len(built) > 0 && string(built) != topic {
			t.Errorf("ParseTopic(%q) = %+v, which is %q", topic, got, built)
		}
		if strings.ContainsAny(topic, "+#") || strings.HasPrefix(topic, "$share/") {
			return
		}
		// A topic without wildcards is also a filter for itself.
		for _, dn := range []string{"dn", string(got.DeviceName)} {
			if of, own := got.Of("pk", dn), OwnFilter(topic, "pk", dn); dn != "" && of != own {
				t.Errorf("%q: Of(pk, %s) = %v, OwnFilter = %v", topic, dn, of, own)
			}
		}
	})
}

func BenchmarkParseTopic(b *testing.B) {
	topic := AppendTopic(nil, ConfigPushReply, testKey, testName)
	b.ReportAllocs()
	for b.Loop() {
		if !ParseTopic(topic).Of(testKey, testName) {
			b.Fatal("not own")
		}
	}
}
