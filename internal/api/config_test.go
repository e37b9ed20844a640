package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func TestConfig(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Admin)
	product := w.product(1)
	conf, err := c.Config(t.Context(), product)
	w.must(err)
	equal(t, "Config of a new product", conf, client.Config{Policy: cota.DefaultPolicy()})

	on, history := true, int64(2)
	conf, err = c.SetConfig(t.Context(), product, client.ConfigPatch{Enabled: &on, Policy: &cota.PolicyPatch{History: &history}})
	w.must(err)
	policy := cota.DefaultPolicy()
	policy.History = 2
	equal(t, "SetConfig", conf, client.Config{Enabled: true, Policy: policy})

	push := w.saveAndPush(product, `{"a": 1}`)
	conf, err = c.Config(t.Context(), product)
	w.must(err)
	if conf.NextPushAt != nil {
		t.Errorf("NextPushAt = %v of a push that told nobody; want nil", conf.NextPushAt)
	}
	w.climb(push, "dev-000001", cota.Sent)
	conf, err = c.Config(t.Context(), product)
	w.must(err)
	if conf.Current == nil || conf.Current.Number != 1 || conf.Current.Content != "" || !conf.Current.Pushed {
		t.Errorf("Current = %+v; want version 1, pushed, without content", conf.Current)
	}
	if conf.LastPush == nil || conf.LastPush.No != push.No || conf.LastPush.Sent != 1 {
		t.Errorf("LastPush = %+v; want push %d with one device sent", conf.LastPush, push.No)
	}
	if want := conf.LastPush.StartedAt.Add(time.Hour); conf.NextPushAt == nil || !conf.NextPushAt.Equal(want) {
		t.Errorf("NextPushAt = %v; want %v", conf.NextPushAt, want)
	}
	off := false
	conf, err = c.SetConfig(t.Context(), product, client.ConfigPatch{Enabled: &off})
	w.must(err)
	if conf.Enabled || conf.LastPush.State != cota.Stopped || conf.LastPush.Reason == "" {
		t.Errorf("Config after the switch = %t, %+v; want off, and the push stopped for a reason", conf.Enabled, conf.LastPush)
	}
}

func TestVersionsAreTagged(t *testing.T) {
	w := newWorld(t)
	config := "/api/v1/products/" + w.product(0) + "/config"
	save := func(content, tag string) answer {
		return w.ask("POST", config+"/versions", `{"content":"`+content+`","note":"n"}`, "If-Match", tag)
	}
	tag := func(what string, a answer, status int, want string) {
		t.Helper()
		if got := a.header.Get("ETag"); a.status != status || got != want {
			t.Errorf("%s = %d %s, ETag %s; want %d and %s", what, a.status, a.body, got, status, want)
		}
	}
	tag("config before the first save", w.ask("GET", config, ""), 200, `"0"`)
	tag("versions before the first save", w.ask("GET", config+"/versions", ""), 200, `"0"`)
	w.refused("save upon a version that is not there", save("[1]", `"1"`), 412, cota.Stale)
	tag("first save", save("[1]", `"0"`), 201, `"1"`)
	w.refused("save upon none, again", save("[2]", `"0"`), 412, cota.Stale)
	tag("save upon the first", save("[2]", `"1"`), 201, `"2"`)
	tag("save upon whatever there is", save("[3]", ""), 201, `"3"`)
	tag("save upon anything", save("[4]", "*"), 201, `"4"`)
	for _, bad := range []string{`4`, `W/"4"`, `"04"`, `"-1"`, `"4", "5"`, `"x"`} {
		w.refused("save upon "+bad, save("[5]", bad), 400, cota.Invalid)
	}
	tag("config", w.ask("GET", config, ""), 200, `"4"`)
	a := w.ask("GET", config+"/versions", "")
	tag("versions", a, 200, `"4"`)
	if strings.Contains(a.body, "content") {
		t.Errorf("versions = %s; want them without content", a.body)
	}
}

func TestVersionsKeepEveryByte(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Editor)
	product := w.product(0)
	content := "{\r\n\t\"héllo\": \"\\u0041 <&> \u2028 😀\",  \"n\": 1.50e+3 }\n"
	base := int64(0)
	saved, err := c.SaveVersion(t.Context(), product, client.Draft{Content: content, Note: "why", Base: &base})
	w.must(err)
	if saved.Content != content || saved.SHA256 != cota.Digest(content) || saved.Size != int64(len(content)) || saved.Author != "admin/editor" || saved.Note != "why" {
		t.Errorf("SaveVersion = %+v; want %q to the byte", saved, content)
	}
	shown, err := c.Version(t.Context(), product, 1)
	w.must(err)
	equal(t, "Version", shown, saved)
	_, err = c.SaveVersion(t.Context(), product, client.Draft{Content: "[1]", Base: &base})
	w.code("SaveVersion upon an old one", err, cota.Stale)
	_, err = c.SaveVersion(t.Context(), product, client.Draft{Content: "[1]"})
	w.must(err)
	var numbers []int64
	for v, err := range c.Versions(t.Context(), product) {
		w.must(err)
		numbers = append(numbers, v.Number)
	}
	equal(t, "Versions", numbers, []int64{2, 1})
}
