package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cotahq/cota/internal/store"
)

// Verdict is what a finding means.
type Verdict string

const (
	Well  Verdict = "ok"
	Mind  Verdict = "mind"  // it works, but an operator should know
	Wrong Verdict = "wrong" // somebody must act
)

// Finding is what the doctor found out about one thing, in words.
type Finding struct {
	About   string  `json:"about"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
}

// clockSlack is how far in the future the newest record may lie: other nodes'
// clocks run a little apart.
const clockSlack = 10 * time.Second

// Examine looks at the data that the options name, whether a server runs on it
// or not, and says what is wrong. It writes nothing, and goes on after what is
// wrong as far as it can.
func Examine(ctx context.Context, o Options) []Finding {
	d := &doctor{options: o}
	d.files()
	keys := d.masterKey()
	d.database(ctx, keys)
	return d.findings
}

// doctor gathers findings.
type doctor struct {
	options  Options
	findings []Finding
}

func (d *doctor) find(about string, v Verdict, format string, args ...any) {
	d.findings = append(d.findings, Finding{about, v, fmt.Sprintf(format, args...)})
}

// faults finds each of f, or that all is well.
func (d *doctor) faults(about string, f store.Faults, err error, well string, args ...any) {
	if err != nil {
		d.find(about, Wrong, "cannot be checked: %v", err)
		return
	}
	for _, text := range f.First {
		d.find(about, Wrong, "%s", text)
	}
	if more := f.Count - len(f.First); more > 0 {
		d.find(about, Wrong, "and %d more like these", more)
	}
	if f.Count == 0 {
		d.find(about, Well, well, args...)
	}
}

// files looks at who may read and write what is in the data directory.
func (d *doctor) files() {
	const about = "files"
	dir := d.options.DataDir
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		d.find(about, Wrong, "the data directory cannot be looked at: %v", err)
		return
	case !info.IsDir():
		d.find(about, Wrong, "%s is no directory", dir)
		return
	}
	before := len(d.findings)
	if info.Mode().Perm()&0o022 != 0 {
		d.loose(about, dir, info, "others can put files of theirs in it", 0o700)
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", keyFile, lockFile} {
		d.file(about, filepath.Join(dir, name))
	}
	if d.options.MasterKeyFile != "" {
		d.file(about, d.options.MasterKeyFile)
	}
	for _, name := range []string{keyFile + ".new", restoringFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			d.find(about, Mind, "%s was left by a command that was ended; nothing needs it", filepath.Join(dir, name))
		}
	}
	if len(d.findings) == before {
		d.find(about, Well, "nobody but their owner can read or write them")
	}
}

// file looks at a file that need not be there.
func (d *doctor) file(about, path string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		d.find(about, Wrong, "%v", err)
	case info.Mode().Perm()&0o077 != 0:
		d.loose(about, path, info, "others than its owner can read or write it", 0o600)
	}
}

// loose finds that a mode lets others in, where there are such modes.
func (d *doctor) loose(about, path string, info fs.FileInfo, why string, want fs.FileMode) {
	if runtime.GOOS != "windows" {
		d.find(about, Wrong, "%s has mode %04o: %s; chmod %o %s", path, info.Mode().Perm(), why, want, path)
	}
}

func (d *doctor) masterKey() [][]byte {
	const about = "master key"
	keys, err := keysThere(d.options)
	switch {
	case err != nil:
		d.find(about, Wrong, "%v", err)
	case keys == nil:
		d.find(about, Wrong, "there is none: %s is missing, and neither COTA_MASTER_KEY nor --master-key-file names one; put it back, nothing else opens the secrets",
			filepath.Join(d.options.DataDir, keyFile))
	case len(keys) > 1:
		d.find(about, Mind, "there are %d: end the rotation (cota key rotate, or reseal), and take the older away", len(keys))
	default:
		d.find(about, Well, "it can be read")
	}
	return keys
}

func (d *doctor) database(ctx context.Context, keys [][]byte) {
	const about = "database"
	v, err := openView(ctx, d.options.dsn(), keys)
	if err != nil {
		d.find(about, Wrong, "%v", err)
		return
	}
	defer v.Close() // it was only read
	if !d.schema(ctx, about, v) {
		return
	}
	if d.options.DB == "" {
		found, err := v.Damage(ctx)
		d.faults("integrity", found, err, "SQLite finds no damage")
		if err != nil || found.Count > 0 {
			d.find("integrity", Wrong, "stop the server, keep the directory as it is, and restore the last backup: cota restore FILE --data NEW")
		}
	} else {
		d.find("integrity", Well, "not looked at: PostgreSQL has pg_amcheck for it")
	}
	found, err := v.Miscounts(ctx)
	d.faults("counts", found, err, "all equal a recount")
	found, err = v.BadVersions(ctx)
	d.faults("configurations", found, err, "each is what its SHA-256 says")
	d.secrets(ctx, v, keys)
	d.admins(ctx, v)
	d.clock(ctx, v)
}

// schema says whether the rest can be looked at.
func (d *doctor) schema(ctx context.Context, about string, v *store.View) bool {
	is, err := v.Schema(ctx)
	known := store.KnownSchema()
	switch {
	case err != nil:
		d.find(about, Wrong, "its schema cannot be read: %v", err)
	case is > known:
		d.find(about, Wrong, "it has schema %d but this cota knows only %d; run the newer cota", is, known)
	case is < known:
		d.find(about, Mind, "it has schema %d; the next start of this cota brings it to %d, and then it can be examined", is, known)
	default:
		d.find(about, Well, "it opens, and has schema %d", is)
		return true
	}
	return false
}

func (d *doctor) secrets(ctx context.Context, v *store.View, keys [][]byte) {
	const about = "secrets"
	if keys == nil {
		d.find(about, Wrong, "not looked at, without a master key")
		return
	}
	found, opened, old, err := v.Closed(ctx)
	if err == nil && found.Count > 0 && opened == 0 {
		d.find(about, Wrong, "none of %d opens: %s is not the master key of this database", found.Count, v.KeyName())
		return
	}
	d.faults(about, found, err, "all %d open with the master key (its name: %s)", opened, v.KeyName())
	if old > 0 {
		d.find(about, Mind, "%d of %d are sealed with an older master key; seal them anew: cota key reseal", old, opened)
	}
}

func (d *doctor) admins(ctx context.Context, v *store.View) {
	const about = "accounts"
	n, err := v.CountAdmins(ctx)
	switch {
	case err != nil:
		d.find(about, Wrong, "cannot be counted: %v", err)
	case n == 0:
		d.find(about, Wrong, "there is no administrator who is not disabled")
	default:
		d.find(about, Well, "%d can administer", n)
	}
}

func (d *doctor) clock(ctx context.Context, v *store.View) {
	const about = "clock"
	newest, what, err := v.Newest(ctx)
	behind := time.Until(newest)
	switch {
	case err != nil:
		d.find(about, Wrong, "the newest record cannot be read: %v", err)
	case newest.IsZero():
		d.find(about, Well, "there is no record yet to compare it with")
	case behind > clockSlack:
		d.find(about, Wrong, "it is at least %s behind: the newest record, %s, is of %s, and it is %s here; set the clock, or cool-downs and links last too long",
			behind.Round(time.Second), what, newest.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
	default:
		d.find(about, Well, "it is not behind the newest record (%s, %s)", what, newest.UTC().Format(time.RFC3339))
	}
}
