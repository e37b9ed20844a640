package sms_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/internal/sms"
)

var message = sms.Message{
	Account: "admin", Phone: "+8613800000000", Code: "012345", Until: time.Date(2031, 1, 2, 3, 4, 5, 6, time.UTC),
}

const webhookSecret = "a secret of the two"

func TestLogHoldsTheCode(t *testing.T) {
	var out bytes.Buffer
	l := sms.NewLog(slog.New(slog.NewTextHandler(&out, nil)))
	if err := l.Send(t.Context(), message); err != nil || l.Kind() != sms.KindLog {
		t.Errorf("Send by %s = %v; want none by log", l.Kind(), err)
	}
	want := `level=WARN msg="verification code" account=admin code=012345 until=2031-01-02T03:04:05.000Z`
	if _, got, _ := strings.Cut(strings.TrimSpace(out.String()), " "); got != want {
		t.Errorf("log = %s; want %s", got, want)
	}
}

func TestWebhookSigns(t *testing.T) {
	var got map[string]string
	var signed bool
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		io.WriteString(mac, r.Header.Get("X-Cota-Timestamp")+"."+string(body))
		signed = r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/json" &&
			r.Header.Get("X-Cota-Signature") == "sha256="+hex.EncodeToString(mac.Sum(nil))
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	w, err := sms.NewWebhook(server.URL, webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"account": "admin", "phone": "+8613800000000", "code": "012345", "expiresAt": "2031-01-02T03:04:05Z"}
	if diff := cmp.Diff(want, got); diff != "" || !signed || w.Kind() != sms.KindWebhook {
		t.Errorf("signed %t, body (-want +got):\n%s", signed, diff)
	}
}

func TestWebhookThatDoesNotTakeTheCode(t *testing.T) {
	reached := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer elsewhere.Close()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "/fails":
			w.WriteHeader(http.StatusBadGateway)
		case "/hangs":
			<-over
		}
	}))
	defer server.Close()
	defer close(over)
	for path, want := range map[string]string{
		"/redirect": "answered 307", "/fails": "answered 502", "/hangs": "context deadline exceeded",
	} {
		w, err := sms.NewWebhook(server.URL+path+"?key=hidden", webhookSecret)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err = w.Send(ctx, message)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Send to %s = %v; want %q", path, err, want)
		} else if strings.Contains(err.Error(), "012345") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("Send to %s = %v; want neither the code nor the address", path, err)
		}
	}
	if reached > 0 {
		t.Error("a redirect was followed")
	}
}

func TestWebhookOptions(t *testing.T) {
	for _, address := range []string{"", "ftp://host", "host/path", "https://user:password@host", "https://"} {
		if _, err := sms.NewWebhook(address, webhookSecret); err == nil || strings.Contains(err.Error(), "password") {
			t.Errorf("NewWebhook(%q) = %v; want an error that does not repeat it", address, err)
		}
	}
	if _, err := sms.NewWebhook("https://host", "short"); err == nil {
		t.Error("NewWebhook with a short secret succeeded; want an error")
	}
}
