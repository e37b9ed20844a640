package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// Local acts on a server's data on its own machine, beside the server or while
// none runs. Whoever can read the master key needs no other proof.
type Local struct {
	control *control.Control
	store   *store.Store
}

// local acts when somebody uses the server's own machine.
const local = "local"

// OpenLocal opens the data that DataDir, DB and the master key of the options
// name. It must be there.
func OpenLocal(ctx context.Context, o Options) (*Local, error) {
	keys, err := localKeys(o)
	if err != nil {
		return nil, err
	}
	l := new(Local)
	if l.store, err = openGuest(ctx, o, keys); err != nil {
		return nil, err
	}
	if l.control, err = control.New(ctx, control.Options{Store: l.store, Log: o.Log}); err != nil {
		return nil, errors.Join(err, l.store.Close(ctx))
	}
	return l, nil
}

// localKeys are the master keys of data that is there.
func localKeys(o Options) ([][]byte, error) {
	if o.DB == "" {
		path := o.dsn()
		if _, err := os.Stat(path); err != nil {
			return nil, missing(err, "there is no database %s; name the server's directory with --data", path)
		}
	}
	if o.MasterKey == "" && o.MasterKeyFile == "" {
		path := filepath.Join(o.DataDir, keyFile)
		if _, err := os.Stat(path); err != nil {
			return nil, missing(err, "there is no master key %s; name the server's directory with --data, or give COTA_MASTER_KEY", path)
		}
	}
	return masterKeys(o)
}

// openGuest opens a database beside a server that may be running on it.
func openGuest(ctx context.Context, o Options, keys [][]byte) (*store.Store, error) {
	return store.Open(ctx, store.Options{DSN: o.dsn(), Key: keys[0], OldKeys: keys[1:], Log: o.Log, Guest: true})
}

func missing(err error, format, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return cota.Errorf(cota.NotFound, format, path)
	}
	return err
}

// Close closes the data.
func (l *Local) Close(ctx context.Context) error { return l.store.Close(ctx) }

// AddToken makes a token for an account, and returns its secret.
func (l *Local) AddToken(ctx context.Context, account string, want cota.Token) (cota.Token, string, error) {
	a, err := l.store.Account(ctx, account)
	if err != nil {
		return cota.Token{}, "", err
	}
	return l.control.AddToken(ctx, control.Actor{Name: local, Account: a.Name, Role: a.Role}, want)
}

// Recover makes a code that passes one challenge of an account.
func (l *Local) Recover(ctx context.Context, account string) (code string, until time.Time, err error) {
	if code, until, err = l.control.Recover(ctx, account); err != nil {
		return "", until, fmt.Errorf("recover %s: %w", account, err)
	}
	return code, until, nil
}
