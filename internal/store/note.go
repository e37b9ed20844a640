package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cotahq/cota"
)

// Note tells every node that something it may remember has changed. It says
// what to look at again, not what it is now.
type Note struct {
	Product string `json:"p,omitempty"`
	Device  int64  `json:"d,omitempty"` // this device only: its connections must be looked at
	Gateway int64  `json:"g,omitempty"` // with Device: only a connection through this gateway
	Node    int64  `json:"n"`           // who wrote it

	Topology *cota.TopologyChange `json:"t,omitempty"` // nothing else: a gateway of the product is to be told of it

	Certificates bool `json:"c,omitempty"` // what the product trusts: connections that were let in by a certificate must be looked at
}

// Note is delivered to the listeners of all nodes once tx has committed.
func (tx *Tx) Note(n Note) {
	n.Node = tx.node
	tx.notes = append(tx.notes, n)
}

// Listen has fn called with every note of every node, in the goroutine that
// committed for this node's own, so fn must not block. A zero Note says that
// notes may have been missed: everything remembered is in doubt. What was
// noted before Listen is not told.
func (s *Store) Listen(fn func(Note)) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.listeners = append(s.notes.listeners, fn)
}

// notes carries notes from commits to listeners: straight within the process,
// and by NOTIFY between PostgreSQL nodes.
type notes struct {
	store *Store // nil on SQLite
	done  sync.WaitGroup

	mu        sync.Mutex // guards listeners, which are only ever added
	listeners []func(Note)
}

const noteChannel = "cota"

func (ns *notes) deliver(all []Note) {
	ns.mu.Lock()
	listeners := ns.listeners
	ns.mu.Unlock()
	for _, n := range all {
		for _, fn := range listeners {
			fn(n)
		}
	}
}

// announce puts notes into the transaction: PostgreSQL sends them on commit.
func (ns *notes) announce(ctx context.Context, tx *sql.Tx, all []Note) error {
	if ns.store == nil {
		return nil
	}
	for _, n := range all {
		text, err := json.Marshal(n)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, noteChannel, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// start hears the other nodes, and lets them know that this one is alive.
func (ns *notes) start(ctx context.Context, s *Store, dsn string) error {
	config, err := postgresConfig(dsn)
	if err != nil {
		return err
	}
	ns.store = s
	ns.done.Go(func() {
		for ctx.Err() == nil {
			err := ns.hear(ctx, config)
			if ctx.Err() != nil {
				return
			}
			s.log.Warn("notes from other nodes are interrupted", "err", err)
			s.heed(err)
			sleep(ctx, time.Second)
		}
	})
	ns.done.Go(func() {
		for ctx.Err() == nil {
			if err := s.beat(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("heartbeat failed", "err", err)
			}
			sleep(ctx, nodeBeat)
		}
	})
	return nil
}

func (ns *notes) wait() { ns.done.Wait() }

// hear hears notes until the connection breaks, or is found to be dead.
func (ns *notes) hear(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := listen(ctx, conn); err != nil {
		return err
	}
	ns.store.heed(nil)
	ns.deliver([]Note{{}}) // whatever was said before we listened
	for {
		msg, err := next(ctx, conn)
		if err != nil {
			return err
		}
		var n Note
		if err := json.Unmarshal([]byte(msg.Payload), &n); err != nil {
			n = Note{}
		}
		if n.Node != ns.store.node {
			ns.deliver([]Note{n})
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
