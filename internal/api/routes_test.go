package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/api"
)

// least says for every route which role it needs. A change here is a change of
// what people may do: it belongs in the changelog.
var least = map[string]cota.Role{
	"POST /api/v1/session":                                              cota.Nobody,
	"DELETE /api/v1/session":                                            cota.Viewer,
	"GET /api/v1/me":                                                    cota.Viewer,
	"PATCH /api/v1/me":                                                  cota.Viewer,
	"PATCH /api/v1/me/password":                                         cota.Viewer,
	"GET /api/v1/me/sessions":                                           cota.Viewer,
	"DELETE /api/v1/me/sessions":                                        cota.Viewer,
	"DELETE /api/v1/me/sessions/{session}":                              cota.Viewer,
	"POST /api/v1/me/totp":                                              cota.Viewer,
	"POST /api/v1/me/totp/confirm":                                      cota.Viewer,
	"DELETE /api/v1/me/totp":                                            cota.Viewer,
	"POST /api/v1/challenges/{id}/verify":                               cota.Viewer,
	"POST /api/v1/challenges/{id}/resend":                               cota.Viewer,
	"GET /api/v1/verification":                                          cota.Viewer,
	"PATCH /api/v1/verification":                                        cota.Admin,
	"GET /api/v1/instances":                                             cota.Viewer,
	"POST /api/v1/instances":                                            cota.Admin,
	"GET /api/v1/instances/{instance}":                                  cota.Viewer,
	"PATCH /api/v1/instances/{instance}":                                cota.Admin,
	"DELETE /api/v1/instances/{instance}":                               cota.Admin,
	"GET /api/v1/products":                                              cota.Viewer,
	"POST /api/v1/products":                                             cota.Editor,
	"GET /api/v1/products/{productKey}":                                 cota.Viewer,
	"PATCH /api/v1/products/{productKey}":                               cota.Editor,
	"DELETE /api/v1/products/{productKey}":                              cota.Editor,
	"GET /api/v1/products/{productKey}/devices":                         cota.Viewer,
	"POST /api/v1/products/{productKey}/devices":                        cota.Editor,
	"GET /api/v1/products/{productKey}/devices/{deviceName}":            cota.Viewer,
	"PATCH /api/v1/products/{productKey}/devices/{deviceName}":          cota.Editor,
	"DELETE /api/v1/products/{productKey}/devices/{deviceName}":         cota.Editor,
	"GET /api/v1/products/{productKey}/devices/{deviceName}/messages":   cota.Viewer,
	"GET /api/v1/products/{productKey}/devices/{deviceName}/events":     cota.Viewer,
	"GET /api/v1/products/{productKey}/devices/{deviceName}/subdevices": cota.Viewer,
	"DELETE /api/v1/products/{productKey}/devices/{deviceName}/gateway": cota.Editor,
	"GET /api/v1/products/{productKey}/ca":                              cota.Viewer,
	"PUT /api/v1/products/{productKey}/ca":                              cota.Admin,
	"DELETE /api/v1/products/{productKey}/ca":                           cota.Admin,
	"GET /api/v1/products/{productKey}/ca/revoked":                      cota.Viewer,
	"PUT /api/v1/products/{productKey}/ca/revoked":                      cota.Admin,
	"POST /api/v1/products/{productKey}/ca/revoked":                     cota.Admin,
	"DELETE /api/v1/products/{productKey}/ca/revoked/{serial}":          cota.Admin,
	"GET /api/v1/products/{productKey}/config":                          cota.Viewer,
	"PATCH /api/v1/products/{productKey}/config":                        cota.Publisher,
	"GET /api/v1/products/{productKey}/config/versions":                 cota.Viewer,
	"POST /api/v1/products/{productKey}/config/versions":                cota.Editor,
	"GET /api/v1/products/{productKey}/config/versions/{number}":        cota.Viewer,
	"GET /api/v1/products/{productKey}/pushes":                          cota.Viewer,
	"POST /api/v1/products/{productKey}/pushes":                         cota.Publisher,
	"GET /api/v1/pushes":                                                cota.Viewer,
	"GET /api/v1/pushes/{no}":                                           cota.Viewer,
	"GET /api/v1/pushes/{no}/events":                                    cota.Viewer,
	"GET /api/v1/pushes/{no}/progress":                                  cota.Viewer,
	"GET /api/v1/server":                                                cota.Viewer,
	"GET /api/v1/pushes/{no}/devices":                                   cota.Viewer,
	"POST /api/v1/pushes/{no}/stop":                                     cota.Publisher,
	"GET /api/v1/accounts":                                              cota.Admin,
	"POST /api/v1/accounts":                                             cota.Admin,
	"GET /api/v1/accounts/{account}":                                    cota.Admin,
	"PATCH /api/v1/accounts/{account}":                                  cota.Admin,
	"DELETE /api/v1/accounts/{account}":                                 cota.Admin,
	"GET /api/v1/tokens":                                                cota.Viewer,
	"POST /api/v1/tokens":                                               cota.Viewer,
	"DELETE /api/v1/tokens/{id}":                                        cota.Viewer,
	"GET /api/v1/audit":                                                 cota.Admin,
}

func TestEveryRouteAsksForItsRole(t *testing.T) {
	routes := api.Routes()
	if diff := cmp.Diff(least, routes); diff != "" {
		t.Fatalf("the route table (-want +got):\n%s", diff)
	}
	w := newWorld(t)
	values := strings.NewReplacer("{instance}", "nowhere", "{productKey}", "a1Nothingxx", "{deviceName}", "nothing",
		"{number}", "999", "{no}", "999", "{account}", "nobody", "{id}", "999", "{serial}", "1")
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		method, path, _ := strings.Cut(values.Replace(route), " ")
		need := routes[route]
		if need == cota.Nobody {
			continue
		}
		w.refused(route+" without a session", w.ask(method, path, "", "Authorization", ""), 401, cota.Unauthenticated)
		w.refused(route+" with a bad token", w.ask(method, path, "", "Authorization", "Bearer cota_nonsense"), 401, cota.Unauthenticated)
		w.refused(route+" with a bad session", w.ask(method, path, "", "Authorization", "", "Cookie", "cota_session=nonsense"), 401, cota.Unauthenticated)
		w.refused(route+" with another scheme", w.ask(method, path, "", "Authorization", "Basic YTpi"), 401, cota.Unauthenticated)
		for role := cota.Viewer; role < need; role++ {
			a := w.ask(method, path, "", "Authorization", "Bearer "+w.tokens[role])
			w.refused(route+" as "+role.String(), a, 403, cota.Forbidden)
		}
		if a := w.ask(method, path, "", "Authorization", "Bearer "+w.tokens[need]); a.status == 401 || a.status == 403 {
			t.Errorf("%s as %s = %d %s; want that it is let in", route, need, a.status, a.body)
		}
	}
}

// A role below the one that a field needs is refused, and nothing is done.
func TestFieldsThatNeedMoreThanTheirRoute(t *testing.T) {
	w := newWorld(t)
	product := w.product(1)
	config, device := "/api/v1/products/"+product+"/config", "/api/v1/products/"+product+"/devices/dev-000001"
	publisher, editor := "Bearer "+w.tokens[cota.Publisher], "Bearer "+w.tokens[cota.Editor]

	w.refused("policy as publisher", w.ask("PATCH", config, `{"enabled":true,"policy":{"history":1}}`, "Authorization", publisher), 403, cota.Forbidden)
	at := "/api/v1/products/" + product
	for _, body := range []string{`{"name":"x","dynamicRegistration":true}`, `{"withoutPreRegistration":false}`} {
		w.refused(body+" as editor", w.ask("PATCH", at, body, "Authorization", editor), 403, cota.Forbidden)
	}
	w.refused("new secret as editor", w.ask("PATCH", device, `{"disabled":true,"resetSecret":true}`, "Authorization", editor), 403, cota.Forbidden)
	p, err := w.store.Product(t.Context(), product)
	w.must(err)
	d, err := w.store.Device(t.Context(), product, "dev-000001")
	w.must(err)
	if p.Enabled || d.Disabled || p.DynamicRegistration || p.Name == "x" {
		t.Errorf("after refusals: %+v, disabled %t; want nothing changed", p, d.Disabled)
	}
	if a := w.ask("PATCH", at, `{"name":"y","dynamicRegistration":true,"withoutPreRegistration":true}`, "Authorization", publisher); a.status != http.StatusOK ||
		!strings.Contains(a.body, `"name":"y"`) || !strings.Contains(a.body, `"withoutPreRegistration":true`) {
		t.Errorf("registration as publisher = %d %s; want 200", a.status, a.body)
	}
	w.refused("no change", w.ask("PATCH", at, `{}`), 400, cota.Invalid)
	if a := w.ask("PATCH", config, `{"enabled":true}`, "Authorization", publisher); a.status != http.StatusOK {
		t.Errorf("switch as publisher = %d %s; want 200", a.status, a.body)
	}
	if a := w.ask("PATCH", device, `{"disabled":true}`, "Authorization", editor); a.status != http.StatusOK {
		t.Errorf("disable as editor = %d %s; want 200", a.status, a.body)
	}
}

func TestDescriptionListsEveryRoute(t *testing.T) {
	w := newWorld(t)
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Security    []map[string][]string
			LeastRole   string `json:"x-least-role"`
			Responses   map[string]struct{ Content map[string]any }
		}
		Components struct {
			SecuritySchemes map[string]any
			Schemas         map[string]any
		}
	}
	a := w.ask("GET", "/openapi.json", "", "Authorization", "")
	w.into(a, &spec)
	if !strings.HasPrefix(spec.OpenAPI, "3.1.") {
		t.Errorf("openapi = %q; want 3.1", spec.OpenAPI)
	}
	described := map[string]cota.Role{}
	ids := map[string]bool{}
	for path, methods := range spec.Paths {
		for method, op := range methods {
			route := strings.ToUpper(method) + " " + path
			role := cota.Nobody
			if op.LeastRole != "nobody" {
				w.must(role.UnmarshalText([]byte(op.LeastRole)))
			}
			described[route] = role
			want := []map[string][]string{{"session": {}}, {"token": {}}}
			if role == cota.Nobody {
				want = []map[string][]string{}
			}
			equal(t, "security of "+route, op.Security, want)
			if op.Summary == "" || ids[op.OperationID] || op.Responses["default"].Content["application/problem+json"] == nil {
				t.Errorf("%s = %+v; want a summary, an operationId of its own and the problem that refuses", route, op)
			}
			ids[op.OperationID] = true
		}
	}
	equal(t, "the routes described", described, least)
	for _, scheme := range []string{"session", "token"} {
		if spec.Components.SecuritySchemes[scheme] == nil {
			t.Errorf("no security scheme %s", scheme)
		}
	}
	text, err := json.Marshal(spec.Components.Schemas)
	w.must(err)
	if strings.Contains(string(text), "ErrorModel") || strings.Contains(string(text), "$schema") {
		t.Errorf("the schemas hold what is huma's own: %s", text)
	}
}
