package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/cotahq/cota"
)

type tokenList struct {
	Tokens []cota.Token `json:"tokens" nullable:"false"`
	Next   string       `json:"next,omitempty"`
}

type tokenPage struct {
	NumberedPage
	Account string `query:"account" doc:"only those of this account; another's needs the role admin"`
}

func (s *server) tokens(ctx context.Context, in *tokenPage) (*reply[tokenList], error) {
	by, account := actor(ctx), in.Account
	if account == "" && by.Role < cota.Admin {
		account = by.Account
	}
	if account != by.Account {
		if err := need(by, cota.Admin, "a list of another account's tokens"); err != nil {
			return nil, err
		}
	}
	all, err := s.store.Tokens(ctx, account, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(t cota.Token) string { return number(t.ID) })
	return &reply[tokenList]{tokenList{page, next}}, nil
}

type newToken struct {
	Body struct {
		Name      string         `json:"name"`
		Role      cota.Role      `json:"role" enum:"viewer,editor,publisher,admin" doc:"at most your own"`
		Scopes    []cota.Scope   `json:"scopes,omitempty" nullable:"false" doc:"push, or nothing; push unless said otherwise, if the role may"`
		Networks  []netip.Prefix `json:"networks,omitempty" nullable:"false" doc:"where it may be used, such as 192.0.2.0/24; anywhere unless said otherwise"`
		ExpiresAt *time.Time     `json:"expiresAt,omitempty" doc:"never unless said otherwise"`
	} `nameHint:"NewToken"`
}

type addedToken struct {
	cota.Token
	Secret string `json:"token" doc:"shown this once"`
}

func (s *server) addToken(ctx context.Context, in *newToken) (*reply[addedToken], error) {
	b := in.Body
	t, secret, err := s.control.AddToken(ctx, actor(ctx), cota.Token{
		Name: b.Name, Role: b.Role, Scopes: b.Scopes, Networks: b.Networks, ExpiresAt: b.ExpiresAt,
	})
	return &reply[addedToken]{addedToken{t, secret}}, err
}

type ofToken struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *server) removeToken(ctx context.Context, in *ofToken) (*nothing, error) {
	return &nothing{}, s.control.RemoveToken(ctx, actor(ctx), in.ID)
}
