package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

// offer is a configuration as the vendor's documents describe it to a device.
type offer struct {
	ID     string          `json:"id"`
	Code   int             `json:"code"`
	Params json.RawMessage `json:"params"`
	Data   json.RawMessage `json:"data"`
}

type file struct {
	ConfigID   string `json:"configId"`
	ConfigSize int    `json:"configSize"`
	Sign       string `json:"sign"`
	SignMethod string `json:"signMethod"`
	URL        string `json:"url"`
	GetType    string `json:"getType"`
}

// fetch downloads a file and checks it as a device would.
func (f file) fetch(t *testing.T) string {
	t.Helper()
	res, err := http.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if res.StatusCode != http.StatusOK || len(body) != f.ConfigSize || hex.EncodeToString(sum[:]) != f.Sign || f.SignMethod != "Sha256" {
		t.Fatalf("GET gave %s and %d bytes; want what %+v says", res.Status, len(body), f)
	}
	return string(body)
}

// TestPaho is a device made of nothing but a foreign MQTT client and the
// vendor's documents.
func TestPaho(t *testing.T) {
	s := start(t)
	product, device := s.productWithDevice("paho")
	login, err := alink.Sign(product, device.Name, device.Secret, alink.SignOptions{Method: alink.HMACSHA1, Timestamp: "2524608000000"})
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan mqtt.Message, 10)
	c := mqtt.NewClient(mqtt.NewClientOptions().
		AddBroker("tcp://" + s.ports[1]).SetClientID(login.ClientID).SetUsername(login.UserName).SetPassword(login.Password).
		SetProtocolVersion(4).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { messages <- m }))
	done := func(tok mqtt.Token) {
		t.Helper()
		if !tok.WaitTimeout(patience) || tok.Error() != nil {
			t.Fatalf("token: %v", tok.Error())
		}
	}
	receive := func(topic string) (o offer) {
		t.Helper()
		select {
		case m := <-messages:
			if m.Topic() != topic {
				t.Fatalf("message on %s; want %s", m.Topic(), topic)
			}
			if err := json.Unmarshal(m.Payload(), &o); err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			t.Fatalf("no message on %s", topic)
		}
		return o
	}
	root := fmt.Sprintf("/sys/%s/%s/thing/config/", product, device.Name)
	done(c.Connect())
	defer c.Disconnect(100)
	done(c.Subscribe(root+"push", 1, nil))

	const text = `{"interval": 60}`
	s.saveAndPush(product, text)
	var pushed file
	if err := json.Unmarshal(receive(root+"push").Params, &pushed); err != nil {
		t.Fatal(err)
	}
	if got := pushed.fetch(t); got != text {
		t.Errorf("downloaded %q; want %q", got, text)
	}
	done(c.Publish(root+"get", 1, false, `{"id":"77","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`))
	reply := receive(root + "get_reply")
	var asked file
	if err := json.Unmarshal(reply.Data, &asked); err != nil {
		t.Fatal(err)
	}
	if reply.ID != "77" || reply.Code != 200 || asked.ConfigID != pushed.ConfigID {
		t.Errorf("get_reply %+v; want id 77, code 200 and configuration %s", reply, pushed.ConfigID)
	}
	done(c.Publish("/ota/device/progress/"+product+"/"+device.Name, 1, false, `{"id":1,"params":{"step":"100","desc":""}}`))
	s.eventuallyAt(product, device.Name, cota.Applied)
}
