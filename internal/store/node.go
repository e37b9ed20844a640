package store

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"
)

// A node is one run of a server on this database. A device is online when the
// node it is connected to is alive, so a crash takes all its devices offline
// without a write.
const (
	nodeBeat = 5 * time.Second  // how often a node says that it is alive
	nodeDead = 20 * time.Second // how long it may be silent

	nodeAlways = math.MaxInt64 // last seen, where there are no heartbeats
)

// nodeAlive wants the id of the reader's node as $1 and the time as $2. A
// heartbeat from further in the future than clocks may differ by was written
// before a clock was set back: whoever wrote it and lives has written another.
var nodeAlive = fmt.Sprintf("(node.id = $1 OR node.seen_at = %d OR node.seen_at - $2 BETWEEN -%[2]d AND %[2]d)",
	int64(nodeAlways), nodeDead.Milliseconds())

// Node is this run's id; positive.
func (s *Store) Node() int64 { return s.node }

// join makes this run a node. On SQLite there is no other, and it needs no
// heartbeat.
func (s *Store) join(ctx context.Context) error {
	return s.Update(ctx, func(tx *Tx) error {
		id, err := tx.next(ctx, "node", 1)
		if err != nil {
			return err
		}
		now, seen := time.Now().UnixMilli(), int64(nodeAlways)
		if s.engine.name == postgres.name {
			seen = now
			_, err = tx.db.ExecContext(ctx, `DELETE FROM node WHERE NOT `+nodeAlive, id, now)
		} else {
			_, err = tx.db.ExecContext(ctx, `DELETE FROM node`)
		}
		if err != nil {
			return err
		}
		s.node, s.started = id, now
		return beat(ctx, tx.db, id, now, seen, s.seal.name)
	})
}

func (s *Store) leave(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM node WHERE id = $1`, s.node)
	if err != nil {
		return fmt.Errorf("leave the database: %w", err)
	}
	return nil
}

// beat says that a node is alive, and which key it seals with. One that was
// silent for so long that others took it for dead comes back.
func beat(ctx context.Context, db querier, id, started, seen int64, sealsWith string) error {
	host, _ := os.Hostname() // only a label
	_, err := db.ExecContext(ctx, `
		INSERT INTO node (id, host, started_at, seen_at, seals_with) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, id, host, started, seen, sealsWith)
	return err
}

// beat is one heartbeat of this node. It is not cut short when ctx ends:
// PostgreSQL could come to it after the node has left, and take it for alive.
func (s *Store) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), nodeBeat)
	defer cancel()
	return beat(ctx, s.write, s.node, s.started, time.Now().UnixMilli(), s.seal.name)
}

// next takes n consecutive ids of a counter and returns the first.
func (tx *Tx) next(ctx context.Context, counter string, n int64) (int64, error) {
	var last int64
	err := tx.db.QueryRowContext(ctx, `
		INSERT INTO counter (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = counter.value + $2
		RETURNING value`, counter, n).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", counter, err)
	}
	return last - n + 1, nil
}
