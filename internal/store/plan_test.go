package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestPlans looks at how the engines go about what happens often or touches
// large tables: by an index, and in its order.
func TestPlans(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk)
		scan, sort := regexp.MustCompile(`SCAN (device|presence|version|push|push_progress|event|event_block|audit|topology)\b`), regexp.MustCompile(`USE TEMP B-TREE`)
		if !isSQLite(dsn) { // plans by what the tables hold
			scan, sort = regexp.MustCompile(`Seq Scan on (device|presence|version|push|push_progress|event|event_block|audit|topology)\b`), regexp.MustCompile(`Sort\b`)
			db := raw(t, dsn)
			exec(t, db, `INSERT INTO device (id, product, name, secret_sealed, disabled, created_at,
					push, state, code, detail, state_at, offered, config_id, config_at)
				SELECT n, 'a1Product' || n % 3, 'dev-' || n, '', FALSE, 0, 1, n % 5, 0, '', 0, 0, 'c', 0
				FROM generate_series(1, 100000) AS n`)
			exec(t, db, `INSERT INTO presence (device, node, through, connected_at, seen_at) SELECT n, 1, 0, 0, 0 FROM generate_series(1, 100000) AS n`)
			exec(t, db, `INSERT INTO event (device, at, seq, kind, push, code, detail)
				SELECT n % 10000, n, n, 'sent', 1, 0, '' FROM generate_series(1, 100000) AS n`)
			exec(t, db, `INSERT INTO event_block (bucket, since, until, seq, lines)
				SELECT n % 1000, n, n, n, '' FROM generate_series(1, 100000) AS n`)
			exec(t, db, `INSERT INTO audit (id, at, actor, address, action, target, detail)
				SELECT n, n, '', '', '', '', '' FROM generate_series(1, 100000) AS n`)
			exec(t, db, `INSERT INTO topology (device, gateway, added_at) SELECT n, n % 100, 0 FROM generate_series(1, 50000) AS n`)
			exec(t, db, `ALTER TABLE push DROP CONSTRAINT push_product_fkey`)
			exec(t, db, `ALTER TABLE version DROP CONSTRAINT version_product_fkey`)
			exec(t, db, `INSERT INTO push (no, product, version, state, total, sent, received, fetched, applied, failed,
					started_by, started_at, ended_at, reason, told)
				SELECT n, 'a1Product' || n % 100, n, 'completed', 1, 1, 0, 0, 0, 0, '', 0, 0, '', TRUE FROM generate_series(1, 20000) AS n`)
			exec(t, db, `INSERT INTO version (product, number, config_id, content, sha256, size, note, author, created_at, needed_until)
				SELECT 'a1Product' || n % 100, n, 'c' || n, '{}', '', 0, '', '', 0, 0 FROM generate_series(1, 20000) AS n`)
			exec(t, db, `INSERT INTO push_progress (push, percent, at) SELECT n / 100, n % 100, 0 FROM generate_series(1, 100000) AS n`)
			exec(t, db, `ANALYZE`)
		}
		ctx := t.Context()
		var plan string
		q := s.Explained(func(p string) { plan += p + "\n" })
		sent, yes := cota.Sent, true
		// Few rows are as well sorted, and looked up in a small table at once.
		few := []string{"Standings", "Events", "Events from a place", "Versions", "Pushes running", "SubdeviceNames"}
		for name, query := range map[string]func() error{
			"Device":      func() error { _, err := q.Device(ctx, "a1Product1", "dev-1"); return err },
			"DeviceLogin": func() error { _, _, err := q.DeviceLogin(ctx, "a1Product1", "dev-1"); return err },
			"DeviceLogins": func() error {
				return q.DeviceLogins(ctx, "a1Product1", []string{"dev-1", "dev-2", "dev-3"}, func(store.Login, string, error) {})
			},
			"DeviceNames": func() error { _, _, err := q.DeviceNames(ctx, 7); return err },
			"Devices":     func() error { _, err := q.Devices(ctx, "a1Product1", store.DeviceFilter{}, "dev-5", 100); return err },
			"Devices by prefix": func() error {
				_, err := q.Devices(ctx, "a1Product1", store.DeviceFilter{Prefix: "dev-77"}, "", 100)
				return err
			},
			"Devices by rung": func() error {
				_, err := q.Devices(ctx, "a1Product1", store.DeviceFilter{Push: 1, Rung: &sent}, "", 100)
				return err
			},
			"Devices online": func() error {
				_, err := q.Devices(ctx, "a1Product1", store.DeviceFilter{Online: &yes}, "", 100)
				return err
			},
			"GatewayOf":           func() error { _, err := q.GatewayOf(ctx, 7); return err },
			"CountSubdevices":     func() error { _, err := q.CountSubdevices(ctx, 7); return err },
			"Subdevices":          func() error { _, err := q.Subdevices(ctx, 7, 1, 100); return err },
			"SubdeviceNames":      func() error { _, err := q.SubdeviceNames(ctx, 7, 2000); return err },
			"LastNumbered":        func() error { _, err := q.LastNumbered(ctx, "a1Product1", "dev-", 5); return err },
			"Standings":           func() error { _, err := q.Standings(ctx, []int64{1, 2, 3}); return err },
			"Events":              func() error { _, err := q.Events(ctx, 7, store.EventKey{}, 100); return err },
			"Events from a place": func() error { _, err := q.Events(ctx, 7, store.EventKey{At: 5, Seq: 5}, 100); return err },
			"AuditLog":            func() error { _, err := q.AuditLog(ctx, store.AuditFilter{}, 0, 100); return err },
			"Pushes":              func() error { _, err := q.Pushes(ctx, store.PushFilter{Product: "a1Product1"}, 0, 100); return err },
			"Pushes of all":       func() error { _, err := q.Pushes(ctx, store.PushFilter{}, 0, 100); return err },
			"Pushes running": func() error {
				_, err := q.Pushes(ctx, store.PushFilter{State: cota.Running}, 0, 100)
				return err
			},
			"LastPushes":        func() error { _, err := q.LastPushes(ctx, "a1Product1", "a1Product2"); return err },
			"Progress":          func() error { _, err := q.Progress(ctx, 7); return err },
			"LastPush":          func() error { _, err := q.LastPush(ctx, "a1Product1"); return err },
			"LastTold":          func() error { _, err := q.LastTold(ctx, "a1Product1"); return err },
			"PushOfVersion":     func() error { _, err := q.PushOfVersion(ctx, "a1Product1", 1); return err },
			"Versions":          func() error { _, err := q.Versions(ctx, "a1Product1", 0, 100); return err },
			"VersionByConfigID": func() error { _, err := q.VersionByConfigID(ctx, "a1Product1", "c1"); return err },
		} {
			plan = ""
			_ = query() // the rows are empty shells; only the plan counts
			if plan == "" || strings.HasPrefix(plan, "error") || !slices.Contains(few, name) && (scan.MatchString(plan) || sort.MatchString(plan)) {
				t.Errorf("%s goes by\n%s\nwant an index, and its order", name, plan)
			}
		}
		for text, plan := range s.RecorderPlans(ctx) {
			if regexp.MustCompile(`SCAN (device|presence)|Seq Scan on (device|presence)|AUTOMATIC|Hash Join|Merge Join`).MatchString(plan) || strings.HasPrefix(plan, "error") {
				t.Errorf("%s\ngoes by\n%s\nwant the primary key", text, plan)
			}
		}
	})
}
