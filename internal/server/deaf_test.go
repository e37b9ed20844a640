package server_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/server/servertest"
)

// Who asks the management door and does not read, or is gone without a word,
// holds nothing for longer than a minute.
func TestDeafOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		nc, err := s.DialManagement(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		const large = "/docs/swagger-ui-bundle.js"
		if _, err := io.WriteString(nc, "GET "+large+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Second)
		if _, err := nc.Write(nil); err != nil {
			t.Errorf("a second too soon: %v; want it open", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := io.WriteString(nc, "x"); err == nil {
			t.Error("after a minute it is open still; want it closed")
		}
	})
}
