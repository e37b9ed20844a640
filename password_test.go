package cota_test

import (
	"strings"
	"testing"

	"github.com/cotahq/cota"
)

func TestCheckPassword(t *testing.T) {
	for password, want := range map[string]bool{
		"": false, "1234567": false, "correct": false, strings.Repeat("ab1 ", 65): false,
		"correct horse": true, strings.Repeat("correct horse ba", 16): true,

		// from lists of what was used most often elsewhere
		"password": false, "12345678": false, "123456789": false, "1234567890": false, "qwertyuiop": false, "1q2w3e4r": false, "1qaz2wsx": false,
		"iloveyou": false, "sunshine": false, "princess": false, "football": false, "trustno1": false, "11111111": false, "87654321": false, "00000000": false,
		"88888888": false, "12341234": false, "123123123": false, "asdfghjkl": false, "asdfasdf": false, "1q2w3e4r5t": false, "zaq12wsx": false, "abcd1234": false,
		"aa123456": false, "a123456789": false, "woaini1314": false, "5201314520": true, "147258369": false, "987654321": false, "qwer1234": false, "testtest": false,
		"changeme": false, "letmein1": false, "admin123": false, "adminadmin": false, "superman": false, "michael1": false, "jordan23": false, "liverpool1": false,

		// what people make of them when they must
		"Password": false, "PASSWORD1": false, "Password1!": false, "P@ssw0rd": false, "p@$$w0rd123": false, "Passw0rd2024!": false, "Welcome2024": false,
		"!!password!!": false, "123password": false, "Summer2026!": false, "Dr4g0n99": false, "abc123456789": false, "PasswordPassword": false,
		"admin@1234": false, "root1234": false, "Iloveyou<3": false, "qwerty!@#$%^&*": false, "$unshine": false, "aaaaaaaaaaaa": false, "abababababa": false,
		"ab12ab12ab12": false, "cotacota": false, "Cota2026": false, "zyxwvuts": false,

		// by the name of the account
		"grace.hopper": false, "Grace.Hopper1": false, "GRACE.HOPPER!!": false, "grace.hoppergrace.hopper": false,

		// which are better
		"dragonfly over the hill": true, "password of the day": true, "sunshine and rain": true, "abc84726251908374652": true, "tr0ub4dor&3": true,
		"correcthorsebatterystaple": true, "gracehopper's cat": true, "x7!kQ2#p": true, "12 monkeys, 3 dogs": true, "密码密码密码不是": true, "QWERTZ is a keyboard": true,
		"8675309-jenny-x": true, "ää  \x00测": true,
	} {
		err := cota.CheckPassword("grace.hopper", password)
		if got := err == nil; got != want {
			t.Errorf("CheckPassword(%q) = %v; want it taken: %t", password, err, want)
		}
		if err != nil && cota.CodeOf(err) != cota.Invalid {
			t.Errorf("CheckPassword(%q) = %v; want %s", password, err, cota.Invalid)
		}
	}
}
