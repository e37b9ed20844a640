package api

import (
	"context"
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
		Name      string     `json:"name"`
		Role      cota.Role  `json:"role" enum:"viewer,editor,publisher,admin" doc:"at most your own"`
		ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"never unless said otherwise"`
	} `nameHint:"NewToken"`
}

type addedToken struct {
	cota.Token
	Secret string `json:"token" doc:"shown this once"`
}

func (s *server) addToken(ctx context.Context, in *newToken) (*reply[addedToken], error) {
	t, secret, err := s.control.AddToken(ctx, actor(ctx), in.Body.Name, in.Body.Role, in.Body.ExpiresAt)
	return &reply[addedToken]{addedToken{t, secret}}, err
}

type ofToken struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *server) removeToken(ctx context.Context, in *ofToken) (*nothing, error) {
	return &nothing{}, s.control.RemoveToken(ctx, actor(ctx), in.ID)
}
