package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
)

func TestSession(t *testing.T) {
	w := newWorld(t)
	c := client.New(w.server.URL, "")
	_, err := c.Me(t.Context())
	w.code("Me without a session", err, cota.Unauthenticated)
	_, err = c.SignIn(t.Context(), "admin", "wrong password")
	w.code("SignIn with a wrong password", err, cota.Unauthenticated)
	wrong := err.Error()
	_, err = c.SignIn(t.Context(), "nobody", "wrong password")
	w.code("SignIn with an unknown name", err, cota.Unauthenticated)
	if err.Error() != wrong {
		t.Errorf("SignIn says %q of an unknown name and %q of a wrong password; want the same", err, wrong)
	}

	a, err := c.SignIn(t.Context(), "admin", password)
	w.must(err)
	me, err := c.Me(t.Context())
	w.must(err)
	equal(t, "Me in a session", me, client.Me{Account: a, Role: cota.Admin})
	me, err = w.as(cota.Editor).Me(t.Context())
	w.must(err)
	equal(t, "Me with a token", me, client.Me{Account: a, Role: cota.Editor, Token: "editor", Trusted: true})

	w.must(c.SignOut(t.Context()))
	_, err = c.Me(t.Context())
	w.code("Me after SignOut", err, cota.Unauthenticated)

	_, err = c.SignIn(t.Context(), "admin", password)
	w.must(err)
	w.code("ChangePassword with a wrong one", c.ChangePassword(t.Context(), "wrong password", "next password"), cota.WrongPassword)
	w.must(c.ChangePassword(t.Context(), password, "next password"))
	_, err = c.Me(t.Context())
	w.code("Me after ChangePassword", err, cota.Unauthenticated)
	_, err = c.SignIn(t.Context(), "admin", "next password")
	w.must(err)
}

func TestSessionCookie(t *testing.T) {
	w := newWorld(t)
	body := `{"username":"admin","password":"` + password + `"}`
	cookie := func(url string, c *http.Client) *http.Cookie {
		t.Helper()
		resp, err := c.Post(url+"/api/v1/session", "application/json", strings.NewReader(body))
		w.must(err)
		defer resp.Body.Close()
		if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
			t.Fatalf("sign in = %d with cookies %v; want 200 and one", resp.StatusCode, resp.Cookies())
		}
		return resp.Cookies()[0]
	}
	plain := cookie(w.server.URL, w.server.Client())
	if plain.Name != "cota_session" || plain.Path != "/" || !plain.HttpOnly || plain.SameSite != http.SameSiteLaxMode || plain.Secure {
		t.Errorf("cookie = %v; want cota_session for /, HttpOnly, Lax and not Secure", plain)
	}
	tls := httptest.NewTLSServer(api.New(api.Options{Control: w.control, Store: w.store, Log: discard}))
	defer tls.Close()
	c := cookie(tls.URL, tls.Client())
	if c.Name != "__Host-cota_session" || !c.Secure || c.Path != "/" || c.Domain != "" || !c.HttpOnly {
		t.Errorf("cookie by TLS = %v; want __Host-cota_session, Secure, for / and no domain", c)
	}
	me := func(name string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", tls.URL+"/api/v1/me", nil)
		w.must(err)
		req.AddCookie(&http.Cookie{Name: name, Value: c.Value})
		resp, err := tls.Client().Do(req)
		w.must(err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := me(c.Name); got != 200 {
		t.Errorf("by TLS, with its cookie: %d; want 200", got)
	}
	if got := me("cota_session"); got != 401 {
		t.Errorf("by TLS, with a cookie that anybody under the domain could have set: %d; want 401", got)
	}
}

// TestOwnSessions has two people look at where they are signed in, and end that.
func TestOwnSessions(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		s.must(s.control.AddAccount(t.Context(), admin, cota.Account{Name: "bob", Role: cota.Viewer}, password))
		home := s.from("192.0.2.1:1")
		home.header.Set("User-Agent", "Firefox "+strings.Repeat("x", 300))
		home.signIn("bob")
		time.Sleep(time.Hour)
		work, admins := s.signedIn("198.51.100.1:1", "bob"), s.signedIn("203.0.113.1:1", "admin")
		list := func(b *browser) []cota.Session {
			t.Helper()
			sessions, err := b.Sessions(t.Context())
			s.must(err)
			return sessions
		}
		now := time.Now().UTC()
		ids := list(home)
		if len(ids) != 2 || len(ids[0].ID) != 16 || len(ids[1].Browser) != cota.BrowserMax {
			t.Fatalf("sessions of bob: %+v; want two with an id, and what the browser said cut", ids)
		}
		equal(t, "sessions of bob", list(home), []cota.Session{
			{ID: ids[0].ID, Address: "198.51.100.1", CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(control.SessionLife)},
			{ID: ids[1].ID, Address: "192.0.2.1", Browser: ids[1].Browser, CreatedAt: now.Add(-time.Hour), SeenAt: now, ExpiresAt: now.Add(control.SessionLife - time.Hour), Current: true},
		})
		if strings.Contains(s.log.String(), ids[0].ID) {
			t.Error("the log holds the id of a session")
		}

		s.code("EndSession of another's", admins.EndSession(t.Context(), ids[0].ID), cota.NotFound)
		s.code("EndSession of none", home.EndSession(t.Context(), strings.Repeat("0", 16)), cota.NotFound)
		s.code("EndSession of what is no id", home.EndSession(t.Context(), "%"), cota.Invalid)
		s.must(home.EndSession(t.Context(), ids[0].ID))
		_, err := work.Me(t.Context())
		s.code("Me after EndSession", err, cota.Unauthenticated)

		work = s.signedIn("198.51.100.1:1", "bob")
		s.must(work.EndOtherSessions(t.Context()))
		_, err = home.Me(t.Context())
		s.code("Me after EndOtherSessions", err, cota.Unauthenticated)
		if left := list(work); len(left) != 1 || !left[0].Current {
			t.Errorf("sessions after EndOtherSessions: %+v; want the own one", left)
		}
		if _, err := admins.Me(t.Context()); err != nil {
			t.Errorf("Me of another account: %v", err)
		}
	})
}

func TestWrongPasswordsAreLimited(t *testing.T) {
	w := newWorld(t)
	wrong := `{"username":"admin","password":"wrong password"}`
	for i := range api.GuessBurst {
		if a := w.ask("POST", "/api/v1/session", wrong); a.status != 401 {
			t.Fatalf("sign-in %d = %d %s; want 401", i+1, a.status, a.body)
		}
	}
	a := w.ask("POST", "/api/v1/session", wrong)
	w.refused("one sign-in too many", a, 429, cota.RateLimited)
	if !strings.Contains(a.body, `"until"`) {
		t.Errorf("one sign-in too many = %s; want until", a.body)
	}
	right := `{"username":"admin","password":"` + password + `"}`
	w.refused("the right one after too many", w.ask("POST", "/api/v1/session", right), 429, cota.RateLimited)
	w.refused("another account", w.ask("POST", "/api/v1/session", `{"username":"bob","password":"x"}`), 401, cota.Unauthenticated)
	w.code("ChangePassword after too many", w.as(cota.Viewer).ChangePassword(t.Context(), password, "next password"), cota.RateLimited)
}

func TestGuesses(t *testing.T) {
	g := api.NewGuesses()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range api.GuessBurst {
		if err := g.Take("bob", now); err != nil {
			t.Fatalf("Take %d: %v", i+1, err)
		}
	}
	err := g.Take("bob", now)
	if e, ok := err.(*cota.Error); !ok || !e.Until.Equal(now.Add(10*time.Second)) {
		t.Fatalf("Take beyond the burst = %v; want a refusal until 10 s later", err)
	}
	if err := g.Take("bob", now.Add(9*time.Second)); err == nil {
		t.Error("Take a second too soon succeeded; want a refusal")
	}
	if err := g.Take("bob", now.Add(10*time.Second)); err != nil {
		t.Errorf("Take after 10 s: %v", err)
	}
	g.GiveBack("bob", now.Add(10*time.Second))
	if err := g.Take("bob", now.Add(10*time.Second)); err != nil {
		t.Errorf("Take after GiveBack: %v", err)
	}
	if err := g.Take("eve", now); err != nil {
		t.Errorf("Take for another account: %v", err)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	_, err := w.as(cota.Admin).AddAccount(t.Context(), client.NewAccount{Name: "bob", Role: cota.Publisher, Password: "bob's password"})
	w.must(err)
	bob := client.New(w.server.URL, "")
	_, err = bob.SignIn(t.Context(), "bob", "bob's password")
	w.must(err)

	w.verify(bob)
	_, _, err = bob.AddToken(t.Context(), client.NewToken{Name: "too much", Role: cota.Admin})
	w.code("AddToken above one's role", err, cota.Forbidden)
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	token, secret, err := bob.AddToken(t.Context(), client.NewToken{Name: "ci", Role: cota.Editor, ExpiresAt: &expires})
	w.must(err)
	if !strings.HasPrefix(secret, "cota_") || token.Account != "bob" || token.Role != cota.Editor || !token.ExpiresAt.Equal(expires) {
		t.Errorf("AddToken = %+v, %q; want bob's, as editor, with a secret", token, secret)
	}
	ci := client.New(w.server.URL, secret)
	_, err = ci.AddProduct(t.Context(), "", "made by a program")
	w.must(err)
	_, err = ci.StartPush(t.Context(), "a1Nothingxx", 0)
	w.code("StartPush as editor", err, cota.Forbidden)

	equal(t, "Tokens of bob", all(t, bob.Tokens(t.Context())), []cota.Token{token})
	if n := len(all(t, w.as(cota.Admin).Tokens(t.Context()))); n != 5 {
		t.Errorf("Tokens of an administrator = %d; want all 5", n)
	}
	if a := w.ask("GET", "/api/v1/tokens?account=bob", ""); !strings.Contains(a.body, `"name":"ci"`) || strings.Contains(a.body, "viewer") {
		t.Errorf("tokens of bob = %s; want the one", a.body)
	}
	w.refused("another's tokens", w.ask("GET", "/api/v1/tokens?account=admin", "", "Authorization", "Bearer "+secret), 403, cota.Forbidden)
	w.code("RemoveToken of another", bob.RemoveToken(t.Context(), 1), cota.NotFound)
	w.must(bob.RemoveToken(t.Context(), token.ID))
	_, err = ci.Me(t.Context())
	w.code("Me with a removed token", err, cota.Unauthenticated)
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Admin)
	bob, err := c.AddAccount(t.Context(), client.NewAccount{Name: "bob", Role: cota.Editor, Password: "bob's password"})
	w.must(err)
	names := func() (all []string) {
		for a, err := range c.Accounts(t.Context()) {
			w.must(err)
			all = append(all, a.Name)
		}
		return all
	}
	equal(t, "Accounts", names(), []string{"admin", "bob"})
	b := client.New(w.server.URL, "")
	_, err = b.SignIn(t.Context(), "bob", "bob's password")
	w.must(err)
	viewer, disabled := cota.Viewer, true
	got, err := c.SetAccount(t.Context(), "bob", client.AccountPatch{Role: &viewer, Disabled: &disabled})
	w.must(err)
	bob.Role, bob.Disabled = viewer, true
	equal(t, "SetAccount", got, bob)
	_, err = b.Me(t.Context())
	w.code("Me of a disabled account", err, cota.Unauthenticated)
	got, err = c.Account(t.Context(), "bob")
	w.must(err)
	equal(t, "Account", got, bob)
	w.must(c.RemoveAccount(t.Context(), "bob"))
	equal(t, "Accounts after RemoveAccount", names(), []string{"admin"})

	var actions []string
	for e, err := range c.Audit(t.Context(), client.AuditFilter{}) {
		w.must(err)
		if e.Target == "bob" {
			actions = append(actions, e.Actor+" "+e.Address+" "+e.Action)
		}
	}
	equal(t, "Audit of bob", actions, []string{
		"admin/admin 127.0.0.1 account.remove", "admin/admin 127.0.0.1 account.set", "bob 127.0.0.1 session.open", "admin/admin 127.0.0.1 account.add",
	})
}

// A session that somebody planted in a browser does not become that of who
// signs in there: each sign-in makes a new one, and ends the one before.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	signIn := func(cookie string) (secret string) {
		t.Helper()
		a := w.ask("POST", "/api/v1/session", `{"username":"admin","password":"`+password+`"}`, "Authorization", "", "Cookie", cookie)
		set, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		if err != nil || a.status != 200 || strings.Contains(a.body, set.Value) {
			t.Fatalf("sign in = %d %s, %v; want a cookie, and its secret nowhere else", a.status, a.body, err)
		}
		return set.Value
	}
	me := func(secret string) int {
		return w.ask("GET", "/api/v1/me", "", "Authorization", "", "Cookie", "cota_session="+secret).status
	}
	planted := strings.Repeat("A", 43)
	own := signIn("cota_session=" + planted)
	if own == planted || me(planted) != 401 || me(own) != 200 {
		t.Errorf("a planted session: me = %d, the new one: %d; want 401 and 200, and another secret", me(planted), me(own))
	}
	again := signIn("cota_session=" + own)
	elsewhere := signIn("")
	if again == own || me(own) != 401 || me(again) != 200 || me(elsewhere) != 200 {
		t.Errorf("after signing in again: me = %d by the one before, %d by the new one, %d elsewhere; want 401, 200, 200", me(own), me(again), me(elsewhere))
	}
	if a := w.ask("GET", "/api/v1/me?cota_session="+again, "", "Authorization", ""); a.status == 200 {
		t.Error("a session in the address is taken")
	}
	a := w.ask("DELETE", "/api/v1/session", "", "Authorization", "", "Cookie", "cota_session="+again)
	if set, err := http.ParseSetCookie(a.header.Get("Set-Cookie")); err != nil || set.MaxAge >= 0 || me(again) != 401 {
		t.Errorf("sign out = %d %v, then me = %d; want the cookie forgotten, and 401", a.status, set, me(again))
	}
}

// Wrong passwords are counted by address as well, whatever accounts they are
// for, and from one address nobody else is put off.
func TestWrongPasswordsOfAnAddressAreLimited(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		guesser := s.from("192.0.2.1:1")
		for n := range api.RefusalBurst {
			_, err := guesser.SignIn(t.Context(), "account-"+number(int64(n)), "wrong password")
			s.code("a guess", err, cota.Unauthenticated)
		}
		_, err := guesser.SignIn(t.Context(), "admin", password)
		s.code("the right one after too many", err, cota.RateLimited)
		s.signedIn("192.0.2.2:1", "admin")
		time.Sleep(2 * time.Second)
		_, err = guesser.SignIn(t.Context(), "admin", password)
		s.must(err)
	})
}
