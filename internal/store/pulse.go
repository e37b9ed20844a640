package store

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A node feels the pulse of PostgreSQL on the connection on which it hears
// notes, by asking to listen again. That takes neither disk nor locks of
// tables, so a server that only has much to do answers.
const (
	pulseEvery  = 2 * time.Second // while nothing is heard
	pulseWithin = 5 * time.Second // how long an answer may take
)

// next is the next note. While there is none it asks whether the server is
// still there.
func next(ctx context.Context, conn *pgx.Conn) (msg *pgconn.Notification, err error) {
	for {
		err := within(ctx, pulseEvery, func(ctx context.Context) (err error) {
			msg, err = conn.WaitForNotification(ctx) // leaves the connection as it is when time is up
			return err
		})
		if !timedOut(err) || ctx.Err() != nil {
			return msg, err
		}
		if err := listen(ctx, conn); err != nil {
			return nil, err
		}
	}
}

func listen(ctx context.Context, conn *pgx.Conn) error {
	return within(ctx, pulseWithin, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+noteChannel)
		return err
	})
}

// heed draws the conclusion from how the server was met last.
func (s *Store) heed(err error) {
	switch {
	case timedOut(err):
		if s.wires.silence() {
			s.log.Error("the database does not answer; what it was asked is given up")
		}
	default: // it answers, if only to refuse
		if s.wires.mend() {
			s.log.Info("the database answers again")
		}
	}
}

func timedOut(err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return ok && network.Timeout() || pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded)
}

func within(ctx context.Context, d time.Duration, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return fn(ctx)
}
