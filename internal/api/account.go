package api

import (
	"context"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

type accountList struct {
	Accounts []cota.Account `json:"accounts" nullable:"false"`
	Next     string         `json:"next,omitempty"`
}

// OfAccount names an account.
type OfAccount struct {
	Account string `path:"account"`
}

func (s *server) accounts(ctx context.Context, in *Page) (*reply[accountList], error) {
	all, err := s.store.Accounts(ctx, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(a cota.Account) string { return a.Name })
	return &reply[accountList]{accountList{page, next}}, nil
}

func (s *server) account(ctx context.Context, in *OfAccount) (*reply[cota.Account], error) {
	a, err := s.store.Account(ctx, in.Account)
	return &reply[cota.Account]{a}, err
}

type newAccount struct {
	Body struct {
		Name     string    `json:"name"`
		Role     cota.Role `json:"role" enum:"viewer,editor,publisher,admin"`
		Password string    `json:"password"`
		Phone    string    `json:"phone,omitempty" maxLength:"32" doc:"where its verification codes go; needs a second proof"`
	} `nameHint:"NewAccount"`
}

func (s *server) addAccount(ctx context.Context, in *newAccount) (*reply[cota.Account], error) {
	a := cota.Account{Name: in.Body.Name, Role: in.Body.Role, Phone: in.Body.Phone}
	if err := s.control.AddAccount(ctx, actor(ctx), a, in.Body.Password); err != nil {
		return nil, err
	}
	return s.account(ctx, &OfAccount{a.Name})
}

type accountPatch struct {
	OfAccount
	Body struct {
		Role     *cota.Role `json:"role,omitempty" enum:"viewer,editor,publisher,admin"`
		Disabled *bool      `json:"disabled,omitempty"`
		Password *string    `json:"password,omitempty"`
		Phone    *string    `json:"phone,omitempty" maxLength:"32" doc:"where its verification codes go; needs a second proof"`
	} `nameHint:"AccountPatch"`
}

func (s *server) setAccount(ctx context.Context, in *accountPatch) (*reply[cota.Account], error) {
	patch := control.AccountPatch{Role: in.Body.Role, Disabled: in.Body.Disabled, Password: in.Body.Password, Phone: in.Body.Phone}
	if patch == (control.AccountPatch{}) {
		return nil, errNoChange
	}
	a, err := s.control.SetAccount(ctx, actor(ctx), in.Account, patch)
	return &reply[cota.Account]{a}, err
}

func (s *server) removeAccount(ctx context.Context, in *OfAccount) (*nothing, error) {
	return &nothing{}, s.control.RemoveAccount(ctx, actor(ctx), in.Account)
}
