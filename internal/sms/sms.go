// Package sms sends verification codes.
//
// There are three senders: Log writes a code to the server's own log, Webhook
// hands it to a program of the operator's, and Aliyun has Alibaba Cloud's
// short message service send it.
package sms

import "time"

// Kinds of senders.
const (
	KindLog     = "log"
	KindWebhook = "webhook"
	KindAliyun  = "aliyun"
)

// Message is a code on its way to a person.
type Message struct {
	Account string // who is to prove something
	Phone   string // where the code goes; "" with Log
	Code    string
	Until   time.Time // when its life ends
}

// timeout bounds the whole of sending a code: somebody waits for it.
const timeout = 5 * time.Second
