package api

import (
	"context"
	"strings"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

type signedIn struct {
	Cookie string `header:"Set-Cookie"`
	Body   struct {
		Account cota.Account `json:"account"`
	} `nameHint:"SignedIn"`
}

type signIn struct {
	Body struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `nameHint:"SignIn"`
}

func (s *server) openSession(ctx context.Context, in *signIn) (*signedIn, error) {
	r := requestOf(ctx)
	var out signedIn
	// No account has a longer name, and what is remembered must be bounded.
	name := in.Body.Username[:min(len(in.Body.Username), 2*cota.NameMax)]
	err := s.try(r, name, func() error {
		from := cota.Session{Address: r.addr, Browser: r.userAgent()}
		secret, account, err := s.control.OpenSession(ctx, name, in.Body.Password, from, r.cookie(sessionCookie))
		out.Body.Account = account
		out.Cookie = r.setCookie(sessionCookie, secret, int(control.SessionLife.Seconds()))
		return err
	})
	return &out, err
}

type signedOut struct {
	Cookie string `header:"Set-Cookie"`
}

func (s *server) closeSession(ctx context.Context, _ *struct{}) (*signedOut, error) {
	r := requestOf(ctx)
	if r.secret == "" {
		return nil, cota.Errorf(cota.Invalid, "a token has no session; to end its use, remove it")
	}
	return &signedOut{r.setCookie(sessionCookie, "", -1)}, s.control.CloseSession(ctx, r.by, r.secret)
}

// userAgent is what the client says it is, as far as that is kept.
func (r *request) userAgent() string {
	said := r.in.UserAgent()
	return strings.ToValidUTF8(said[:min(len(said), cota.BrowserMax)], "")
}

type sessionList struct {
	Sessions []cota.Session `json:"sessions" nullable:"false"`
}

func (s *server) sessions(ctx context.Context, _ *struct{}) (*reply[sessionList], error) {
	all, err := s.control.Sessions(ctx, actor(ctx))
	return &reply[sessionList]{sessionList{all}}, err
}

type ofSession struct {
	ID string `path:"session" pattern:"^[0-9a-f]{16}$"`
}

func (s *server) endSession(ctx context.Context, in *ofSession) (*nothing, error) {
	return &nothing{}, s.control.EndSession(ctx, actor(ctx), in.ID)
}

func (s *server) endOtherSessions(ctx context.Context, _ *struct{}) (*nothing, error) {
	return &nothing{}, s.control.EndOtherSessions(ctx, actor(ctx))
}

type meAnswer struct {
	Account cota.Account `json:"account"`
	Role    cota.Role    `json:"role" doc:"what you may do: the lesser of the account's role and the token's"`
	Token   string       `json:"token" doc:"name of the token; empty in a session"`
	Trusted bool         `json:"trusted" doc:"no second proof is needed from here, now"`
}

func (s *server) me(ctx context.Context, _ *struct{}) (*reply[meAnswer], error) {
	by := actor(ctx)
	account, err := s.store.Account(ctx, by.Account)
	if err != nil {
		return nil, err
	}
	trusted, err := s.control.Trusted(ctx, by)
	_, token, _ := strings.Cut(by.Name, "/")
	return &reply[meAnswer]{meAnswer{account, by.Role, token, trusted}}, err
}

type serverAnswer struct {
	Version  string `json:"version" doc:"of cota"`
	MQTTPort int    `json:"mqttPort" doc:"where devices connect, at this server's name"`
	FilesURL string `json:"filesUrl" doc:"where devices download configurations"`
}

func (s *server) server(context.Context, *struct{}) (*reply[serverAnswer], error) {
	return &reply[serverAnswer]{s.about}, nil
}

type newPassword struct {
	Body struct {
		Old string `json:"old"`
		New string `json:"new"`
	} `nameHint:"NewPassword"`
}

// changePassword ends all sessions of the account, this one too.
func (s *server) changePassword(ctx context.Context, in *newPassword) (*nothing, error) {
	r := requestOf(ctx)
	err := s.try(r, r.by.Account, func() error {
		return s.control.ChangePassword(ctx, r.by, in.Body.Old, in.Body.New)
	})
	return &nothing{}, err
}
