package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of open

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/store/storetest"
)

// book is text that many write to.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// answers keeps all that is answered over HTTP.
type answers struct {
	mu  sync.Mutex
	all []answer // guarded by mu
}

type answer struct {
	request string // method and path
	text    string // headers and body
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	var text bytes.Buffer
	fmt.Fprintln(&text, res.Status)
	res.Header.Write(&text)
	text.Write(body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, answer{r.Method + " " + r.URL.Path, text.String()})
	return res, err
}

// holding are the requests whose answers hold a secret.
func (a *answers) holding(s secret) (requests []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.all {
		if s.in(one.text) != "" {
			requests = append(requests, one.request)
		}
	}
	return requests
}

// day is a server's day.
type day struct {
	t       *testing.T
	options server.Options
	server  *server.Server
	stop    func()
	log     book
	http    answers
	admin   *client.Client
	codes   chan string // that the webhook is sent

	product string
	device  cota.Credentials
	link    string

	secrets map[string]secret
	errors  []string
}

func newDay(t *testing.T, engine string) *day {
	d := &day{t: t, codes: make(chan string, 100), secrets: map[string]secret{}}
	raw, err := hex.DecodeString(dayMasterKey)
	d.must(err)
	for name, text := range map[string]string{
		"the master key": string(raw), "the first password": dayAdminPassword, "the new password": dayNewPassword,
		"a password of an account": dayOpsPassword, "a wrong password": dayWrongPassword, "a wrong token": dayWrongToken,
		"the webhook's secret": dayWebhookSecret, "the key in the webhook's address": dayWebhookKey,
		"what the webhook answered": dayWebhookAnswer, "a phone number": dayPhone[3:], "another phone number": dayOpsPhone[3:],
	} {
		d.plant(name, text)
	}
	hook := httptest.NewServer(http.HandlerFunc(d.hook))
	t.Cleanup(hook.Close)
	d.options = server.Options{
		DataDir: t.TempDir(), AdminPassword: dayAdminPassword, MasterKey: dayMasterKey, Verification: "on", Version: "test",
		SMS: server.SMS{Kind: "webhook", WebhookURL: hook.URL + "/?key=" + dayWebhookKey, WebhookSecret: dayWebhookSecret},
		Log: slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if engine == storetest.PostgresEngine {
		d.options.DB = storetest.Database(t, engine)
	}
	d.start()
	return d
}

// hook receives codes, as the operator's program does. That of ops it refuses.
func (d *day) hook(w http.ResponseWriter, r *http.Request) {
	var m struct{ Account, Code string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		d.t.Error(err)
	}
	d.codes <- m.Code
	if m.Account == "ops" {
		http.Error(w, dayWebhookAnswer, http.StatusTeapot)
	}
}

func (d *day) start() {
	d.t.Helper()
	o := d.options
	o.MQTT = make([]net.Listener, 1)
	for _, ln := range []*net.Listener{&o.HTTP, &o.MQTT[0], &o.Files} {
		var err error
		*ln, err = net.Listen("tcp", "127.0.0.1:0")
		d.must(err)
	}
	o.FilesURL = "http://" + o.Files.Addr().String()
	s, err := server.Open(context.Background(), o)
	d.must(err)
	d.server, d.options = s, o
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, 5*time.Second) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	})
	d.t.Cleanup(d.stop)
	d.admin = d.client("")
}

func (d *day) client(token string) *client.Client {
	return client.New("http://"+d.options.HTTP.Addr().String(), token).Through(&d.http)
}

func (d *day) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *day) dsn() string {
	if d.options.DB != "" {
		return d.options.DB
	}
	return filepath.Join(d.options.DataDir, "cota.db")
}

// request asks with the session that admin had, or none.
func (d *day) request(method, path, body string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, "http://"+d.options.HTTP.Addr().String()+path, strings.NewReader(body))
	d.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+d.secrets["a token"].text)
	res, err := d.http.RoundTrip(r)
	d.must(err)
	res.Body.Close()
}

func (d *day) download(url string, want int) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, url, nil)
	d.must(err)
	res, err := d.http.RoundTrip(r)
	d.must(err)
	res.Body.Close()
	if res.StatusCode != want {
		d.t.Errorf("a download is answered %d; want %d", res.StatusCode, want)
	}
}

// connect signs the device in by a secret.
func (d *day) connect(secret string, want mqtt.Code) net.Conn {
	d.t.Helper()
	login, err := alink.Sign(d.product, d.device.Name, secret, alink.SignOptions{})
	d.must(err)
	d.plant("a device's password by "+secret[:7], login.Password)
	return d.connectBy(mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 60,
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}, want)
}

func (d *day) connectBy(c mqtt.Connect, want mqtt.Code) net.Conn {
	d.t.Helper()
	nc, err := net.Dial("tcp", d.options.MQTT[0].Addr().String())
	d.must(err)
	_, err = nc.Write(c.Append(nil))
	d.must(err)
	got, err := mqtt.DecodeConnack(d.read(nc, mqtt.TypeConnack), mqtt.V311)
	if err != nil || got.Code != want {
		d.t.Errorf("CONNACK %v, %v; want %v", got.Code, err, want)
	}
	return nc
}

// ask asks for the configuration and returns its link.
func (d *day) ask(nc net.Conn) string {
	d.t.Helper()
	get := mqtt.Publish{
		Topic:   alink.AppendTopic(nil, alink.ConfigGet, d.product, d.device.Name),
		Payload: alink.AppendGet(nil, alink.Get{ID: "1"}),
	}
	_, err := nc.Write(get.Append(nil, mqtt.V311))
	d.must(err)
	p, err := mqtt.DecodePublish(d.read(nc, mqtt.TypePublish), mqtt.V311)
	d.must(err)
	c, err := alink.DecodeGetReply(p.Payload)
	d.must(err)
	return c.URL
}

// read is the next packet, which must come alone.
func (d *day) read(nc net.Conn, want mqtt.Type) []byte {
	d.t.Helper()
	w := &wire{t: d.t}
	return w.read(nc, want)
}

// sql changes the database behind the server's back.
func (d *day) sql(statement string) {
	d.t.Helper()
	db := d.open()
	defer db.Close()
	_, err := db.ExecContext(d.t.Context(), statement)
	d.must(err)
}

func (d *day) open() *sql.DB {
	d.t.Helper()
	driver, dsn := "pgx", d.options.DB
	if dsn == "" {
		driver, dsn = "sqlite", "file:"+d.dsn()+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	d.must(err)
	return db
}

// files are all that is kept: the files of the data directory, and what
// PostgreSQL has in its tables.
func (d *day) files() map[string]string {
	d.t.Helper()
	places := map[string]string{}
	d.must(filepath.WalkDir(d.options.DataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		places[path] = string(content)
		return err
	}))
	if d.options.DB == "" {
		if db := d.dsn(); !strings.Contains(places[db]+places[db+"-wal"], d.device.Name) {
			d.t.Error("the files hold no device; want the database among them")
		}
		return places
	}
	db := d.open()
	defer db.Close()
	for _, table := range d.texts(db, `SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'`) {
		places["table "+table] = strings.Join(d.texts(db, `SELECT t::text FROM `+table+` AS t`), "\n")
	}
	if !strings.Contains(places["table device"], d.device.Name) {
		d.t.Error("the tables hold no device; want them dumped")
	}
	return places
}

func (d *day) texts(db *sql.DB, query string) (all []string) {
	d.t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	d.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		d.must(rows.Scan(&text))
		all = append(all, text)
	}
	d.must(rows.Err())
	return all
}
