package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	dysms "github.com/alibabacloud-go/dysmsapi-20170525/v4/client"
	"github.com/alibabacloud-go/tea/tea"
)

// AliyunEndpoint is where Alibaba Cloud's short message service is.
const AliyunEndpoint = "https://dysmsapi.aliyuncs.com"

// AliyunOptions are what a sender through Alibaba Cloud needs. All are
// required but Endpoint.
type AliyunOptions struct {
	KeyID, KeySecret string // of an AccessKey that may call dysms:SendSms
	SignName         string // the approved signature before the text
	TemplateCode     string // the approved text, with the one variable ${code}
	Endpoint         string // "": AliyunEndpoint
}

// Aliyun has Alibaba Cloud's short message service (Dysmsapi) send codes.
type Aliyun struct {
	client *dysms.Client
	o      AliyunOptions
}

// NewAliyun makes an Aliyun.
func NewAliyun(o AliyunOptions) (*Aliyun, error) {
	if o.KeyID == "" || o.KeySecret == "" || o.SignName == "" || o.TemplateCode == "" {
		return nil, errors.New("sending codes through aliyun needs an access key, its secret, a signature name and a template code")
	}
	if o.Endpoint == "" {
		o.Endpoint = AliyunEndpoint
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the aliyun endpoint must look like " + AliyunEndpoint)
	}
	millis := tea.Int(int(timeout.Milliseconds()))
	client, err := dysms.NewClient(&openapi.Config{
		AccessKeyId: &o.KeyID, AccessKeySecret: &o.KeySecret, Endpoint: &u.Host, Protocol: tea.String(strings.ToUpper(u.Scheme)),
		ReadTimeout: millis, ConnectTimeout: millis,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the aliyun sender: %w", err)
	}
	return &Aliyun{client, o}, nil
}

// Kind is KindAliyun.
func (*Aliyun) Kind() string { return KindAliyun }

// Send asks for a message. The SDK takes no context; its time-outs end it.
func (a *Aliyun) Send(_ context.Context, m Message) error {
	param, err := json.Marshal(map[string]string{"code": m.Code})
	if err != nil {
		return err
	}
	resp, err := a.client.SendSms(&dysms.SendSmsRequest{
		PhoneNumbers: tea.String(strings.TrimPrefix(m.Phone, "+")), SignName: &a.o.SignName,
		TemplateCode: &a.o.TemplateCode, TemplateParam: tea.String(string(param)),
	})
	if err != nil {
		return refusedBy(err)
	}
	if resp.Body == nil || tea.StringValue(resp.Body.Code) != "OK" {
		code := ""
		if resp.Body != nil {
			code = tea.StringValue(resp.Body.Code)
		}
		return fmt.Errorf("aliyun did not send the message: code %q", code)
	}
	return nil
}

// refusedBy is the short form of an SDK error: the long one repeats the
// request, and with it the code.
func refusedBy(err error) error {
	if e, ok := errors.AsType[*tea.SDKError](err); ok {
		return fmt.Errorf("aliyun refused the message: code %q, status %d", tea.StringValue(e.Code), tea.IntValue(e.StatusCode))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("reach aliyun: %w", e.Err)
	}
	return errors.New("aliyun could not be asked to send the message")
}
