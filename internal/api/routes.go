package api

import (
	"net/http"

	"github.com/cotahq/cota"
)

// chapter is a group of routes about one thing.
type chapter struct {
	title  string
	routes []route
}

// route is one request that the API takes. Who asks has at least the role
// least; cota.Nobody needs no session.
type route struct {
	method  string
	path    string // behind prefix
	least   cota.Role
	name    string
	summary string
	handler handler
}

const (
	get   = http.MethodGet
	post  = http.MethodPost
	put   = http.MethodPut
	patch = http.MethodPatch
	del   = http.MethodDelete
)

// routes are all there are.
func (s *server) routes() []chapter {
	const (
		instance = "/instances/{instance}"
		product  = "/products/{productKey}"
		device   = product + "/devices/{deviceName}"
		config   = product + "/config"
		ca       = product + "/ca"
		push     = "/pushes/{no}"
		account  = "/accounts/{account}"
	)
	return []chapter{
		{"Session", []route{
			{post, "/session", cota.Nobody, "openSession", "sign in", of(s.openSession)},
			{del, "/session", cota.Viewer, "closeSession", "sign out", of(s.closeSession)},
			{get, "/me", cota.Viewer, "me", "who asks", of(s.me)},
			{get, "/server", cota.Viewer, "server", "show where devices find this server", of(s.server)},
			{patch, "/me", cota.Viewer, "setMe", "change one's own phone", of(s.setMe)},
			{patch, "/me/password", cota.Viewer, "changePassword", "change one's own password", of(s.changePassword)},
			{get, "/me/sessions", cota.Viewer, "sessions", "list one's own sessions, the newest first; a hundred at most", of(s.sessions)},
			{del, "/me/sessions", cota.Viewer, "endOtherSessions", "end all of one's sessions but this", of(s.endOtherSessions)},
			{del, "/me/sessions/{session}", cota.Viewer, "endSession", "end one of one's sessions", of(s.endSession)},
			{post, "/me/totp", cota.Viewer, "addTOTP", "make the secret of an authenticator; it is shown once", of(s.addTOTP)},
			{post, "/me/totp/confirm", cota.Viewer, "confirmTOTP", "put the authenticator to use", of(s.confirmTOTP)},
			{del, "/me/totp", cota.Viewer, "removeTOTP", "remove one's authenticator", of(s.removeTOTP)},
		}},
		{"Verification", []route{
			{post, "/challenges/{id}/verify", cota.Viewer, "verifyChallenge", "pass a challenge with a code", of(s.verifyChallenge)},
			{post, "/challenges/{id}/resend", cota.Viewer, "resendCode", "have another code sent", of(s.resendCode)},
			{get, "/verification", cota.Viewer, "verification", "show when a second proof is asked for", of(s.verification)},
			{patch, "/verification", cota.Admin, "setVerification", "turn the second proof on or off, or change its limits", of(s.setVerification)},
		}},
		{"Instances", []route{
			{get, "/instances", cota.Viewer, "instances", "list the instances and what they hold", of(s.instances)},
			{post, "/instances", cota.Admin, "addInstance", "add an instance", of(s.addInstance)},
			{get, instance, cota.Viewer, "instance", "show an instance and what it holds", of(s.instance)},
			{patch, instance, cota.Admin, "setInstance", "rename an instance or its environment", of(s.setInstance)},
			{del, instance, cota.Admin, "removeInstance", "remove an instance without products", of(s.removeInstance)},
		}},
		{"Products", []route{
			{get, "/products", cota.Viewer, "products", "list the products", of(s.products)},
			{post, "/products", cota.Editor, "addProduct", "add a product; its secret is shown once", of(s.addProduct)},
			{get, product, cota.Viewer, "product", "show a product", of(s.product)},
			{patch, product, cota.Editor, "setProduct", "rename a product; publishers may turn its dynamic registration on and off", of(s.setProduct)},
			{del, product, cota.Editor, "removeProduct", "remove a product without devices", of(s.removeProduct)},
			{get, ca, cota.Viewer, "ca", "show whose certificates of devices the product trusts", of(s.ca)},
			{put, ca, cota.Admin, "setCA", "trust the CAs that are given, and no others", of(s.setCA)},
			{del, ca, cota.Admin, "removeCA", "trust no CA, and forget what was revoked", of(s.removeCA)},
			{get, ca + "/revoked", cota.Viewer, "revoked", "list the certificates that are revoked", of(s.revoked)},
			{post, ca + "/revoked", cota.Admin, "addRevoked", "revoke certificates besides those that are", of(s.addRevoked)},
			{del, ca + "/revoked/{serial}", cota.Admin, "removeRevoked", "have a revoked certificate count again", of(s.removeRevoked)},
			{put, ca + "/revoked", cota.Admin, "setRevoked", "replace the list of certificates that are revoked", of(s.setRevoked)},
		}},
		{"Devices", []route{
			{get, product + "/devices", cota.Viewer, "devices", "list devices and where they stand", of(s.devices)},
			{post, product + "/devices", cota.Editor, "addDevices", "add devices; their secrets are shown once", of(s.addDevices)},
			{get, device, cota.Viewer, "device", "show a device and where it stands", of(s.device)},
			{patch, device, cota.Editor, "setDevice", "disable or enable a device; publishers may give it a new secret", of(s.setDevice)},
			{del, device, cota.Editor, "removeDevice", "remove a device", of(s.removeDevice)},
			{get, device + "/subdevices", cota.Viewer, "subdevices", "list the devices behind a device", of(s.subdevices)},
			{del, device + "/gateway", cota.Editor, "detachDevice", "take a device out from behind its gateway", of(s.detachDevice)},
			{get, device + "/events", cota.Viewer, "events", "list what happened to a device, newest first", of(s.events)},
			{get, device + "/messages", cota.Viewer, "messages", "list the last messages that a device and this node exchanged, newest first", of(s.messages)},
		}},
		{"Configuration", []route{
			{get, config, cota.Viewer, "config", "show the switch, what is saved and pushed, and the limits", of(s.config)},
			{patch, config, cota.Publisher, "setConfig", "turn the switch; administrators may change the limits", of(s.setConfig)},
			{get, config + "/versions", cota.Viewer, "versions", "list the versions that are kept, newest first", of(s.versions)},
			{post, config + "/versions", cota.Editor, "saveVersion", "save a configuration", of(s.saveVersion)},
			{get, config + "/versions/{number}", cota.Viewer, "version", "show a version with its content", of(s.version)},
		}},
		{"Pushes", []route{
			{get, product + "/pushes", cota.Viewer, "pushesOfProduct", "list the pushes of a product, newest first", of(s.pushesOfProduct)},
			{post, product + "/pushes", cota.Publisher, "startPush", "push the current version to every device (Batch Update)", of(s.startPush)},
			{get, "/pushes", cota.Viewer, "pushes", "list all pushes, newest first", of(s.pushes)},
			{get, push, cota.Viewer, "push", "show a push", of(s.push)},
			{get, push + "/progress", cota.Viewer, "progress", "list when how many in a hundred devices had applied", of(s.progress)},
			{get, push + "/events", cota.Viewer, "watchPush", "follow a push until it ends", of(s.watchPush)},
			{get, push + "/devices", cota.Viewer, "pushDevices", "list where devices stand in a push", of(s.pushDevices)},
			{post, push + "/stop", cota.Publisher, "stopPush", "stop a push", of(s.stopPush)},
		}},
		{"Accounts", []route{
			{get, "/accounts", cota.Admin, "accounts", "list the accounts", of(s.accounts)},
			{post, "/accounts", cota.Admin, "addAccount", "add an account", of(s.addAccount)},
			{get, account, cota.Admin, "account", "show an account", of(s.account)},
			{patch, account, cota.Admin, "setAccount", "change an account and end its sessions", of(s.setAccount)},
			{del, account, cota.Admin, "removeAccount", "remove an account with its sessions and tokens", of(s.removeAccount)},
			{get, "/tokens", cota.Viewer, "tokens", "list one's own tokens; for administrators, everybody's", of(s.tokens)},
			{post, "/tokens", cota.Viewer, "addToken", "make a token; its secret is shown once", of(s.addToken)},
			{del, "/tokens/{id}", cota.Viewer, "removeToken", "remove a token", of(s.removeToken)},
			{get, "/audit", cota.Admin, "audit", "list who changed what, newest first", of(s.audit)},
		}},
	}
}

// created are the routes that answer 201.
var created = map[string]bool{
	"addInstance": true, "addProduct": true, "addDevices": true, "saveVersion": true, "startPush": true,
	"addAccount": true, "addToken": true, "addTOTP": true,
}
