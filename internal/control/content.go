package control

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cotahq/cota"
)

// maxDepth bounds the nesting of a configuration; parsers on small devices
// recurse.
const maxDepth = 64

// CheckContent refuses a configuration that is not one JSON object or array
// in valid UTF-8 without repeated names, or that has more than max bytes. The
// message says where and what.
func CheckContent(content string, max int64) error {
	if int64(len(content)) > max {
		return cota.Errorf(cota.TooLarge, "the configuration has %d bytes; at most %d are allowed", len(content), max)
	}
	dec := jsontext.NewDecoder(strings.NewReader(content))
	for first := true; ; first = false {
		tok, err := dec.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF):
			return cota.Errorf(cota.Invalid, "line 1, column 1: the configuration is empty; it must be a JSON object or array")
		case err != nil:
			return syntaxError(content, err, dec.InputOffset())
		case dec.StackDepth() > maxDepth:
			return at(content, dec.InputOffset()-1, "nested deeper than %d levels", maxDepth)
		case dec.StackDepth() == 0 && tok.Kind() != '}' && tok.Kind() != ']':
			blank := len(content) - len(strings.TrimLeft(content, " \t\r\n"))
			return at(content, int64(blank), "the configuration must be a JSON object or array")
		}
		if dec.StackDepth() == 0 {
			return nothingFollows(content, dec)
		}
	}
}

func nothingFollows(content string, dec *jsontext.Decoder) error {
	end := dec.InputOffset()
	if rest := strings.TrimLeft(content[end:], " \t\r\n"); rest != "" {
		return at(content, int64(len(content)-len(rest)), "more text after the end of the configuration")
	}
	return nil
}

func syntaxError(content string, err error, offset int64) error {
	what := err.Error()
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = e.ByteOffset
		what = e.Err.Error()
		if errors.Is(e.Err, io.ErrUnexpectedEOF) {
			what = "the text ends too early"
		}
	}
	return at(content, offset, "%s", what)
}

// at is a refusal that begins with the line and column of an offset. Columns
// count characters.
func at(content string, offset int64, format string, args ...any) error {
	before := content[:min(int(offset), len(content))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):])
	e := cota.Errorf(cota.Invalid, format, args...)
	return cota.Errorf(cota.Invalid, "line %d, column %d: %s", line, column, e.Msg)
}
