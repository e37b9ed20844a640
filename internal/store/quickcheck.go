package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A SQLite file is checked at each start if that takes no time: some 50 MB are
// gone through in a second. In a larger one, such as a fleet of a hundred thousand
// devices has, what is damaged is refused when it is read, and its operator has
// cota doctor.
const (
	checkSize   = 24 << 20
	checkWithin = 5 * time.Second // on a disk that is slow
)

// errDamaged is what is found on disk that nobody can have written there.
var errDamaged = errors.New("damaged on disk")

// check refuses a SQLite file whose pages do not hang together, before anything
// is read from it or written to it. One that is too large, or not gone through
// in time, passes; the log says so.
func (s *Store) check(ctx context.Context) error {
	var size int64
	if err := s.write.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&size); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if size > checkSize {
		s.log.Info("the database is too large to be checked at each start; cota doctor does it", "bytes", size)
		return nil
	}
	within, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var first string
	err := s.write.QueryRowContext(within, `PRAGMA quick_check(1)`).Scan(&first)
	switch {
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		s.log.Warn("the disk is too slow for the database to be checked at each start; cota doctor does it", "bytes", size)
		return nil
	case err != nil:
		return fmt.Errorf("check the database: %w", err)
	case first != "ok":
		return fmt.Errorf("the database is %w; restore a backup (%s)", errDamaged, first)
	}
	return nil
}
