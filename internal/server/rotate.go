package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// RotateKey gives data whose master key is in its directory a new one while no
// server runs: it adds the key to the file, seals every secret anew, sees that
// all of them open with the new key alone, and only then drops the older. It
// may be ended anywhere: everything opens, and the next call goes on with the
// key that was added. It returns how many secrets it sealed anew.
func RotateKey(ctx context.Context, o Options) (resealed int, err error) {
	if o.MasterKey != "" || o.MasterKeyFile != "" {
		return 0, cota.Errorf(cota.Forbidden, "the master key is not in the data directory: put a new one before it where it is, restart every server, and run: cota key reseal")
	}
	keys, err := localKeys(o)
	if err != nil {
		return 0, err
	}
	unlock, err := lockData(o.DataDir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := nobodyElse(ctx, o, keys); err != nil {
		return 0, err
	}
	path := filepath.Join(o.DataDir, keyFile)
	if len(keys) == 1 { // otherwise this goes on where an earlier call was ended
		keys = append([][]byte{newKey()}, keys...)
		if err := writeKeys(path, keys); err != nil {
			return 0, err
		}
	}
	if resealed, err = reseal(ctx, o, keys, o.DB == ""); err != nil {
		return resealed, err
	}
	return resealed, writeKeys(path, keys[:1])
}

// nobodyElse refuses while servers on other machines use the database: they
// would not have the new key.
func nobodyElse(ctx context.Context, o Options, keys [][]byte) (err error) {
	if o.DB == "" {
		return nil // the data directory is locked
	}
	s, err := openGuest(ctx, o, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	n, err := s.Alive(ctx)
	if err == nil && n > 0 {
		return cota.Errorf(cota.InUse, "%d servers use this database (one that has crashed counts for 20 seconds): stop them, or give each the new key and run: cota key reseal", n)
	}
	return err
}

// ResealSecrets seals every secret anew with the first master key of the
// options, and sees that all of them open with it alone: the other keys may be
// taken away then. Servers may run, if they seal with the same key. It returns
// how many it sealed anew.
func ResealSecrets(ctx context.Context, o Options) (resealed int, err error) {
	keys, err := localKeys(o)
	if err != nil {
		return 0, err
	}
	alone := false
	if o.DB == "" && locks {
		if unlock, err := lockData(o.DataDir); err == nil { // otherwise a server runs
			alone = true
			defer func() { err = errors.Join(err, unlock()) }()
		}
	}
	return reseal(ctx, o, keys, alone)
}

func reseal(ctx context.Context, o Options, keys [][]byte, alone bool) (resealed int, err error) {
	s, err := openGuest(ctx, o, keys)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	resealed, err = s.Reseal(ctx, alone)
	switch {
	case errors.Is(err, store.ErrOtherKey):
		return resealed, cota.Errorf(cota.InUse, "%v: give every server the new key before the others, restart it, and try again", err)
	case err != nil:
		return resealed, fmt.Errorf("seal secrets anew: %w", err)
	case alone:
		err = s.Compact(ctx)
	}
	return resealed, err
}
