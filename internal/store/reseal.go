package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// sealedColumn is a column that holds boxes.
type sealedColumn struct {
	table, column string
	key           string   // column of the primary key
	first         any      // less than any key
	of            []string // columns that name a box's owner
	owner         func(of []string) string
}

// sealedColumns are all that hold boxes. Signing keys come first: a server that
// lacks the key that seals cannot start from then on.
var sealedColumns = []sealedColumn{
	{"signing_key", "secret_sealed", "id", int64(0), []string{"id"}, func(of []string) string { return ownerKey(of[0]) }},
	{"server_key", "secret_sealed", "name", "", []string{"name"}, func(of []string) string { return ownerServerKey(of[0]) }},
	{"product", "secret_sealed", "key", "", []string{"key"}, func(of []string) string { return ownerProduct(of[0]) }},
	{"account", "phone_sealed", "name", "", []string{"name"}, func(of []string) string { return ownerPhone(of[0]) }},
	{"account", "totp_sealed", "name", "", []string{"name"}, func(of []string) string { return ownerTOTP(of[0]) }},
	{"account", "totp_new_sealed", "name", "", []string{"name"}, func(of []string) string { return ownerTOTP(of[0]) }},
	{"challenge", "phone_sealed", "id", "", []string{"id"}, func(of []string) string { return ownerChallenge(of[0]) }},
	{"device", "secret_sealed", "id", int64(0), []string{"product", "name"}, func(of []string) string { return ownerDevice(of[0], of[1]) }},
}

const (
	// resealPage is how many boxes are opened, and sealed anew if need be, at a
	// time.
	resealPage = 250
	// resealPasses bounds how often everything is gone through: to seal anew,
	// to find nothing left, and once more for what was sealed before the last
	// node had its new keys.
	resealPasses = 3
)

// ErrOtherKey says that a server runs on this database that seals with another
// master key.
var ErrOtherKey = errors.New("a server that runs on this database seals with another master key")

// Reseal seals anew, with the key that seals, every secret that was sealed with
// one of the older, until a whole pass finds none: then no older key is needed
// any more. It may be ended anywhere and run again, and servers may run, if
// they seal with the same key: otherwise it refuses with ErrOtherKey and
// changes nothing. alone says that none runs, whatever the database says.
// It returns how many secrets it sealed anew.
func (s *Store) Reseal(ctx context.Context, alone bool) (resealed int, err error) {
	for range resealPasses {
		n, err := s.resealAll(ctx, alone)
		resealed += n
		if err != nil || n == 0 {
			return resealed, err
		}
	}
	return resealed, errors.New("secrets go on being sealed with an older master key; restart every server with the new one first, and seal anew again")
}

func (s *Store) resealAll(ctx context.Context, alone bool) (resealed int, err error) {
	for _, c := range sealedColumns {
		// Before the first, so that a refusal changes nothing; and after the
		// signing keys, as a node that has joined since would not have started.
		if !alone {
			if err := s.sameKey(ctx); err != nil {
				return resealed, err
			}
		}
		n, err := s.resealColumn(ctx, c)
		resealed += n
		if err != nil {
			return resealed, fmt.Errorf("seal %s of %s anew: %w", c.column, c.table, err)
		}
	}
	return resealed, nil
}

// sameKey refuses with ErrOtherKey if a node that may be alive seals with another
// key than this store. One whose heartbeat lies in the future may be.
func (s *Store) sameKey(ctx context.Context) error {
	var host string
	err := s.read.QueryRowContext(ctx, `
		SELECT host FROM node WHERE seals_with <> $1 AND id <> $2 AND seen_at >= $3 LIMIT 1`,
		s.seal.name, s.node, time.Now().Add(-nodeDead).UnixMilli()).Scan(&host)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: on host %q", ErrOtherKey, host)
}

// Alive is how many servers run on this database, as far as it knows.
func (s *Store) Alive(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM node WHERE id <> $1 AND seen_at >= $2`,
		s.node, time.Now().Add(-nodeDead).UnixMilli()).Scan(&n)
	return n, err
}

// resealed is a box and what takes its place.
type resealed struct {
	key      any
	box, new string
}

// resealColumn goes through a column, and returns how many of its boxes were
// sealed with an older key.
func (s *Store) resealColumn(ctx context.Context, c sealedColumn) (found int, err error) {
	for after := c.first; after != nil; {
		var stale []resealed
		if stale, after, err = s.stale(ctx, c, after); err != nil {
			return found, err
		}
		if len(stale) == 0 {
			continue
		}
		if err := s.Update(ctx, func(tx *Tx) error { return tx.reseal(ctx, c, stale) }); err != nil {
			return found, err
		}
		found += len(stale)
	}
	return found, nil
}

// stale opens a page of a column's boxes and returns those that were sealed
// with an older key, and the key of the table after which to go on; nil when
// there are no more.
func (s *Store) stale(ctx context.Context, c sealedColumn, after any) (stale []resealed, next any, err error) {
	rows, err := s.read.QueryContext(ctx, `
		SELECT `+c.key+`, `+c.column+`, `+strings.Join(c.of, ", ")+` FROM `+c.table+`
		WHERE `+c.key+` > $1 ORDER BY `+c.key+` LIMIT $2`, after, resealPage)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var r resealed
		of := make([]string, len(c.of))
		dest := []any{&r.key, &r.box}
		for i := range of {
			dest = append(dest, &of[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, nil, err
		}
		next = r.key
		if r.box == "" {
			continue
		}
		secret, key, err := s.seal.openBy(r.box, c.owner(of))
		if err != nil {
			return nil, nil, err
		}
		if key != 0 {
			r.new = s.seal.box(secret, c.owner(of))
			stale = append(stale, r)
		}
	}
	if seen < resealPage {
		next = nil
	}
	return stale, next, rows.Err()
}

// reseal puts new boxes in the place of old ones, but for those that have
// changed since: they were sealed meanwhile.
func (tx *Tx) reseal(ctx context.Context, c sealedColumn, stale []resealed) error {
	for _, r := range stale {
		_, err := tx.db.ExecContext(ctx, `
			UPDATE `+c.table+` SET `+c.column+` = $2 WHERE `+c.key+` = $1 AND `+c.column+` = $3`, r.key, r.new, r.box)
		if err != nil {
			return err
		}
	}
	return nil
}

// Compact rewrites a SQLite file, so that nothing of what was changed or
// removed is left in it. No other process may use it. PostgreSQL does so in its
// own time.
func (s *Store) Compact(ctx context.Context) error {
	if s.engine.name != sqliteEngine.name {
		return nil
	}
	for _, statement := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("compact the database: %w", err)
		}
	}
	return nil
}
