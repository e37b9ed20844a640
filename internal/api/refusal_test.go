package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return false
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if api.Statuses[cota.Code(code)] == 0 {
			t.Errorf("code %s has no HTTP status", code)
		}
		return false
	})
	if found != len(api.Statuses) {
		t.Errorf("%d codes are declared and %d have a status; want as many", found, len(api.Statuses))
	}
}

// secret stands in the wrong places of the requests below. No answer may
// repeat it.
const secret = "hunter2-and-company"

func TestInvalidRequests(t *testing.T) {
	w := newWorld(t)
	product := w.product(1)
	products, accounts, p := "/api/v1/products", "/api/v1/accounts", "/api/v1/products/"+product
	big := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		code                     cota.Code
		says                     string
		header                   []string
	}{
		{"unknown field", "POST", products, `{"name":"a","pass":"` + secret + `"}`, 400, cota.Invalid, "body.pass", nil},
		{"unknown field that looks like a secret", "POST", products, `{"name":"a","` + secret + secret + `":1}`, 400, cota.Invalid, "no such field", nil},
		{"unknown field with odd letters", "POST", products, `{"name":"a","` + secret + ` !":1}`, 400, cota.Invalid, "no such field", nil},
		{"unknown field within", "PATCH", p + "/config", `{"policy":{"historie":"` + secret + `"}}`, 400, cota.Invalid, "body.policy.historie", nil},
		{"field with other capitals", "POST", products, `{"name":"a","Instance":"` + secret + `"}`, 400, cota.Invalid, "capitals", nil},
		{"missing field", "POST", products, `{}`, 400, cota.Invalid, "name", nil},
		{"text for a number", "PATCH", p + "/config", `{"policy":{"history":"` + secret + `"}}`, 400, cota.Invalid, "body.policy.history: expected integer", nil},
		{"number for a text", "POST", products, `{"name":5}`, 400, cota.Invalid, "body.name: expected string", nil},
		{"fraction for a number", "POST", p + "/devices", `{"count":1.5}`, 400, cota.Invalid, "expected integer", nil},
		{"number out of range", "POST", p + "/devices", `{"count":1e30}`, 400, cota.Invalid, "out of range", nil},
		{"unknown role", "POST", accounts, `{"name":"a","role":"` + secret + `","password":"` + secret + `"}`, 400, cota.Invalid, "viewer, editor", nil},
		{"role that nobody has", "POST", accounts, `{"name":"a","role":"nobody","password":"` + secret + `"}`, 400, cota.Invalid, "viewer, editor", nil},
		{"password too short", "POST", accounts, `{"name":"a","role":"viewer","password":"hunter2"}`, 400, cota.Invalid, "password", nil},
		{"time that is none", "POST", "/api/v1/tokens", `{"name":"a","role":"viewer","expiresAt":"` + secret + `"}`, 400, cota.Invalid, "RFC 3339", nil},
		{"time that is past", "POST", "/api/v1/tokens", `{"name":"a","role":"viewer","expiresAt":"2001-02-03T04:05:06Z"}`, 400, cota.Invalid, "expired", nil},
		{"array for an object", "POST", products, `["` + secret + `"]`, 400, cota.Invalid, "expected object", nil},
		{"no JSON", "POST", "/api/v1/session", `username=admin&password=` + secret, 400, cota.Invalid, "line 1, column 1", nil},
		{"JSON that breaks off", "POST", "/api/v1/session", `{"password":"` + secret, 400, cota.Invalid, "too early", nil},
		{"JSON and something behind it", "POST", products, `{"name":"a"} ` + secret, 400, cota.Invalid, "line 1, column 14", nil},
		{"a name twice", "POST", "/api/v1/session", `{"username":"a","password":"b","password":"` + secret + `"}`, 400, cota.Invalid, "twice", nil},
		{"text that is not UTF-8", "POST", products, "{\"name\":\"" + secret + "\xff\"}", 400, cota.Invalid, "JSON", nil},
		{"U+0000 in a text", "POST", products, `{"name":"a","instance":"\u0000"}`, 400, cota.Invalid, "U+0000", nil},
		{"U+0000 in a path", "GET", products + "/a%00b", "", 400, cota.Invalid, "not text", nil},
		{"U+0000 in a query", "GET", p + "/devices?prefix=%00", "", 400, cota.Invalid, "not text", nil},
		{"a path that is not UTF-8", "GET", products + "/a%ffb", "", 400, cota.Invalid, "not text", nil},
		{"no body", "POST", products, "", 400, cota.Invalid, "body is missing", nil},
		{"null for a body", "POST", products, "null", 400, cota.Invalid, "body", nil},
		{"body that is not called JSON", "POST", products, "name=" + secret, 400, cota.Invalid, "application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"body too large", "POST", products, big, 413, cota.TooLarge, "1048576", nil},
		{"configuration too large", "POST", p + "/config/versions", `{"content":"[` + strings.Repeat(" ", 2<<20) + `]"}`, 413, cota.TooLarge, "65536", nil},
		{"limit that is none", "GET", products + "?limit=" + secret, "", 400, cota.Invalid, "query.limit", nil},
		{"limit of 0", "GET", products + "?limit=0", "", 400, cota.Invalid, "query.limit", nil},
		{"limit of 501", "GET", products + "?limit=501", "", 400, cota.Invalid, "query.limit", nil},
		{"unknown parameter", "GET", products + "?pass=" + secret, "", 400, cota.Invalid, "query.pass", nil},
		{"unknown state", "GET", p + "/devices?state=" + secret, "", 400, cota.Invalid, "pending", nil},
		{"unknown truth", "GET", p + "/devices?online=" + secret, "", 400, cota.Invalid, "query.online", nil},
		{"place that is none", "GET", p + "/devices/dev-000001/events?after=" + secret, "", 400, cota.Invalid, "after", nil},
		{"number that is none", "GET", "/api/v1/pushes/" + secret, "", 400, cota.Invalid, "path.no", nil},
		{"tag that is none", "POST", p + "/config/versions", `{"content":"{}"}`, 400, cota.Invalid, "If-Match", []string{"If-Match", secret}},
		{"nothing to change", "PATCH", p + "/config", `{}`, 400, cota.Invalid, "nothing to change", nil},
		{"nothing to change in a policy", "PATCH", p + "/config", `{"policy":{}}`, 400, cota.Invalid, "nothing to change", nil},
		{"devices in no way", "POST", p + "/devices", `{}`, 400, cota.Invalid, "one way", nil},
		{"devices in two ways", "POST", p + "/devices", `{"deviceName":"dev1","count":2}`, 400, cota.Invalid, "one way", nil},
		{"prefix without count", "POST", p + "/devices", `{"deviceName":"dev1","prefix":"x"}`, 400, cota.Invalid, "one way", nil},
		{"no devices", "POST", p + "/devices", `{"deviceNames":[]}`, 400, cota.Invalid, "1 to 10000", nil},
		{"device name too short", "POST", p + "/devices", `{"deviceName":"abc"}`, 400, cota.Invalid, "4 to 32", nil},
		{"policy out of bounds", "PATCH", p + "/config", `{"policy":{"history":0}}`, 400, cota.Invalid, "history", nil},
		{"configuration that is none", "POST", p + "/config/versions", `{"content":"{\n  \"a\": }"}`, 400, cota.Invalid, "line 2, column 8", nil},

		{"unknown path", "GET", "/api/v1/" + secret, "", 404, cota.NotFound, "nothing at this path", nil},
		{"unknown path outside", "GET", "/" + secret, "", 404, cota.NotFound, "nothing at this path", nil},
		{"unknown method", "PUT", products, "{}", 405, cota.Invalid, "GET, HEAD, POST", nil},
		{"unknown product", "GET", products + "/a1Nothingxx", "", 404, cota.NotFound, "a1Nothingxx", nil},
		{"devices of an unknown product", "GET", products + "/a1Nothingxx/devices", "", 404, cota.NotFound, "a1Nothingxx", nil},
		{"versions of an unknown product", "GET", products + "/a1Nothingxx/config/versions", "", 404, cota.NotFound, "a1Nothingxx", nil},
		{"pushes of an unknown product", "GET", products + "/a1Nothingxx/pushes", "", 404, cota.NotFound, "a1Nothingxx", nil},
		{"products of an unknown instance", "GET", products + "?instance=nowhere", "", 404, cota.NotFound, "nowhere", nil},
		{"unknown device", "GET", p + "/devices/none", "", 404, cota.NotFound, "none", nil},
		{"unknown version", "GET", p + "/config/versions/9", "", 404, cota.NotFound, "9", nil},
		{"unknown push", "GET", "/api/v1/pushes/9", "", 404, cota.NotFound, "9", nil},
		{"events of an unknown push", "GET", "/api/v1/pushes/9/events", "", 404, cota.NotFound, "9", nil},
		{"unknown account", "GET", accounts + "/none", "", 404, cota.NotFound, "none", nil},
		{"unknown token", "DELETE", "/api/v1/tokens/99", "", 404, cota.NotFound, "", nil},
		{"product with devices", "DELETE", p, "", 409, cota.InUse, "devices", nil},
		{"default instance", "DELETE", "/api/v1/instances/default", "", 409, cota.InUse, "default", nil},
		{"device that is there", "POST", p + "/devices", `{"deviceName":"dev-000001"}`, 409, cota.Exists, "dev-000001", nil},
		{"account that is there", "POST", accounts, `{"name":"admin","role":"viewer","password":"` + secret + `"}`, 409, cota.Exists, "admin", nil},
		{"last administrator", "PATCH", accounts + "/admin", `{"role":"viewer"}`, 409, cota.InUse, "last administrator", nil},
		{"push while switched off", "POST", p + "/pushes", `{}`, 409, cota.Disabled, "switch", nil},
		{"sign out with a token", "DELETE", "/api/v1/session", "", 400, cota.Invalid, "token", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := *w
			w.T = t
			a := w.ask(tt.method, tt.path, tt.body, tt.header...)
			w.refused(tt.method+" "+tt.path, a, tt.status, tt.code)
			if !strings.Contains(a.body, tt.says) {
				t.Errorf("answer = %s; want one that says %q", a.body, tt.says)
			}
			if strings.Contains(a.body, secret) {
				t.Errorf("answer = %s; it repeats what it was sent", a.body)
			}
		})
	}
	w.server.Close()
	if strings.Contains(w.log.String(), "?") || strings.Contains(w.log.String(), `{"`) {
		t.Errorf("the log holds queries or bodies:\n%s", w.log)
	}
}

func TestRulesOfBatchUpdate(t *testing.T) {
	w := newWorld(t)
	product, push := w.pushed(2)
	path := "/api/v1/products/" + product
	w.refused("push again", w.ask("POST", path+"/pushes", ""), 409, cota.AlreadyPushed)
	_, err := w.control.SaveVersion(t.Context(), admin, product, control.Draft{Content: `{"n":2}`})
	w.must(err)
	w.refused("push an old version", w.ask("POST", path+"/pushes", `{"version":1}`), 409, cota.NotCurrent)
	w.climb(push, "dev-000001", cota.Sent)
	hour := int64(3600)
	w.must(w.control.SetConfig(t.Context(), admin, product, nil, &cota.PolicyPatch{CooldownSeconds: &hour}))
	a := w.ask("POST", path+"/pushes", `{"version":2}`)
	w.refused("push too soon", a, 409, cota.Cooldown)
	if want := `"until":"` + push.StartedAt.Add(3600e9).UTC().Format("2006-01-02T15:04:"); !strings.Contains(a.body, want) {
		t.Errorf("push too soon = %s; want %s..", a.body, want)
	}
	if a := w.ask("POST", "/api/v1/pushes/1/stop", `{"reason":"wrong"}`); a.status != 200 {
		t.Errorf("stop = %d %s; want 200", a.status, a.body)
	}
	w.refused("stop again", w.ask("POST", "/api/v1/pushes/1/stop", ""), 409, cota.NotRunning)
	w.refused("save the same", w.ask("POST", path+"/config/versions", `{"content":"{\"n\":2}"}`), 409, cota.Unchanged)

	empty := w.product(0)
	on := true
	w.must(w.control.SetConfig(t.Context(), admin, empty, &on, nil))
	w.refused("push nothing", w.ask("POST", "/api/v1/products/"+empty+"/pushes", ""), 409, cota.NoConfig)
}
