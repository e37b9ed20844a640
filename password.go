package cota

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Bounds of a password, in bytes. Long passwords beat odd ones, so nothing is
// said about its letters.
const (
	PasswordMin = 8
	PasswordMax = 256
)

// CheckPassword refuses a password of an account that is too short or too
// long, and one that whoever guesses tries first: a word of common-passwords.txt
// or the account's name, as it is, twice, with what people put before and
// after it, or with figures for letters; the same again and again; and a row
// of keys.
func CheckPassword(account, password string) error {
	if len(password) < PasswordMin || len(password) > PasswordMax {
		return Errorf(Invalid, "a password has %d to %d bytes", PasswordMin, PasswordMax)
	}
	if commonPassword(strings.ToLower(account), strings.ToLower(password)) {
		return Errorf(Invalid, "this password is among the first that are tried; take a few words that do not belong together, or have one made up")
	}
	return nil
}

func commonPassword(account, password string) bool {
	once := repeated(password)
	if len(once) <= maxRepeated && len(once) < len(password) || row(password) {
		return true
	}
	for _, text := range []string{once, strings.TrimLeftFunc(once, noLetter)} {
		if common(account, text) || common(account, trimTail(text)) {
			return true
		}
	}
	return false
}

// common reports whether a word is one that is tried first, or a single letter.
func common(account, word string) bool {
	letters := figures.Replace(word)
	return len(word) == 1 || word != "" && (word == account || commonWords()[word] || commonWords()[letters])
}

//go:embed common-passwords.txt
var commonPasswords string

var commonWords = sync.OnceValue(func() map[string]bool {
	words := make(map[string]bool)
	for word := range strings.FieldsSeq(commonPasswords) {
		words[word] = true
	}
	return words
})

// figures that stand for letters.
var figures = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

func noLetter(r rune) bool { return !unicode.IsLetter(r) }

// maxTail is how many figures and signs after a word make it no better than the
// word. A row of keys may be longer.
const maxTail = 6

// trimTail is a word without what people put after it.
func trimTail(word string) string {
	trimmed := strings.TrimRightFunc(word, noLetter)
	if tail := word[len(trimmed):]; len(tail) > maxTail && !row(tail) {
		return word
	}
	return trimmed
}

// maxRepeated is how much may be repeated, however often, and be no password.
const maxRepeated = 4

// repeated is what text repeats from its begin to its end; text, if nothing.
func repeated(text string) string {
	for size := 1; size <= len(text)/2; size++ {
		if strings.HasPrefix(text, strings.Repeat(text[:size], len(text)/size)) && strings.HasPrefix(text[:size], text[len(text)/size*size:]) {
			return text[:size]
		}
	}
	return text
}

// rows are keys as they lie side by side, and letters and figures in their
// order.
var rows = []string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm",
	"qwertyuiopasdfghjklzxcvbnm", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p", "!@#$%^&*()",
}

// row reports whether text goes along a row of keys, one way or the other.
func row(text string) bool {
	for _, keys := range rows {
		if strings.Contains(keys, text) || strings.Contains(backward(keys), text) {
			return true
		}
	}
	return false
}

func backward(text string) string {
	b := []byte(text)
	slices.Reverse(b)
	return string(b)
}
