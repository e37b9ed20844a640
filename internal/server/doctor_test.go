package server_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // a driver of plant

	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/store/storetest"
)

// pushedTo is the data of a server that has ended in the middle of a push.
func pushedTo(t *testing.T, change func(*server.Options)) (o server.Options) {
	t.Helper()
	s := servertest.Start(t, func(p *server.Options) {
		if change != nil {
			change(p)
		}
		o = *p
	})
	product, devices := fleet(t, s, 20)
	c := crowd(t, s, product, devices[:10])
	save(t, s, product, `{"n": 1}`)
	p, err := s.StartPush(t.Context(), product, 0)
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range s.Watch(t.Context(), p.No) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Applied == 10 {
			break
		}
	}
	c.Close()
	s.Stop()
	return o
}

// plant changes the database behind the server's back.
func plant(t *testing.T, o server.Options, statements ...string) {
	t.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(o.DataDir, "cota.db")
	if o.DB != "" {
		driver, dsn = "pgx", o.DB
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// wrong is what the doctor finds wrong, as "about: text".
func wrong(t *testing.T, o server.Options) (all []string) {
	t.Helper()
	for _, f := range server.Examine(t.Context(), o) {
		if f.Verdict == server.Wrong {
			all = append(all, f.About+": "+f.Text)
		}
	}
	return all
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	for _, engine := range []string{storetest.SQLiteEngine, storetest.PostgresEngine} {
		t.Run(engine, func(t *testing.T) {
			o := pushedTo(t, func(o *server.Options) { o.DB = databaseOf(t, engine) })
			if found := wrong(t, o); found != nil {
				t.Errorf("of a server that has ended: %q; want nothing", found)
			}
			servertest.Resume(t, o)
			if found := wrong(t, o); found != nil {
				t.Errorf("beside a server: %q; want nothing", found)
			}
		})
	}
}

// databaseOf is the DB of a server's options: "" for SQLite in its directory.
func databaseOf(t *testing.T, engine string) string {
	t.Helper()
	if engine == storetest.SQLiteEngine {
		return ""
	}
	return storetest.Database(t, engine)
}

// Each fault in the database is found alone, and said in words, on both
// engines.
func TestDoctorFindsFaults(t *testing.T) {
	const future = "4102444800000" // 2100
	for _, engine := range []string{storetest.SQLiteEngine, storetest.PostgresEngine} {
		t.Run(engine, func(t *testing.T) {
			o := pushedTo(t, func(o *server.Options) { o.DB = databaseOf(t, engine) })
			for _, tt := range []struct {
				name, plant, mend string
				want              string
			}{
				{"devices of a product, off by one", `UPDATE product SET devices = devices + 1`, `UPDATE product SET devices = devices - 1`,
					"counts 21 devices; there are 20"},
				{"total of a push, off by one", `UPDATE push SET total = total + 1`, `UPDATE push SET total = total - 1`,
					"counts: push 1 of product"},
				{"applied of a push, off by one", `UPDATE push SET applied = applied - 1`, `UPDATE push SET applied = applied + 1`,
					"counts 9 devices as applied; there are 10"},
				{"a push that is not there", `UPDATE product SET push = 7; UPDATE push SET state = 'stopped'`, `UPDATE product SET push = 1; UPDATE push SET state = 'running'`,
					"converges to push 7, which is not there"},
				{"a push that runs by itself", `UPDATE product SET push = 0`, `UPDATE product SET push = 1`,
					"push 1 runs, but its product"},
				{"counts that cannot be", `INSERT INTO push SELECT -1, product, 99, 'stopped', 1, 2, 0, 0, 0, 0, '', 1, 1, '', TRUE FROM push`, `DELETE FROM push WHERE no = -1`,
					"push -1 of product"},
				{"a counter behind", `UPDATE counter SET value = value - 1 WHERE name = 'device'`, `UPDATE counter SET value = value + 1 WHERE name = 'device'`,
					"the counter of device stands at 19, but number 20 is in use"},
				{"a configuration that was changed", `UPDATE version SET content = '{"n": 2}'`, `UPDATE version SET content = '{"n": 1}'`,
					"configurations: version 1 of product"},
				{"a secret of another device", `UPDATE device SET name = 'dev-other1' WHERE name = 'dev-000001'`, `UPDATE device SET name = 'dev-000001' WHERE name = 'dev-other1'`,
					"dev-other1 does not open with this master key"},
				{"a clock that is behind", `UPDATE version SET created_at = created_at + ` + future, `UPDATE version SET created_at = created_at - ` + future,
					"the newest record, a version, is of 21"},
				{"no administrator", `UPDATE account SET disabled = TRUE`, `UPDATE account SET disabled = FALSE`,
					"accounts: there is no administrator"},
				{"a newer schema", `INSERT INTO goose_db_version (version_id, is_applied) SELECT 9999, is_applied FROM goose_db_version WHERE version_id = 1`,
					`DELETE FROM goose_db_version WHERE version_id = 9999`, "database: it has schema 9999"},
			} {
				plant(t, o, tt.plant)
				if found := wrong(t, o); len(found) != 1 || !strings.Contains(strings.Join(found, "\n"), tt.want) {
					t.Errorf("%s: %q; want one that says %q", tt.name, found, tt.want)
				}
				plant(t, o, tt.mend)
			}
			if found := wrong(t, o); found != nil {
				t.Fatalf("all mended: %q; want nothing", found)
			}

			other := o
			other.MasterKey = strings.Repeat("ab", 32)
			if found := wrong(t, other); len(found) != 1 || !strings.Contains(found[0], "is not the master key of this database") {
				t.Errorf("another master key: %q; want one that says so", found)
			}
		})
	}
}

// Faults of files that lie in the data directory.
func TestDoctorLooksAtFiles(t *testing.T) {
	o := pushedTo(t, nil)
	in := func(name string) string { return filepath.Join(o.DataDir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	find := func(what string, want ...string) {
		t.Helper()
		found := wrong(t, o)
		text := strings.Join(found, "\n")
		for _, want := range want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q; want %q", what, found, want)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s: nothing found", what)
		}
	}
	for name, mode := range map[string]os.FileMode{"master.key": 0o640, "cota.db": 0o604, "lock": 0o606} {
		must(os.Chmod(in(name), mode))
		find(name+" that others can read", in(name)+" has mode 06", "chmod 600 "+in(name))
		must(os.Chmod(in(name), 0o600))
	}
	must(os.Chmod(o.DataDir, 0o777))
	find("a directory that others can write", o.DataDir+" has mode 0777")
	must(os.Chmod(o.DataDir, 0o700))

	must(os.Rename(in("master.key"), in("elsewhere")))
	find("no master key", "master key: there is none", "secrets: not looked at")
	must(os.WriteFile(in("master.key"), []byte("00ff\n"), 0o600))
	find("a master key that is cut off", "must be 64 hexadecimal digits")
	must(os.Rename(in("elsewhere"), in("master.key")))

	whole, err := os.ReadFile(in("cota.db"))
	must(err)
	must(os.WriteFile(in("cota.db"), rootOfDevices(t, in("cota.db"), whole), 0o600))
	find("a page that is corrupted", "integrity: ", "restore the last backup")
	if _, err := server.Backup(t.Context(), o, server.BackupOptions{File: in("backup")}); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("Backup of a corrupted database: %v; want it refused", err)
	}
	must(os.WriteFile(in("cota.db"), whole[:len(whole)/2], 0o600))
	find("half a database", "database: ", "malformed")
	must(os.WriteFile(in("cota.db"), []byte(strings.Repeat("no database", 1000)), 0o600))
	find("no database", "database: ", "not a database")
	must(os.WriteFile(in("cota.db"), nil, 0o600))
	find("an empty file", "database: its schema cannot be read: it is no database of cota")
	must(os.Remove(in("cota.db")))
	find("no file", "database: open database: stat")
	o.DataDir = in("nowhere")
	find("no directory", "files: the data directory cannot be looked at")
}

// rootOfDevices is a database in which the first page of a table is garbage.
func rootOfDevices(t *testing.T, path string, whole []byte) []byte {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var page, size int
	if err := db.QueryRow(`SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'device'`).Scan(&page, &size); err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	for i := (page - 1) * size; i < page*size; i++ {
		damaged[i] = 0xa5
	}
	return damaged
}

// A clock that was set back while a server was away is told even when it is a
// device that came last.
func TestDoctorComparesTheClockWithDevices(t *testing.T) {
	o := pushedTo(t, nil)
	ahead := time.Now().Add(time.Hour).UnixMilli()
	plant(t, o, `UPDATE presence SET seen_at = `+strconv.FormatInt(ahead, 10)+` WHERE device = (SELECT id FROM device WHERE name = 'dev-000003')`)
	found := wrong(t, o)
	if len(found) != 1 || !strings.Contains(found[0], "clock: it is at least 1h0m0s behind: the newest record, a connection of a device") &&
		!strings.Contains(found[0], "clock: it is at least 59m5") {
		t.Errorf("found %q; want the clock an hour behind", found)
	}
}
