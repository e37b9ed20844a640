package server_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestSecretsStaySecret lives a day of a server in which every kind of secret
// is made, used and used wrongly, and looks for them afterwards: in the
// database, in the log at its most talkative, in every answer over HTTP and
// every error. Only the answer that shows a secret once may hold it.
func TestSecretsStaySecret(t *testing.T) {
	for _, engine := range []string{storetest.SQLiteEngine, storetest.PostgresEngine} {
		t.Run(engine, func(t *testing.T) {
			d := newDay(t, engine)
			d.operators()
			d.devices()
			d.failures()
			places := d.files() // and a SQLite log that is not written back yet
			d.stop()
			d.accidents()

			if n := len(d.secrets); n < 20 {
				t.Errorf("there were %d secrets; want more", n)
			}
			for place, text := range d.files() {
				places[place+" in the end"] = text
			}
			places["the log"] = d.log.String()
			places["the errors"] = strings.Join(d.errors, "\n")
			for name, s := range d.secrets {
				for place, text := range places {
					if form := s.in(text); form != "" {
						t.Errorf("%s stands in %s, %s", name, place, form)
					}
				}
				if shown := d.http.holding(s); !slices.Equal(shown, s.shownBy) {
					t.Errorf("%s stands in the answers to %q; want %q", name, shown, s.shownBy)
				}
			}
		})
	}
}

// secret is a text that must not be found.
type secret struct {
	text    string
	code    bool     // six digits, which may be part of a longer number by chance
	shownBy []string // the requests whose answers show it, each once
}

// in says in which form s stands in text; "" if it does not.
func (s secret) in(text string) (form string) {
	if s.code {
		if regexp.MustCompile(`\b` + s.text + `\b`).MatchString(text) {
			return "as it is"
		}
		return ""
	}
	b := []byte(s.text)
	for form, encoded := range map[string]string{
		"as it is": s.text, "in hexadecimal": hex.EncodeToString(b), "in base64": base64.RawStdEncoding.EncodeToString(b),
		"in base64 for URLs": base64.RawURLEncoding.EncodeToString(b), "escaped": strings.Trim(fmt.Sprintf("%q", s.text), `"`),
	} {
		if strings.Contains(text, encoded) || strings.Contains(text, strings.ToUpper(encoded)) {
			return form
		}
	}
	return ""
}

// Secrets that the test chooses.
const (
	dayMasterKey     = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2"
	dayAdminPassword = "planted-admin-password"
	dayNewPassword   = "planted-new-admin-password"
	dayOpsPassword   = "planted-password-of-ops"
	dayWrongPassword = "planted-wrong-password"
	dayWrongToken    = "planted-wrong-token-planted-wrong-token"
	dayWebhookSecret = "planted-webhook-secret"
	dayWebhookKey    = "planted-key-in-webhook-url"
	dayWebhookAnswer = "planted-in-webhook-answer"
	dayPhone         = "+8613812345678"
	dayOpsPhone      = "+8613887654321"
)

func (d *day) plant(name, text string, shownBy ...string) {
	d.t.Helper()
	if text == "" {
		d.t.Fatalf("%s is empty", name)
	}
	d.secrets[name] = secret{text: text, shownBy: shownBy}
}

func (d *day) plantCode(name, code string) {
	d.t.Helper()
	if len(code) != 6 {
		d.t.Fatalf("%s is %q; want six digits", name, code)
	}
	d.secrets[name] = secret{text: code, code: true}
}

// fails keeps an error that there has to be.
func (d *day) fails(what string, err error) {
	d.t.Helper()
	if err == nil {
		d.t.Errorf("%s succeeded; want an error", what)
		return
	}
	d.errors = append(d.errors, err.Error())
}

const v1 = "/api/v1"

// operators do what operators do: their passwords, phones, authenticators and
// tokens.
func (d *day) operators() {
	ctx := d.t.Context()
	_, err := d.admin.SignIn(ctx, "admin", dayAdminPassword)
	d.must(err)
	d.plant("the first session", d.cookie("cota_session"), "POST "+v1+"/session")

	_, _, err = d.admin.AddToken(ctx, client.NewToken{Name: "too early", Role: cota.Admin})
	e, ok := errors.AsType[*cota.Error](err)
	if !ok || e.Challenge == nil {
		d.t.Fatalf("AddToken() = %v; want a challenge", err)
	}
	local, err := server.OpenLocal(ctx, d.options)
	d.must(err)
	recovery, _, err := local.Recover(ctx, "admin")
	d.must(errors.Join(err, local.Close(ctx)))
	d.plantCode("a recovery code", recovery)
	_, err = d.admin.Verify(ctx, e.Challenge.ID, "000000")
	d.fails("a wrong code", err)
	_, err = d.admin.Verify(ctx, e.Challenge.ID, recovery)
	d.must(err)
	d.plant("the browser's cookie", d.cookie("cota_browser"), "POST "+v1+"/challenges/"+e.Challenge.ID+"/verify")

	challenge, err := d.admin.SetPhone(ctx, dayPhone)
	d.must(err)
	code := <-d.codes
	d.plantCode("a code by the webhook", code)
	_, err = d.admin.Verify(ctx, challenge.ID, code)
	d.must(err)

	seed, url, err := d.admin.AddTOTP(ctx)
	d.must(err)
	d.plant("an authenticator's secret", seed, "POST "+v1+"/me/totp")
	if !strings.Contains(url, seed) {
		d.t.Errorf("the authenticator's URL %q lacks its secret", url)
	}
	d.fails("a wrong code of the authenticator", d.admin.ConfirmTOTP(ctx, "000000"))
	code, err = totp.GenerateCode(seed, time.Now())
	d.must(err)
	d.plantCode("a code of the authenticator", code)
	d.must(d.admin.ConfirmTOTP(ctx, code))
	d.must(d.admin.RemoveTOTP(ctx))
	pending, _, err := d.admin.AddTOTP(ctx)
	d.must(err)
	d.plant("another authenticator's secret", pending, "POST "+v1+"/me/totp")

	_, token, err := d.admin.AddToken(ctx, client.NewToken{Name: "laptop", Role: cota.Admin})
	d.must(err)
	d.plant("a token", token, "POST "+v1+"/tokens")
	_, err = d.admin.AddAccount(ctx, client.NewAccount{Name: "ops", Role: cota.Publisher, Password: dayOpsPassword, Phone: dayOpsPhone})
	d.must(err)
	ops := d.client("")
	_, err = ops.SignIn(ctx, "ops", dayOpsPassword)
	d.must(err)
	d.plant("a session of ops", d.cookie("cota_session"), "POST "+v1+"/session")
	_, _, err = ops.AddToken(ctx, client.NewToken{Name: "mine", Role: cota.Viewer}) // the webhook fails
	d.fails("a token without a proof", err)
	d.plantCode("a code that the webhook refused", <-d.codes)
	d.must(d.admin.ChangePassword(ctx, dayAdminPassword, dayNewPassword))
	d.admin = d.client(token)
}

// cookie is the value of a cookie that was set last.
func (d *day) cookie(name string) string {
	d.t.Helper()
	d.http.mu.Lock()
	defer d.http.mu.Unlock()
	for _, one := range slices.Backward(d.http.all) {
		if _, rest, ok := strings.Cut(one.text, "Set-Cookie: "+name+"="); ok {
			value, _, _ := strings.Cut(rest, ";")
			return value
		}
	}
	d.t.Fatalf("no answer sets the cookie %s", name)
	return ""
}

// devices come, ask, download, report and are pushed to.
func (d *day) devices() {
	ctx := d.t.Context()
	p, err := d.admin.AddProduct(ctx, "", "meter")
	d.must(err)
	d.product = p.Key
	d.plant("a product's secret", p.Secret, "POST "+v1+"/products")
	all, err := d.admin.AddDevices(ctx, p.Key, "meter-0001", "meter-0002")
	d.must(err)
	for _, c := range all {
		d.plant("the secret of "+c.Name, c.Secret, "POST "+v1+"/products/"+p.Key+"/devices")
	}
	reset, err := d.admin.ResetDeviceSecret(ctx, p.Key, all[1].Name)
	d.must(err)
	d.plant("a new secret of "+all[1].Name, reset, "PATCH "+v1+"/products/"+p.Key+"/devices/"+all[1].Name)
	on := true
	_, err = d.admin.SetConfig(ctx, p.Key, client.ConfigPatch{Enabled: &on})
	d.must(err)
	_, err = d.admin.SaveVersion(ctx, p.Key, client.Draft{Content: `{"interval": 60}`})
	d.must(err)

	d.device = all[0]
	nc := d.connect(d.device.Secret, mqtt.Success)
	defer nc.Close()
	d.link = d.ask(nc)
	_, token, _ := strings.Cut(d.link, "/c/")
	d.plant("a link", token)
	d.download(d.link, http.StatusOK)
	push, err := d.admin.StartPush(ctx, p.Key, 0)
	d.must(err)
	b := d.read(nc, mqtt.TypePublish)
	pushed, err := mqtt.DecodePublish(b, mqtt.V311)
	d.must(err)
	offer, err := alink.DecodePush(pushed.Payload)
	d.must(err)
	_, token, _ = strings.Cut(offer.URL, "/c/")
	d.plant("a link by a push", token)
	d.download(offer.URL, http.StatusOK)
	_, err = d.admin.StopPush(ctx, push.No, "enough")
	d.must(err)
	for range d.admin.Events(ctx, p.Key, d.device.Name) {
	}
	for range d.admin.Audit(ctx, client.AuditFilter{}) {
	}
	for _, path := range []string{"/metrics", "/openapi.json", "/healthz", "/readyz", v1 + "/me", v1 + "/products", v1 + "/products/" + p.Key + "/devices",
		v1 + "/tokens", v1 + "/accounts", v1 + "/verification", v1 + "/pushes"} {
		d.request(http.MethodGet, path, "")
	}
}

// failures are what goes wrong while the server serves.
func (d *day) failures() {
	ctx := d.t.Context()
	_, err := d.client("").SignIn(ctx, "admin", dayWrongPassword)
	d.fails("a wrong password", err)
	_, err = d.client("").SignIn(ctx, dayWrongPassword, dayOpsPassword) // the fields mixed up
	d.fails("a password for a name", err)
	_, err = d.client(dayWrongToken).Me(ctx)
	d.fails("a wrong token", err)
	for _, body := range []string{
		`{"username": "admin", "password": ["` + dayNewPassword + `"]}`, `{"username": "admin", "password": "` + dayNewPassword,
		`{"username": "admin", "` + dayNewPassword + `": 1}`, dayNewPassword, `{"old": 7, "new": {"a": "` + dayNewPassword + `"}}`,
	} {
		for _, path := range []string{"/session", "/me/password", "/accounts", "/tokens", "/products"} {
			d.request(http.MethodPost, v1+path, body)
			d.request(http.MethodPatch, v1+path, body)
		}
	}
	_, err = d.admin.AddAccount(ctx, client.NewAccount{Name: "bad name!", Role: cota.Viewer, Password: dayNewPassword, Phone: dayOpsPhone})
	d.fails("an account of a bad name", err)
	_, err = d.admin.AddAccount(ctx, client.NewAccount{Name: "ops", Role: cota.Viewer, Password: dayNewPassword})
	d.fails("an account that is there", err)

	d.connect(dayWrongPassword, mqtt.BadUserNameOrPassword).Close()
	d.connectBy(mqtt.Connect{Version: mqtt.V311, KeepAlive: 60, ClientID: []byte(d.device.Secret), Username: []byte(d.device.Secret), Password: []byte(d.device.Secret)},
		mqtt.ServerUnavailable).Close() // it could be an iotId
	d.connectBy(mqtt.Connect{Version: mqtt.V311, KeepAlive: 60, ClientID: []byte("x|" + d.device.Secret), Username: []byte("a&b")}, mqtt.ClientIDNotValid).Close()
	nc := d.connect(d.device.Secret, mqtt.Success)
	nc.Write([]byte{0x32, 0x02, 0xff, 0xff}) // no PUBLISH
	io.Copy(io.Discard, nc)
	nc.Close()
	d.download(d.link+"x", http.StatusForbidden)
	d.download(strings.Replace(d.link, "/c/", "/d/", 1), http.StatusNotFound)

	// The database fails below the server.
	d.sql(`ALTER TABLE device RENAME TO hidden`)
	d.connect(d.device.Secret, mqtt.ServerUnavailable).Close()
	_, err = d.admin.ResetDeviceSecret(ctx, d.product, d.device.Name)
	d.fails("a reset without a table", err)
	d.sql(`ALTER TABLE hidden RENAME TO device`)
	d.sql(`UPDATE device SET secret_sealed = 'damaged'`)
	d.connect(d.device.Secret, mqtt.ServerUnavailable).Close()
	if !strings.Contains(d.log.String(), "the sealed secret of device") {
		d.t.Error("the log does not say that a secret is damaged")
	}
}

// accidents are what goes wrong when a server is to start.
func (d *day) accidents() {
	keys, err := store.Open(context.Background(), store.Options{DSN: d.dsn(), Key: []byte(d.secrets["the master key"].text), Guest: true, Log: d.options.Log})
	d.must(err)
	signing, err := keys.SigningKeys(context.Background())
	d.must(errors.Join(err, keys.Close(context.Background())))
	d.plant("the key that signs links", string(signing[0].Secret))

	for name, change := range map[string]func(o *server.Options){
		"a key cut short":    func(o *server.Options) { o.MasterKey = dayMasterKey[:60] },
		"a key and a file":   func(o *server.Options) { o.MasterKeyFile = "somewhere" },
		"another key":        func(o *server.Options) { o.MasterKey = strings.Repeat("00", 32) },
		"a key twice, badly": func(o *server.Options) { o.MasterKey = dayMasterKey + "," + dayMasterKey + "x" },
		"a database that is not there": func(o *server.Options) {
			o.DB = "postgres://cota:" + dayWrongPassword + "@127.0.0.1:1/cota?sslmode=disable"
		},
		"an address that cannot be read": func(o *server.Options) { o.DB = "postgres://cota:" + dayWrongPassword + "@host:port:1/%zz" },
		"a webhook's address that cannot be read": func(o *server.Options) {
			o.SMS.WebhookURL = "http://user:" + dayWebhookSecret + "@host/%zz"
		},
		"a file address with a password": func(o *server.Options) { o.FilesURL = "http://u:" + dayWrongPassword + "@files.example.com" },
	} {
		o := d.options
		o.HTTP, o.MQTT, o.Files = nil, nil, nil
		change(&o)
		_, err := server.Open(context.Background(), o)
		d.fails(name, err)
	}
}
