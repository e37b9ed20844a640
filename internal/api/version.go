package api

import (
	"context"
	"strconv"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

type versionList struct {
	Versions []cota.Version `json:"versions" nullable:"false"`
	Next     string         `json:"next,omitempty"`
}

type versionPage struct {
	OfProduct
	NumberedPage
}

func (s *server) versions(ctx context.Context, in *versionPage) (*tagged[versionList], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Versions(ctx, p.Key, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(v cota.Version) string { return number(v.Number) })
	return &tagged[versionList]{etag(p.Current), versionList{page, next}}, nil
}

type ofVersion struct {
	OfProduct
	Number int64 `path:"number" minimum:"1"`
}

func (s *server) version(ctx context.Context, in *ofVersion) (*reply[cota.Version], error) {
	if _, err := s.store.Product(ctx, in.Product); err != nil {
		return nil, err
	}
	v, err := s.store.Version(ctx, in.Product, in.Number)
	return &reply[cota.Version]{v}, err
}

type newVersion struct {
	OfProduct
	IfMatch string `header:"If-Match" doc:"ETag of the version that the text was made from: 412 if another one is current by now"`
	Body    struct {
		Content string `json:"content" doc:"the configuration, a JSON object or array as text; kept to the byte"`
		Note    string `json:"note,omitempty"`
	} `nameHint:"NewVersion"`
}

func (s *server) saveVersion(ctx context.Context, in *newVersion) (*tagged[cota.Version], error) {
	base, err := parseETag(in.IfMatch)
	if err != nil {
		return nil, err
	}
	v, err := s.control.SaveVersion(ctx, actor(ctx), in.Product, control.Draft{
		Content: in.Body.Content, Note: in.Body.Note, Base: base,
	})
	return &tagged[cota.Version]{etag(v.Number), v}, err
}

// etag is the number of a product's current version, 0 for none, as an entity
// tag.
func etag(current int64) string { return `"` + number(current) + `"` }

// parseETag is the inverse of etag; nil for no tag and for *.
func parseETag(tag string) (*int64, error) {
	if tag == "" || tag == "*" {
		return nil, nil
	}
	text, err := strconv.Unquote(tag)
	if err == nil {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 && etag(n) == tag {
			return &n, nil
		}
	}
	return nil, cota.Errorf(cota.Invalid, `If-Match must be the ETag of a version, such as "3"`)
}
