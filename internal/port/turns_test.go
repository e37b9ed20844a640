package port

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A turn is held while a handshake computes, and not while it waits.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &turns{now: make(chan struct{}, 1), next: make(chan struct{}, 1)}
		here, there := net.Pipe()
		w := &wire{Conn: there, turns: turns}
		if err := turns.take(); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := w.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		if err := turns.take(); err != nil { // while the other waits for its client
			t.Fatal(err)
		}
		go here.Write([]byte{1})
		synctest.Wait()
		select {
		case err := <-read:
			t.Fatalf("Read returned %v; want that it waits for its turn", err)
		default:
		}
		if err := turns.take(); !errors.Is(err, ErrBusy) {
			t.Errorf("a third one: %v; want ErrBusy", err)
		}
		turns.give()
		if err := <-read; err != nil {
			t.Errorf("Read = %v; want that its turn has come", err)
		}
	})
}

func TestHandshakeWhenTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &turns{now: make(chan struct{}, 1), next: make(chan struct{})}
		here, there := net.Pipe()
		w := &wire{Conn: there, turns: turns}
		turns.take()
		read := make(chan error, 1)
		go func() {
			_, err := w.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		turns.take()
		here.Write([]byte{1})
		if err := <-read; !errors.Is(err, ErrBusy) || w.turns != nil {
			t.Errorf("Read = %v, and a turn is held: %t; want ErrBusy, and none", err, w.turns != nil)
		}
		turns.give()
		if err := turns.take(); err != nil {
			t.Errorf("afterwards: %v; want a turn", err)
		}
		here.Close()
		there.Close()
	})
}

// Who does not go on with a handshake holds up nobody.
func TestManyHalfHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		var ends []net.Conn
		for range 10 * maxNext {
			here, there := net.Pipe()
			ends = append(ends, here)
			if err := turns.take(); err != nil {
				t.Fatal(err)
			}
			go (&wire{Conn: there, turns: &turns}).Read(make([]byte, 1))
			synctest.Wait()
		}
		began := time.Now()
		if err := turns.take(); err != nil || time.Since(began) != 0 {
			t.Errorf("one more: %v after %v; want a turn at once", err, time.Since(began))
		}
		turns.give()
		for _, end := range ends {
			end.Close()
			synctest.Wait()
			turns.give()
		}
	})
}
