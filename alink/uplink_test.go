package alink

import (
	"errors"
	"strings"
	"testing"
)

const (
	goodParams = `"params":{"configScope":"product","getType":"file"}`
	testConfig = "00112233445566778899aabbccddeeff"
)

func TestGetsOfDevicesInTheField(t *testing.T) {
	tests := []struct {
		name, payload string
		want          Get
	}{
		{"LinkSDK 4", `{"id":"123","params":{"configScope":"product","getType":"file"}}`, Get{ID: "123"}},
		{"C SDK 3", `{"id" : 0,"version":"1.0","params":{"configScope":"product","getType":"file","attributeKeys":""},"method":"thing.config.get"}`, Get{ID: "0"}},
		{"vendor's example", `{"id":123,"version":"1.0","sys":{"ack":0},` + goodParams + `,"method":"thing.config.get"}`, Get{ID: "123", Silent: true}},
		{"an answer wanted", `{"id":"1","sys":{"ack":1},` + goodParams + `}`, Get{ID: "1"}},
		{"sys without ack", `{"id":"1","sys":{},` + goodParams + `}`, Get{ID: "1"}},
		{"sys that is no object", `{"id":"1","sys":0,` + goodParams + `}`, Get{ID: "1"}},
		{"ack as text", `{"id":"1","sys":{"ack":"0"},` + goodParams + `}`, Get{ID: "1", Silent: true}},
		{"no id", `{` + goodParams + `}`, Get{}},
		{"null id", `{"id":null,` + goodParams + `}`, Get{}},
		{"a large id", `{"id":"9223372036854775807",` + goodParams + `}`, Get{ID: "9223372036854775807"}},
		{"the last of two counts", `{"id":"1","id":"2","params":{},` + goodParams + `}`, Get{ID: "2"}},
		{"content asked in line", `{"id":"1","params":{"configScope":"product","getType":"inline"}}`, Get{ID: "1", Inline: true}},
		{"blanks and line breaks", "\r\n{ \"id\" : \"7\" ,\n " + goodParams + "\t}\n", Get{ID: "7"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := DecodeGet([]byte(tt.payload)); err != nil || got != tt.want {
				t.Errorf("DecodeGet(%s) = %+v, %v; want %+v", tt.payload, got, err, tt.want)
			}
		})
	}
}

func TestGetsWithWrongParametersAreAnswered460(t *testing.T) {
	tests := []struct {
		name, payload string
		want          Get
	}{
		{"no params", `{"id":"1"}`, Get{ID: "1"}},
		{"empty params", `{"id":"1","sys":{"ack":0},"params":{}}`, Get{ID: "1", Silent: true}},
		{"params as text", `{"id":"1","params":"{}"}`, Get{ID: "1"}},
		{"another scope", `{"id":"1","params":{"configScope":"device","getType":"file"}}`, Get{ID: "1"}},
		{"another type", `{"id":"1","params":{"configScope":"product","getType":"content"}}`, Get{ID: "1"}},
		{"no scope", `{"id":"1","params":{"getType":"file"}}`, Get{ID: "1"}},
		{"no type", `{"id":"1","params":{"configScope":"product"}}`, Get{ID: "1"}},
		{"a scope that is no text", `{"id":"1","params":{"configScope":1,"getType":"file"}}`, Get{ID: "1"}},
		{"an id that could not be sent back", `{"id":"\"},{","params":{"configScope":"product","getType":"file"}}`, Get{}},
		{"not JSON", `id=1`, Get{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeGet([]byte(tt.payload))
			var e *Error
			if !errors.As(err, &e) || e.Code != CodeBadParameters || got != tt.want {
				t.Errorf("DecodeGet(%s) = %+v, %v; want %+v and code 460", tt.payload, got, err, tt.want)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	tests := []struct {
		name, payload string
		want          Reply
		ok            bool
	}{
		{"vendor's example", `{"id":"123","code":200,"data":{}}`, Reply{ID: "123", Code: 200}, true},
		{"Go with data as text", `{"id":"1000","code":200,"data":"{}"}`, Reply{ID: "1000", Code: 200}, true},
		{"C SDK 3.2 without braces", ` "id":1000,"code":"400","data":{}`, Reply{ID: "1000", Code: 400}, true},
		{"code as text", `{"id":1,"code":"460"}`, Reply{ID: "1", Code: 460}, true},
		{"a device's own code", `{"id":"1","code":100001,"message":"no\nspace"}`, Reply{ID: "1", Code: 100001, Message: "no space"}, true},
		{"an id that is not plain", `{"id":"{","code":500}`, Reply{Code: 500}, true},
		{"no code", `{"id":"1","data":{}}`, Reply{ID: "1"}, false},
		{"a code out of range", `{"id":"1","code":99999999999}`, Reply{ID: "1"}, false},
		{"a code with a fraction", `{"id":"1","code":200.5}`, Reply{ID: "1"}, false},
		{"a lone text", `"id"`, Reply{}, false},
		{"braces missing and more", `"id":1,"code":`, Reply{}, false},
		{"an array", `[200]`, Reply{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := DecodeReply([]byte(tt.payload)); got != tt.want || (err == nil) != tt.ok {
				t.Errorf("DecodeReply(%s) = %+v, %v; want %+v, ok %v", tt.payload, got, err, tt.want, tt.ok)
			}
		})
	}
}

func TestReports(t *testing.T) {
	tests := []struct {
		name, payload string
		want          Report
		ok            bool
	}{
		{"applied", `{"id":"1","version":"1.0","params":{"configId":"` + testConfig + `","state":"applied"},"method":"thing.config.report"}`,
			Report{ID: "1", ConfigID: testConfig, State: Applied}, true},
		{"failed with a reason", `{"id":2,"sys":{"ack":0},"params":{"configId":"c","state":"failed","code":"100001","message":"disk full\n"}}`,
			Report{ID: "2", Silent: true, ConfigID: "c", State: Failed, Code: 100001, Message: "disk full "}, true},
		{"reverted", `{"params":{"configId":"c","state":"reverted","code":-7}}`, Report{ConfigID: "c", State: Reverted, Code: -7}, true},
		{"a long message", `{"params":{"configId":"c","state":"failed","message":"` + strings.Repeat("x", 9000) + `"}}`,
			Report{ConfigID: "c", State: Failed, Message: strings.Repeat("x", MaxText)}, true},
		{"no configId", `{"id":"1","params":{"state":"applied"}}`, Report{ID: "1", State: Applied}, false},
		{"a configId that is not plain", `{"id":"1","params":{"configId":"a b","state":"applied"}}`, Report{ID: "1", State: Applied}, false},
		{"an unknown state", `{"id":"1","params":{"configId":"c","state":"done"}}`, Report{ID: "1", ConfigID: "c"}, false},
		{"a code that is no number", `{"id":"1","params":{"configId":"c","state":"failed","code":"E7"}}`, Report{ID: "1", ConfigID: "c", State: Failed}, false},
		{"an id that is not plain", `{"id":"{","params":{"configId":"c","state":"applied"}}`, Report{ConfigID: "c", State: Applied}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := DecodeReport([]byte(tt.payload)); got != tt.want || (err == nil) != tt.ok {
				t.Errorf("DecodeReport(%s) = %+v, %v; want %+v, ok %v", tt.payload, got, err, tt.want, tt.ok)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	tests := []struct {
		name, payload string
		want          Progress
		failure       string
		ok            bool
	}{
		{"LinkSDK 4", `{"id":1, "params":{"step":"0","desc":""}}`, Progress{ID: "1"}, "", true},
		{"LinkSDK 4 done", `{"id":1, "params":{"step":"100","desc":""}}`, Progress{ID: "1", Step: StepDone}, "", true},
		{"step as number", `{"id":"0","params":{"step":55,"desc":"half"}}`, Progress{ID: "0", Step: 55, Desc: "half"}, "", true},
		{"upgrade failed", `{"params":{"step":-1}}`, Progress{Step: -1}, "upgrade failed", true},
		{"download failed", `{"params":{"step":"-2"}}`, Progress{Step: -2}, "download failed", true},
		{"verification failed", `{"params":{"step":"-3"}}`, Progress{Step: -3}, "verification failed", true},
		{"burn failed", `{"params":{"step":"-4"}}`, Progress{Step: -4}, "burn failed", true},
		{"of a firmware module", `{"params":{"step":"1","module":"mcu"}}`, Progress{Step: 1, Module: "mcu"}, "", true},
		{"below -4", `{"params":{"step":-5}}`, Progress{}, "", false},
		{"above 100", `{"params":{"step":"101"}}`, Progress{}, "", false},
		{"no step", `{"id":1,"params":{}}`, Progress{ID: "1"}, "", false},
		{"step that is no number", `{"params":{"step":"x"}}`, Progress{}, "", false},
		{"no params", `{"id":1}`, Progress{ID: "1"}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeProgress([]byte(tt.payload))
			if got != tt.want || (err == nil) != tt.ok || got.Failure() != tt.failure || got.Done() != (tt.want.Step == 100) {
				t.Errorf("DecodeProgress(%s) = %+v (%s), %v; want %+v (%s), ok %v", tt.payload, got, got.Failure(), err, tt.want, tt.failure, tt.ok)
			}
		})
	}
}

func TestWhatDevicesWriteIsRead(t *testing.T) {
	for _, want := range []Get{{ID: "1"}, {ID: "2", Silent: true}, {ID: "3", Inline: true}} {
		if got, err := DecodeGet(AppendGet(nil, want)); err != nil || got != want {
			t.Errorf("DecodeGet(AppendGet(%+v)) = %+v, %v", want, got, err)
		}
	}
	for _, want := range []Report{
		{ID: "1", ConfigID: testConfig, State: Applied},
		{ID: "2", Silent: true, ConfigID: testConfig, State: Failed, Code: 100001, Message: `"quoted" \ 配置`},
	} {
		if got, err := DecodeReport(AppendReport(nil, want)); err != nil || got != want {
			t.Errorf("DecodeReport(AppendReport(%+v)) = %+v, %v", want, got, err)
		}
	}
	for _, want := range []Progress{{ID: "1", Step: 100}, {ID: "2", Step: -3, Desc: "bad\"sum", Module: "mcu"}} {
		if got, err := DecodeProgress(AppendProgress(nil, want)); err != nil || got != want {
			t.Errorf("DecodeProgress(AppendProgress(%+v)) = %+v, %v", want, got, err)
		}
	}
	want := Reply{ID: "7", Code: CodeBadParameters}
	if got, err := DecodeReply(AppendPushReply(nil, want.ID, want.Code)); err != nil || got != want {
		t.Errorf("DecodeReply(AppendPushReply(%+v)) = %+v, %v", want, got, err)
	}
}

func fuzzGood(f *testing.F, payloads ...string) {
	for _, p := range payloads {
		f.Add([]byte(p))
	}
	for _, p := range nested[4:] {
		f.Add([]byte(p))
	}
}

func FuzzGet(f *testing.F) {
	fuzzGood(f, `{"id" : 0,"version":"1.0","sys":{"ack":0},`+goodParams+`,"method":"thing.config.get"}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		g, err := DecodeGet(payload)
		if g.ID != "" && !plain(g.ID) {
			t.Errorf("DecodeGet(%q) = %+v", payload, g)
		}
		again, err2 := DecodeGet(AppendGet(nil, g))
		if err == nil && (err2 != nil || again.Silent != g.Silent || again.Inline != g.Inline || g.ID != "" && again.ID != g.ID) {
			t.Errorf("DecodeGet(%q) = %+v, again %+v, %v", payload, g, again, err2)
		}
	})
}

func FuzzReply(f *testing.F) {
	fuzzGood(f, `{"id":"1000","code":200,"data":"{}"}`, ` "id":1000,"code":"400","data":{}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := DecodeReply(payload)
		if r.ID != "" && !plain(r.ID) || len(r.Message) > MaxText || err != nil && r.Code != 0 {
			t.Errorf("DecodeReply(%q) = %+v, %v", payload, r, err)
		}
	})
}

func FuzzReport(f *testing.F) {
	fuzzGood(f, `{"id":2,"sys":{"ack":0},"params":{"configId":"c","state":"failed","code":"1","message":"x\n"}}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := DecodeReport(payload)
		if r.ID != "" && !plain(r.ID) || len(r.Message) > MaxText {
			t.Errorf("DecodeReport(%q) = %+v", payload, r)
		}
		if err != nil {
			return
		}
		again, err := DecodeReport(AppendReport(nil, r))
		if r.ID == "" {
			r.ID = "0"
		}
		if err != nil || again != r {
			t.Errorf("DecodeReport(%q) = %+v, again %+v, %v", payload, r, again, err)
		}
	})
}

func FuzzProgress(f *testing.F) {
	fuzzGood(f, `{"id":1, "params":{"step":"100","desc":""}}`, `{"params":{"step":-3,"desc":"x","module":"m"}}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := DecodeProgress(payload)
		if err != nil {
			return
		}
		again, err := DecodeProgress(AppendProgress(nil, p))
		if p.ID == "" {
			p.ID = "0"
		}
		if err != nil || again != p || p.Step < -4 || p.Step > 100 {
			t.Errorf("DecodeProgress(%q) = %+v, again %+v, %v", payload, p, again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	get := []byte(`{"id" : 0,"version":"1.0","params":{"configScope":"product","getType":"file","attributeKeys":""},"method":"thing.config.get"}`)
	reply := []byte(`{"id":"1000","code":200,"data":"{}"}`)
	report := AppendReport(nil, Report{ID: "1", ConfigID: testConfig, State: Failed, Code: 100001, Message: "disk full"})
	progress := []byte(`{"id":1, "params":{"step":"100","desc":""}}`)
	for _, bb := range []struct {
		name   string
		decode func() error
	}{
		{"Get", func() error { _, err := DecodeGet(get); return err }},
		{"Reply", func() error { _, err := DecodeReply(reply); return err }},
		{"Report", func() error { _, err := DecodeReport(report); return err }},
		{"Progress", func() error { _, err := DecodeProgress(progress); return err }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
