package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cotahq/cota/internal/store"
)

// postgres is the server that the tests of this process share: it takes longer
// to migrate a database than to run most tests on it, so it is done once and
// copied.
var postgres server

// server makes databases named cota_test_<id>_<n>. The process holds the
// advisory lock of its id as long as it lives, and so tells other processes
// that its databases are in use; those of the dead are dropped by whoever
// comes next.
type server struct {
	once sync.Once
	err  error
	dsn  *url.URL
	id   int32

	mu    sync.Mutex // guards admin and count
	admin *pgx.Conn
	count int
}

// lockClass keeps the advisory locks of tests apart from others'.
const lockClass = 0x636f7461

// english is the locale of the template.
const english = ` TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'`

// start connects, sweeps and migrates the template. It outlives t.
func (s *server) start(t testing.TB, dsn string) (err error) {
	ctx := context.Background()
	if s.dsn, err = url.Parse(dsn); err != nil {
		return errors.New(envPostgres + " is not a postgres:// address") // err may hold the password
	}
	if s.admin, err = pgx.Connect(ctx, dsn); err != nil {
		return err
	}
	s.id = rand.Int32()
	if _, err := s.admin.Exec(ctx, `SELECT pg_advisory_lock($1, $2)`, lockClass, s.id); err != nil {
		return err
	}
	if err := s.sweep(ctx); err != nil {
		return fmt.Errorf("drop what earlier tests left: %w", err)
	}
	// As on most servers out there, names do not sort by their bytes by themselves.
	if err := s.create(ctx, s.template(), english); err != nil {
		if err := s.create(ctx, s.template(), ""); err != nil { // built without ICU
			return err
		}
	}
	migrated, err := store.Open(ctx, Options(t, s.address(s.template())))
	if err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	return migrated.Close(ctx)
}

// sweep drops the databases of processes that are no more.
func (s *server) sweep(ctx context.Context) error {
	rows, err := s.admin.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 'cota\_test\_%'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		var id int32
		if _, err := fmt.Sscanf(name, "cota_test_%d_", &id); err != nil || id == s.id {
			continue
		}
		var dead bool
		if err := s.admin.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockClass, id).Scan(&dead); err != nil {
			return err
		}
		if !dead {
			continue
		}
		if err := s.drop(ctx, name); err != nil {
			return err
		}
		if _, err := s.admin.Exec(ctx, `SELECT pg_advisory_unlock($1, $2)`, lockClass, id); err != nil {
			return err
		}
	}
	return nil
}

// database makes a database that is dropped when t ends.
func (s *server) database(t testing.TB, migrated bool) (dsn string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	name := fmt.Sprintf("cota_test_%d_%d", s.id, s.count)
	from := ""
	if migrated {
		from = " TEMPLATE " + s.template()
	}
	if err := s.create(t.Context(), name, from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.drop(context.Background(), name); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.address(name)
}

func (s *server) template() string { return fmt.Sprintf("cota_test_%d_template", s.id) }

func (s *server) create(ctx context.Context, name, from string) error {
	_, err := s.admin.Exec(ctx, `CREATE DATABASE `+name+from)
	return err
}

func (s *server) drop(ctx context.Context, name string) error {
	_, err := s.admin.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
	return err
}

func (s *server) address(database string) string {
	u := *s.dsn
	u.Path = "/" + database
	return u.String()
}
