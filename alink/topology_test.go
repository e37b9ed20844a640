package alink

import (
	"fmt"
	"strings"
	"testing"
)

func TestNoticesOfTheTopology(t *testing.T) {
	of := []Identity{{"a1hRrzD0000", "abcd"}, {"a1hRrzD0000", "efgh"}}
	for _, tt := range []struct {
		status TopologyStatus
		of     []Identity
		want   string
	}{
		{TopologyCreated, of[:1], `{"id":"123","version":"1.0","params":{"status":0,"subList":[{"deviceName":"abcd","productKey":"a1hRrzD0000"}]},"method":"thing.topo.change"}`},
		{TopologyDisabled, of, `{"id":"123","version":"1.0","params":{"status":8,"subList":[{"deviceName":"abcd","productKey":"a1hRrzD0000"},{"deviceName":"efgh","productKey":"a1hRrzD0000"}]},"method":"thing.topo.change"}`},
	} {
		if got := string(AppendTopologyChange(nil, "123", tt.status, tt.of...)); got != tt.want {
			t.Errorf("AppendTopologyChange(%d) = %s; want %s", tt.status, got, tt.want)
		}
	}
}

func TestRegistrationOfSubdevices(t *testing.T) {
	// The example of "Register devices", and LinkSDK's, whose id is a number.
	for _, payload := range []string{
		`{"id":"123","version":"1.0","params":[{"deviceName":"deviceName1234","productKey":"1234556554"}],"method":"thing.sub.register"}`,
		`{"id" : 123,"version":"1.0","params" : [{ "deviceName" : "deviceName1234", "productKey" : "1234556554"}],"method":"thing.sub.register"}`,
	} {
		r, err := DecodeGatewayRequest(SubRegister, []byte(payload))
		if err != nil || r.ID != "123" || len(r.Devices) != 1 || r.Devices[0].Identity != (Identity{"1234556554", "deviceName1234"}) {
			t.Errorf("DecodeGatewayRequest(%s) = %+v, %v; want one sub-device", payload, r, err)
		}
	}
	var all []string
	for n := range MaxTopoAdd + 1 {
		all = append(all, fmt.Sprintf(`{"deviceName":"device%d","productKey":"1234556554"}`, n))
	}
	for _, bad := range []string{"", strings.Join(all, ","), all[0] + "," + all[0], `{"deviceName":"d","productKey":"1234556554"}`} {
		_, err := DecodeGatewayRequest(SubRegister, []byte(`{"id":"1","params":[`+bad+`]}`))
		if e, ok := err.(*Error); !ok || e.Code != CodeBadParameters {
			t.Errorf("DecodeGatewayRequest of %.80s: %v; want 460", bad, err)
		}
	}
	secret := SubdeviceSecret{Identity{"1234556554", "deviceName1234"}, "12344", "xxxxxx"}
	want := `{"code":200,"data":[{"iotId":"12344","productKey":"1234556554","deviceName":"deviceName1234","deviceSecret":"xxxxxx"}],` +
		`"id":"123","message":"success","method":"thing.sub.register","version":"1.0"}`
	if got := string(AppendSubRegistered(nil, "123", []SubdeviceSecret{secret})); got != want {
		t.Errorf("AppendSubRegistered = %s; want %s", got, want)
	}
	refused := `{"code":6289,"data":[{"deviceName":"deviceName1234","productKey":"1234556554"}],"id":"123","message":"device already active","method":"thing.sub.register","version":"1.0"}`
	if got := string(AppendGatewayReply(nil, SubRegister, "123", CodeAlreadyActive, []Identity{secret.Identity})); got != refused {
		t.Errorf("AppendGatewayReply = %s; want %s", got, refused)
	}
}
