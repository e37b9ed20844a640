package api

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cotahq/cota"
)

const about = `Remote configuration of fleets of devices. Sign in for a session, or send ` +
	`Authorization: Bearer with a token. Lists page by after= and limit=; next is the after of the next page. ` +
	`Refusals are RFC 9457 problems with a stable code.`

// register adds the routes to an adapter and returns their description.
func (s *server) register(adapter huma.Adapter, version string) []byte {
	spec := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "cota", Version: version, Description: about},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "by TLS it is called " + hostPrefix + sessionCookie},
				"token":   {Type: "http", Scheme: "bearer"},
			},
		},
	}
	api := huma.NewAPI(huma.Config{
		OpenAPI:                      spec,
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{ours},
	}, adapter)
	api.UseMiddleware(func(c huma.Context, next func(huma.Context)) { next(mend(c)) })
	for _, ch := range s.routes() {
		spec.Tags = append(spec.Tags, &huma.Tag{Name: ch.title})
		for _, r := range ch.routes {
			r.handler(s, api, s.operation(api, ch.title, r))
		}
	}
	nullable(spec, "ConfigAnswer", "current", "lastPush")
	nullable(spec, "MePatched", "challenge")
	for _, name := range []string{"ErrorModel", "ErrorDetail"} { // huma's own; ours says it all
		delete(spec.Components.Schemas.Map(), name)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		panic(err) // it is made of our own types
	}
	return text
}

// operation is what huma is to know of a route.
func (s *server) operation(api huma.API, tag string, r route) huma.Operation {
	op := huma.Operation{
		OperationID: r.name, Method: r.method, Path: prefix + r.path, Summary: r.summary, Tags: []string{tag},
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTimeout,
		Security:   []map[string][]string{}, // none is needed
		Extensions: map[string]any{"x-least-role": r.least.String()},
		Responses:  map[string]*huma.Response{"default": refused(api)},
	}
	if r.least > cota.Nobody {
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
		op.Middlewares = huma.Middlewares{s.guard(r.least)}
	}
	if created[r.name] {
		op.DefaultStatus = http.StatusCreated
	}
	switch r.name {
	case "addDevices":
		op.MaxBodyBytes = maxDevicesBody
	case "saveVersion":
		op.MaxBodyBytes = maxVersionBody
	case "watchPush":
		op.Responses["200"] = pushStream(api)
	}
	return op
}

// refused describes every refusal.
func refused(api huma.API) *huma.Response {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	return &huma.Response{
		Description: "Refused",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}
}

func pushStream(api huma.API) *huma.Response {
	return &huma.Response{
		Description: "Server-sent events named push; the data of each is the push as it is then",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[cota.Push](), true, ""),
		}},
	}
}

// nullable describes fields that hold an object or null, which huma cannot.
func nullable(spec *huma.OpenAPI, schema string, fields ...string) {
	properties := spec.Components.Schemas.Map()[schema].Properties
	for _, f := range fields {
		properties[f] = &huma.Schema{OneOf: []*huma.Schema{{Ref: properties[f].Ref}, {Type: "null"}}}
	}
}
