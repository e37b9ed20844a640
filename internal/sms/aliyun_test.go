package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cotahq/cota/internal/sms"
)

const keyID, keySecret = "LTAI-key-id", "the key's secret"

// acs3 is the Authorization that a request must carry (Alibaba Cloud: V3
// request structure and signature).
func acs3(r *http.Request, body []byte) string {
	_, list, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	names := strings.Split(list, ";")
	if !slices.Contains(names, "x-acs-action") || !slices.Contains(names, "host") || !slices.Contains(names, "x-acs-content-sha256") {
		return "a signature of the headers that matter"
	}
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), query, headers.String(), list, hash(body)}, "\n")
	mac := hmac.New(sha256.New, []byte(keySecret))
	io.WriteString(mac, "ACS3-HMAC-SHA256\n"+hash([]byte(canonical)))
	return "ACS3-HMAC-SHA256 Credential=" + keyID + ",SignedHeaders=" + list + ",Signature=" + hex.EncodeToString(mac.Sum(nil))
}

// aliyun is a service that checks the signature of what it is asked, and
// answers so.
func aliyun(t *testing.T, status int, answer string, asked *url.Values) *sms.Aliyun {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), acs3(r, body); got != want {
			t.Errorf("Authorization = %s; want %s", got, want)
		}
		*asked = r.URL.Query()
		asked.Set("Action", r.Header.Get("x-acs-action")+" "+r.Header.Get("x-acs-version"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	a, err := sms.NewAliyun(sms.AliyunOptions{
		KeyID: keyID, KeySecret: keySecret, SignName: "阿里云", TemplateCode: "SMS_1", Endpoint: server.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAliyun(t *testing.T) {
	var asked url.Values
	a := aliyun(t, 200, `{"Code":"OK","Message":"OK","RequestId":"1","BizId":"2"}`, &asked)
	if err := a.Send(t.Context(), message); err != nil || a.Kind() != sms.KindAliyun {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Action": "SendSms 2017-05-25", "PhoneNumbers": "8613800000000", "SignName": "阿里云", "TemplateCode": "SMS_1", "TemplateParam": `{"code":"012345"}`,
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s = %q; want %q", name, got, want)
		}
	}
}

func TestAliyunThatDoesNotSend(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		answer string
		want   string
	}{
		{"a limit", 200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"012345"}`, "isv.BUSINESS_LIMIT_CONTROL"},
		{"a wrong key", 404, `{"Code":"InvalidAccessKeyId.NotFound","Message":"012345"}`, "InvalidAccessKeyId.NotFound"},
		{"no JSON", 502, `<html>`, "aliyun"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked url.Values
			err := aliyun(t, tt.status, tt.answer, &asked).Send(t.Context(), message)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "012345") || strings.Contains(err.Error(), keySecret) {
				t.Errorf("Send = %v; want %q and no secret", err, tt.want)
			}
		})
	}
}

func TestAliyunOptions(t *testing.T) {
	good := sms.AliyunOptions{KeyID: keyID, KeySecret: keySecret, SignName: "s", TemplateCode: "t"}
	if _, err := sms.NewAliyun(good); err != nil {
		t.Errorf("NewAliyun at the usual endpoint: %v", err)
	}
	for name, change := range map[string]func(*sms.AliyunOptions){
		"no key": func(o *sms.AliyunOptions) { o.KeyID = "" }, "no secret": func(o *sms.AliyunOptions) { o.KeySecret = "" },
		"no signature": func(o *sms.AliyunOptions) { o.SignName = "" }, "no template": func(o *sms.AliyunOptions) { o.TemplateCode = "" },
		"an endpoint that is none": func(o *sms.AliyunOptions) { o.Endpoint = "dysmsapi.aliyuncs.com" },
	} {
		o := good
		change(&o)
		if _, err := sms.NewAliyun(o); err == nil || strings.Contains(err.Error(), keySecret) {
			t.Errorf("NewAliyun with %s = %v; want an error without the secret", name, err)
		}
	}
}
