package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// format is JSON as this API speaks it.
//
// Read, it is strict: no name twice, names as they are written in the
// description, valid UTF-8, one value and nothing after it. Written, times
// are in UTC and have milliseconds at most, whatever they were made from.
var format = huma.Format{Marshal: writeJSON, Unmarshal: readJSON}

var written = json.JoinOptions(
	jsonv1.OmitEmptyWithLegacySemantics(true), // cota's types were tagged with these in mind
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, t time.Time) error {
		return enc.WriteToken(jsontext.String(t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)))
	})),
)

func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v, written)
	if err != nil {
		return err
	}
	// What cannot be written now has nobody to read it; the server sees to
	// the connection.
	_, _ = w.Write(append(text, '\n'))
	return nil
}

// readJSON says where a text goes wrong and never what stands there, which
// may be a secret.
func readJSON(text []byte, v any) error {
	err := json.Unmarshal(text, v, json.RejectUnknownMembers(true)) // huma takes names in any case
	if err == nil {
		return refuseNUL(text)
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return errors.New("a field is not written as in the description; mind capitals")
	case !ok:
		return errors.New("a value has the wrong type or is out of range")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("a name is there twice at %s", position(text, syntax.ByteOffset))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	}
	return fmt.Errorf("no valid JSON from %s on", position(text, syntax.ByteOffset))
}

// refuseNUL refuses a text with U+0000 in one of its strings: PostgreSQL
// stores no such string, and nothing here needs one.
func refuseNUL(text []byte) error {
	if !bytes.Contains(text, []byte(`\u0000`)) {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return nil // its end: the text was read before
		}
		if tok.Kind() == '"' && strings.ContainsRune(tok.String(), 0) {
			return fmt.Errorf("a string holds the character U+0000, before %s", position(text, dec.InputOffset()))
		}
	}
}

func position(text []byte, offset int64) string {
	before := text[:min(int(offset), len(text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	return fmt.Sprintf("line %d, column %d", line, column)
}
