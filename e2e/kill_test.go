package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestKills kills the server again and again while operators and devices talk
// with it, at moments of a seed's choice, and compares what it has on record
// afterwards with what it had told them: nothing told is missing, nothing that
// was not answered is there by half, and counts equal a recount.
//
// COTA_TEST_KILLS says how often, on each engine, and COTA_TEST_SEED by which
// seed. "make crash" runs the long form.
func TestKills(t *testing.T) {
	kills, seed := fromEnv(t, "COTA_TEST_KILLS", 10), fromEnv(t, "COTA_TEST_SEED", time.Now().UnixNano())
	t.Run("sqlite", func(t *testing.T) { newKills(t, "", uint64(seed)).run(int(kills)) })
	t.Run("postgres", func(t *testing.T) {
		newKills(t, storetest.Database(t, storetest.PostgresEngine), uint64(seed)).run(int(kills))
	})
}

// fromEnv is a number in the environment.
func fromEnv(t *testing.T, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// kills is a server that is killed, and those who talk with it.
type kills struct {
	*server
	seed      uint64
	chance    *rand.Rand
	book      *ledger
	operators []*operator
	witnesses []*witness

	early, unanswered, happened int // for the record
}

const (
	killedProducts = 3
	killedDevices  = 12 // of each product
)

func newKills(t *testing.T, db string, seed uint64) *kills {
	t.Helper()
	k := &kills{server: startOn(t, db), seed: seed, chance: rand.New(rand.NewPCG(seed, 0)), book: newLedger(t)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to try the same chances again: COTA_TEST_SEED=%d", seed)
		}
	})
	for i := range killedProducts {
		k.add(fmt.Sprintf("kills-%d", i), rand.New(rand.NewPCG(seed, uint64(i+1))))
	}
	return k
}

// add adds a product, its operator and its devices.
func (k *kills) add(name string, chance *rand.Rand) {
	k.t.Helper()
	ctx := k.t.Context()
	p, err := k.AddProduct(ctx, "", name)
	if err != nil {
		k.t.Fatal(err)
	}
	never, all := int64(0), int64(cota.MaxHistory)
	if _, err := k.SetConfig(ctx, p.Key, client.ConfigPatch{Policy: &cota.PolicyPatch{CooldownSeconds: &never, History: &all}}); err != nil {
		k.t.Fatal(err)
	}
	devices, err := k.AddNumberedDevices(ctx, p.Key, "dev-", killedDevices)
	if err != nil {
		k.t.Fatal(err)
	}
	o := &operator{s: k.server, product: p.Key, chance: chance, book: k.book, saved: map[string]cota.Version{}}
	if o.sure, err = o.look(ctx); err != nil {
		k.t.Fatal(err)
	}
	if _, o.since, err = o.audit(ctx); err != nil {
		k.t.Fatal(err)
	}
	k.operators = append(k.operators, o)
	for _, d := range devices {
		k.witnesses = append(k.witnesses, &witness{s: k.server, product: p.Key, id: d, book: k.book, saved: o.version})
	}
}

// run kills the server so many times, and sees that it comes to rest.
func (k *kills) run(n int) {
	begun := time.Now()
	for i := 1; i <= n && !k.t.Failed(); i++ {
		if k.chance.IntN(6) == 0 {
			k.killEarly()
			continue
		}
		k.killAtWork()
		k.restart()
		k.check()
	}
	k.check()
	k.rest()
	k.checkAll()
	pushes, versions := 0, 0
	for _, o := range k.operators {
		pushes, versions = pushes+len(o.pushed), versions+len(o.saved)
	}
	told, connects := 0, 0
	for _, w := range k.witnesses {
		told, connects = told+len(w.told), connects+w.connects
	}
	k.t.Logf("seed %d: %d kills (%d of them while it started) in %v; %d answers, %d requests without one, of which %d had happened; "+
		"%d versions, %d pushes, %d acknowledged reports, %d connections of %d devices",
		k.seed, n, k.early, time.Since(begun).Round(time.Second), k.book.answers(), k.unanswered, k.happened,
		versions, pushes, told, connects, len(k.witnesses))
}

// killAtWork lets everybody work until they have been told a few things more,
// and kills the server a moment later.
func (k *kills) killAtWork() {
	ctx, cancel := context.WithCancel(k.t.Context())
	var all sync.WaitGroup
	k.work(ctx, &all)
	enough, stop := context.WithTimeout(ctx, 5*time.Second)
	k.book.await(enough, k.book.answers()+1+k.chance.IntN(120))
	stop()
	pause(ctx, time.Duration(k.chance.IntN(3000))*time.Microsecond)
	k.kill()
	cancel()
	all.Wait()
}

// work has everybody work until ctx ends.
func (k *kills) work(ctx context.Context, all *sync.WaitGroup) {
	for _, o := range k.operators {
		all.Go(func() { o.work(ctx) })
	}
	for _, w := range k.witnesses {
		all.Go(func() { w.work(ctx) })
	}
}

// killEarly kills the server, and once more while it starts.
func (k *kills) killEarly() {
	k.kill()
	k.gone()
	k.launch()
	pause(k.t.Context(), time.Duration(k.chance.IntN(150))*time.Millisecond)
	k.kill()
	k.early++
	k.restart()
}

func (k *kills) restart() {
	k.gone()
	k.server.run()
}

// gone waits until PostgreSQL has noticed: what a dead client has sent before
// it died may still be carried out.
func (k *kills) gone() {
	k.t.Helper()
	if k.db == "" {
		return
	}
	conn, err := pgx.Connect(k.t.Context(), k.db)
	if err != nil {
		k.t.Fatal(err)
	}
	defer conn.Close(k.t.Context())
	eventually(k.t, func(ctx context.Context) error {
		var others int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others)
		if err == nil && others > 0 {
			err = fmt.Errorf("%d connections of the dead server are open", others)
		}
		return err
	})
}

// check compares what is on record with what everybody was told.
func (k *kills) check() {
	k.t.Helper()
	ctx := k.t.Context()
	for _, o := range k.operators {
		asked := o.asked
		if asked != nil {
			k.unanswered++
		}
		before := o.sure
		if err := o.check(ctx); err != nil {
			k.t.Errorf("after a kill: %v", err)
		}
		if asked != nil && o.sure != before {
			k.happened++
		}
		if o.sure.Push != 0 {
			k.recountMoved(o.sure.Push)
		}
	}
	for _, w := range k.witnesses {
		if err := w.check(ctx); err != nil {
			k.t.Errorf("after a kill: %v", err)
		}
	}
}

// recountMoved is recount for a product to which devices are added: a push does
// not count who came after it began and was told nothing.
func (k *kills) recountMoved(no int64) {
	k.t.Helper()
	p, err := k.Push(k.t.Context(), no)
	if err != nil {
		k.t.Fatal(err)
	}
	got, want := k.standing(no), p.Counts
	got.Total, got.Pending, want.Total, want.Pending = 0, 0, 0, 0
	if got != want {
		k.t.Errorf("push %d counts %+v; its devices stand at %+v", no, want, got)
	}
}

// rest pushes a last version to everybody and waits until all have said what
// became of it.
func (k *kills) rest() {
	k.t.Helper()
	ctx, cancel := context.WithCancel(k.t.Context())
	var all sync.WaitGroup
	for _, w := range k.witnesses {
		all.Go(func() { w.work(ctx) })
	}
	defer all.Wait()
	defer cancel()
	for _, o := range k.operators {
		last := []func() *change{o.save, o.push}
		if !o.sure.Enabled {
			last = append(last, func() *change { return o.turn(true) })
			last[1], last[2] = last[2], last[1]
		}
		for _, c := range last {
			if !o.make(ctx, c()) {
				k.t.Errorf("the server did not answer the last changes of product %s", o.product)
			}
		}
	}
	eventually(k.t, func(ctx context.Context) error {
		for i, w := range k.witnesses {
			if last := k.operators[i/killedDevices].sure.ConfigID; !w.has(last) {
				return fmt.Errorf("%s has not reported version %s", w.id.Name, last)
			}
		}
		return nil
	})
}

// checkAll compares everything that anybody was told with what is on record.
func (k *kills) checkAll() {
	k.t.Helper()
	k.check()
	ctx := k.t.Context()
	for _, o := range k.operators {
		if err := o.checkAll(ctx); err != nil {
			k.t.Error(err)
		}
	}
	for _, w := range k.witnesses {
		if err := w.checkTimeline(ctx); err != nil {
			k.t.Error(err)
		}
	}
	log := k.server.log.String()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			k.t.Errorf("the server's log has %s", line)
		}
	}
}
