package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// checkWithin bounds how long the check of a SQLite file holds up a start. It
// goes through some 50 MB a second, so that a fleet of millions is not checked:
// its operator has cota doctor, and what is damaged is refused when it is read.
const checkWithin = 500 * time.Millisecond

// errDamaged is what is found on disk that nobody can have written there.
var errDamaged = errors.New("damaged on disk")

// check refuses a SQLite file whose pages do not hang together, before anything
// is read from it or written to it. Of one that is too large to be looked
// through in time it says so, and lets it pass.
func (s *Store) check(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var first string
	err := s.write.QueryRowContext(within, `PRAGMA quick_check(1)`).Scan(&first)
	switch {
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		s.log.Info("the database is too large to be checked at each start; cota doctor does it")
		return nil
	case err != nil:
		return fmt.Errorf("check the database: %w", err)
	case first != "ok":
		return fmt.Errorf("the database is %w; restore a backup (%s)", errDamaged, first)
	}
	return nil
}
