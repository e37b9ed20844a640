package sim_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/sim"
)

// What each style says from sign-in until a pushed configuration is in force,
// as ../../../shared/protocol/clients.md has it.
func TestStyles(t *testing.T) {
	config := topic("dev-0")
	tests := []struct {
		style sim.Style
		o     sim.Options
		want  []string
	}{
		{sim.Cota, sim.Options{}, []string{
			"CONNECT 3.1.1 clean=true keepalive=300 a1b2c3d4e5f.dev-0|securemode=3,signmethod=hmacsha256,_ss=1,lan=Go| dev-0&a1b2c3d4e5f {hex}",
			"SUBSCRIBE " + config + "push q1 " + config + "get_reply q1",
			"PUBACK",
			"PUBLISH q0 " + config + `push_reply {"id":"7","code":200,"data":{}}`,
			"PUBLISH q1 " + config + `report {"id":"1","version":"1.0","sys":{"ack":0},"params":{"configId":"` + offerOf(content).ConfigID + `","state":"applied"},"method":"thing.config.report"}`,
		}},
		{sim.Cota, sim.Options{NoReport: true}, []string{
			"CONNECT 3.1.1 clean=true keepalive=300 a1b2c3d4e5f.dev-0|securemode=3,signmethod=hmacsha256,_ss=1,lan=Go| dev-0&a1b2c3d4e5f {hex}",
			"SUBSCRIBE " + config + "push q1 " + config + "get_reply q1",
			"PUBACK",
			`PUBLISH q0 /ota/device/progress/a1b2c3d4e5f/dev-0 {"id":1, "params":{"step":"0","desc":""}}`,
			`PUBLISH q0 /ota/device/progress/a1b2c3d4e5f/dev-0 {"id":1, "params":{"step":"100","desc":""}}`,
		}},
		{sim.LinkSDK4, sim.Options{Ask: true}, []string{
			"CONNECT 3.1.1 clean=true keepalive=1200 a1b2c3d4e5f.dev-0|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=3,signmethod=hmacsha256,ext=3,_conn=tcp_8| dev-0&a1b2c3d4e5f {HEX}",
			"PINGREQ",
			"PUBLISH q0 " + config + `get {"id":"123","params":{"configScope":"product","getType":"file"}}`,
			"PUBACK",
			`PUBLISH q0 /ota/device/progress/a1b2c3d4e5f/dev-0 {"id":1, "params":{"step":"0","desc":""}}`,
			`PUBLISH q0 /ota/device/progress/a1b2c3d4e5f/dev-0 {"id":1, "params":{"step":"100","desc":""}}`,
		}},
		{sim.Node, sim.Options{Ask: true}, append(append([]string{
			"CONNECT 3.1.1 clean=false keepalive=60 a1b2c3d4e5f&dev-0|securemode=3,signmethod=hmacsha1,timestamp=946684800000,lan=NodeJS,_v=1.2.8| dev-0&a1b2c3d4e5f {hex}",
		}, subscriptions("thing/event/property/post_reply", "thing/service/property/set", "thing/event/+/post_reply", "thing/deviceinfo/update_reply",
			"thing/deviceinfo/delete_reply", "thing/config/get_reply", "/shadow/get/a1b2c3d4e5f/dev-0", "thing/config/push", "thing/config/push_reply",
			"thing/topo/add_reply", "thing/topo/delete_reply", "thing/topo/get_reply", "/ext/session/a1b2c3d4e5f/dev-0/combine/login_reply",
			"/ext/session/a1b2c3d4e5f/dev-0/combine/logout_reply", "thing/sub/register_reply", "rrpc/request/+")...),
			"PUBLISH q0 "+config+`get {"id":"1","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`,
			"PUBACK",
		)},
		{sim.Go, sim.Options{Ask: true}, append(append([]string{
			"CONNECT 3.1.1 clean=true keepalive=60 a1b2c3d4e5f.dev-0|_v=1.0.0,ext=0,gw=0,lan=Golang,securemode=3,signmethod=hmacsha256,timestamp=946684800000| dev-0&a1b2c3d4e5f {hex}",
		}, subscriptions("thing/model/up_raw_reply", "thing/model/down_raw", "/ext/network/probe/+", "thing/event/+/post_reply", "thing/event/property/history/post_reply",
			"thing/deviceinfo/update_reply", "thing/deviceinfo/delete_reply", "thing/service/#", "thing/dsltemplate/get_reply", "thing/dynamicTsl/get_reply",
			"thing/config/log/get_reply", "thing/log/post_reply", "thing/config/log/push", "rrpc/request/+", "thing/config/get_reply", "thing/config/push",
			"/ext/error/a1b2c3d4e5f/dev-0")...),
			"PUBLISH q1 "+config+`get {"id":"1","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`,
			"PUBACK",
			"PUBLISH q1 "+config+`push_reply {"id":"1000","code":200,"data":"{}"}`,
		)},
	}
	for _, tt := range tests {
		t.Run(tt.style.String(), func(t *testing.T) {
			tt.o.Styles = []sim.Style{tt.style}
			play(t, tt.o, file(content), func(s *stage) {
				s.until(connected(1))
				synctest.Wait()
				s.push("dev-0", offerOf(content))
				s.until(applied(1))
				synctest.Wait()
				got := s.said("dev-0")
				if diff := cmp.Diff(tt.want, masked(got)); diff != "" {
					t.Errorf("conversation (-want +got):\n%s", diff)
				}
				verify(t, got[0])
			})
		})
	}
}

func subscriptions(filters ...string) []string {
	lines := make([]string, len(filters))
	for i, f := range filters {
		if !strings.HasPrefix(f, "/") {
			f = "/sys/" + productKey + "/dev-0/" + f
		}
		lines[i] = "SUBSCRIBE " + f + " q1"
	}
	return lines
}

var lower, upper = regexp.MustCompile(`[0-9a-f]{40,64}$`), regexp.MustCompile(`[0-9A-F]{40,64}$`)

// masked hides the password.
func masked(lines []string) []string {
	first := upper.ReplaceAllString(lower.ReplaceAllString(lines[0], "{hex}"), "{HEX}")
	return append([]string{first}, lines[1:]...)
}

// verify checks the password of a CONNECT.
func verify(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	login, err := alink.ParseLogin(words[4], words[5], words[6])
	if err != nil || !login.Verify("secret") {
		t.Errorf("login of %s does not verify (%v)", line, err)
	}
}
