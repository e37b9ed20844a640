package alink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A reader is what an SDK in the field makes of a message that offers a
// configuration in the member called in (params or data), as far as messages
// can be told apart by it. Each was seen to do so (field).
type reader func(payload []byte, in string) (Config, error)

var readers = map[string]reader{
	"C SDK 2 and 3": readAsCSDK,
	"LinkSDK 4":     readAsLinkSDK,
	"Node":          readAsNode,
	"Go":            readAsGo,
}

var errIgnored = errors.New("message ignored")

// readAsCSDK wants the text of all six members, takes it as it stands, knows
// no empty string, and no null ahead of what it looks for. It compares method
// and digest letter by letter, and wants code 200 in an answer.
func readAsCSDK(payload []byte, in string) (Config, error) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(payload, &envelope); err != nil {
		return Config{}, err
	}
	if before, _, _ := bytes.Cut(payload, []byte(`"`+in+`"`)); bytes.Contains(before, []byte("null")) {
		return Config{}, errIgnored
	}
	if in == "data" && string(envelope["code"]) != "200" {
		return Config{}, errIgnored
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(envelope[in], &members); err != nil {
		return Config{}, err
	}
	word := func(name string) string { return strings.Trim(string(members[name]), `"`) }
	for _, name := range []string{"configId", "configSize", "sign", "signMethod", "url", "getType"} {
		if word(name) == "" {
			return Config{}, errIgnored
		}
	}
	digits := word("configSize")
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i] // atoi
	}
	size, _ := strconv.ParseInt(digits, 10, 64)
	c := Config{ConfigID: word("configId"), Size: size, Sign: word("sign"), SignMethod: word("signMethod"), URL: word("url"), GetType: word("getType")}
	if c.SignMethod != "Sha256" && c.SignMethod != "Md5" || c.Sign != strings.ToLower(c.Sign) {
		return Config{}, errors.New("-2328")
	}
	return c, nil
}

// readAsLinkSDK finds members by searching the text, takes values as they
// stand, and divides by the size. Members of firmware messages change its way.
func readAsLinkSDK(payload []byte, in string) (Config, error) {
	data, ok := flat(string(payload), in)
	if !ok {
		return Config{}, errIgnored
	}
	for _, name := range []string{"dProtocol", "files", "module"} {
		if _, ok := flat(data, name); ok {
			return Config{}, errIgnored
		}
	}
	word := func(name string) string {
		text, _ := flat(data, name)
		return text
	}
	size, err := strconv.ParseInt(word("configSize"), 10, 64)
	if err != nil || size <= 0 {
		return Config{}, errors.New("SIGFPE")
	}
	c := Config{ConfigID: word("configId"), Size: size, Sign: word("sign"), SignMethod: word("signMethod"), URL: word("url"), GetType: word("getType")}
	switch {
	case c.URL == "":
		return Config{}, errIgnored
	case strings.EqualFold(c.SignMethod, "sha256") && c.SignMethod[0] == 'S' && len(c.Sign) == 64:
		return c, nil
	case c.SignMethod == "Md5" && len(c.Sign) == 32:
		return c, nil
	}
	return Config{}, errIgnored
}

// readAsNode hands on what JSON says, to the callback that waits for the id,
// which it knows as text.
func readAsNode(payload []byte, in string) (Config, error) {
	var envelope map[string]any
	if err := json.Unmarshal(payload, &envelope); err != nil {
		return Config{}, err
	}
	id, ok := envelope["id"].(string)
	if !ok {
		return Config{}, errIgnored
	}
	data, ok := envelope[in].(map[string]any)
	if !ok {
		return Config{}, errIgnored
	}
	word := func(name string) string {
		text, _ := data[name].(string)
		return text
	}
	size, _ := data["configSize"].(float64)
	if text := word("configSize"); text != "" { // an application copes
		size, _ = strconv.ParseFloat(strings.TrimSpace(text), 64)
	}
	return Config{ID: id, ConfigID: word("configId"), Size: int64(size), Sign: word("sign"), SignMethod: word("signMethod"), URL: word("url"), GetType: word("getType")}, nil
}

// readAsGo decodes strictly by type.
func readAsGo(payload []byte, in string) (Config, error) {
	type data struct {
		ConfigID   string `json:"configId"`
		ConfigSize int64  `json:"configSize"`
		Sign       string `json:"sign"`
		SignMethod string `json:"signMethod"`
		URL        string `json:"url"`
		GetType    string `json:"getType"`
	}
	var message struct {
		ID     uint `json:"id,string"`
		Code   int  `json:"code"`
		Data   data `json:"data"`
		Params data `json:"params"`
	}
	if err := json.Unmarshal(payload, &message); err != nil {
		return Config{}, err
	}
	d := message.Data
	if in == "params" {
		d = message.Params
	} else if message.Code != 200 {
		return Config{}, errIgnored
	}
	return Config{
		ID: fmt.Sprint(message.ID), ConfigID: d.ConfigID, Size: d.ConfigSize, Sign: d.Sign, SignMethod: d.SignMethod, URL: d.URL, GetType: d.GetType,
	}, nil
}

// TestWhatBreaksReaders holds the readers against what was seen of the SDKs:
// one line for each change to a message, with those that cannot take it.
func TestWhatBreaksReaders(t *testing.T) {
	c := goodConfig()
	replace := func(before, after string) func(string) string {
		return func(s string) string { return strings.Replace(s, before, after, 1) }
	}
	for _, tt := range []struct {
		name   string
		change func(string) string
		breaks []string
	}{
		{"as it is", func(s string) string { return s }, nil},
		{"a blank behind a colon", func(s string) string { return strings.ReplaceAll(s, `":`, `": `) }, []string{"LinkSDK 4"}},
		{"& escaped as \\u0026", replace(c.URL, c.URL+`?a=1\u0026b=2`), []string{"C SDK 2 and 3", "LinkSDK 4"}},
		{"a number for an id", replace(`"id":"42"`, `"id":42`), []string{"Go", "Node"}},
		{"null ahead of the data", replace(`{"`, `{"message":null,"`), []string{"C SDK 2 and 3"}},
		{"configSize as text", replace(`"configSize":1234`, `"configSize":"1234"`), []string{"Go"}},
		{"configSize with a fraction", replace(`"configSize":1234`, `"configSize":1234.0`), []string{"Go", "LinkSDK 4"}},
		{"signMethod SHA256", replace("Sha256", "SHA256"), []string{"C SDK 2 and 3"}},
		{"signMethod sha256", replace("Sha256", "sha256"), []string{"C SDK 2 and 3", "LinkSDK 4"}},
		{"sign in upper case", replace(c.Sign, strings.ToUpper(c.Sign)), []string{"C SDK 2 and 3"}},
		{"an empty getType", replace(`"file"`, `""`), []string{"C SDK 2 and 3"}},
		{"a module", replace(`"getType"`, `"module":"x","getType"`), []string{"LinkSDK 4"}},
		{"files", replace(`"getType"`, `"files":[],"getType"`), []string{"LinkSDK 4"}},
		{"dProtocol", replace(`"getType"`, `"dProtocol":"mqtt","getType"`), []string{"LinkSDK 4"}},
		{"a value that is a name", replace(`{"`, `{"message":"url","`), nil}, // outside of the data it does no harm
	} {
		for in, payload := range map[string][]byte{"params": AppendPush(nil, c), "data": AppendGetReply(nil, c)} {
			payload := []byte(tt.change(string(payload)))
			var breaks []string
			for name, read := range readers {
				got, err := read(payload, in)
				// Case is the application's affair, and so is what it makes of an escape undone.
				same := got.ConfigID == c.ConfigID && got.Size == c.Size && strings.EqualFold(got.Sign, c.Sign) &&
					strings.HasPrefix(got.URL, c.URL) && !strings.Contains(got.URL, `\`)
				if err != nil || !same {
					breaks = append(breaks, name)
				}
			}
			slices.Sort(breaks)
			if !slices.Equal(breaks, tt.breaks) {
				t.Errorf("%s: %s breaks %q; want %q", tt.name, payload, breaks, tt.breaks)
			}
		}
	}
}

// TestEverySDKReadsOffers holds what is sent against all of them.
func TestEverySDKReadsOffers(t *testing.T) {
	for _, size := range []int64{1, 15, 1234, 65536, 1<<31 - 1} {
		for _, url := range []string{
			"http://f.cn/c/" + strings.Repeat("A", TokenSize),
			"https://files.example.com/a/long-er/path/c/" + strings.Repeat("-_z9", TokenSize/4),
			"http://" + strings.Repeat("h", 62) + "/" + strings.Repeat("p", MaxURL-70-3-TokenSize) + "/c/" + strings.Repeat("-", TokenSize-1),
		} {
			for _, id := range []string{"0", "1", "482913507", "4294967295"} {
				c := goodConfig()
				c.ID, c.Size, c.URL = id, size, url
				if err := c.Validate(); err != nil {
					t.Fatal(err)
				}
				for in, payload := range map[string][]byte{"params": AppendPush(nil, c), "data": AppendGetReply(nil, c)} {
					for name, read := range readers {
						got, err := read(payload, in)
						want := c
						want.ID = got.ID // the C SDKs do not look
						if got.ID != "" && got.ID != id || err != nil || got != want {
							t.Errorf("%s reads %s as %+v, %v; want %+v", name, payload, got, err, c)
						}
					}
				}
			}
		}
	}
}
