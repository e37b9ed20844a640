package gateway

import (
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/limit"
)

// fights slow down those that fight over one identity: a device and a copy of
// it, of which each signs in again when the other has. SDKs go on with that for
// ever, up to once a second. Once a device was taken over too often, its
// sign-ins are put off without a look: who has the connection keeps it for a
// while. Only takeovers count, which need the device's secret, so nobody else
// can bring this about. It has forgotten within a minute.
type fights struct {
	takeovers *limit.Names
	last      *lru.Cache[int64, string]    // who took over last, by device
	told      *lru.Cache[int64, time.Time] // when a fight was last put on record, by device
}

const (
	// toldAgain is how long a fight goes on before it is put on record again.
	toldAgain = 10 * time.Minute
	// foughtOver bounds the devices that are remembered.
	foughtOver = 10_000
)

// newFights allows each device so many takeovers a minute; 0: no bound.
func newFights(perMinute int) *fights {
	last, err := lru.New[int64, string](foughtOver)
	if err != nil {
		panic(err) // the size is ours
	}
	told, err := lru.New[int64, time.Time](foughtOver)
	if err != nil {
		panic(err)
	}
	return &fights{limit.NewNames(perMinute), last, told}
}

// slows reports whether a sign-in is to be put off.
func (f *fights) slows(identity string) bool { return f.takeovers.Exhausted(identity) }

// identity is whom a login claims to be. One that names nobody goes by its
// certificate.
func (c *conn) identity(login alink.Login) string {
	switch {
	case login.IotID != "":
		return login.IotID
	case login.DeviceName == "" && len(c.certificates()) > 0:
		return string(c.tls.certificates[0].Signature)
	}
	return login.DeviceName + "&" + login.ProductKey
}

// tookOver counts that c has taken the device's connection over, here or, if
// that is not so, from another node. If that happens too often, it names both
// in the log and in the device's timeline.
func (c *conn) tookOver(login alink.Login, here bool) error {
	takeovers.Inc()
	f, who := c.gw.fights, fmt.Sprintf("%s (client id %q)", c.addr(), login.ClientID)
	other, known := f.last.Get(c.device().id)
	f.last.Add(c.device().id, who)
	f.takeovers.Allow(c.identity(login))
	if !f.slows(c.identity(login)) {
		return nil
	}
	now := time.Now()
	if last, ok := f.told.Get(c.device().id); ok && now.Sub(last) < toldAgain {
		return nil
	}
	f.told.Add(c.device().id, now)
	fightsSeen.Inc()
	switch {
	case !here:
		other = "a connection to another node"
	case !known: // forgotten: very many fight
		other = "an older connection"
	}
	c.gw.log.Warn("two fight over one device", "product", c.device().key(), "device", c.device().name(), "one", who, "other", other)
	d := c.device().who()
	return c.gw.control.Contested(c.gw.ctx, &d, fmt.Sprintf("%s and %s take the connection from each other", who, other))
}
