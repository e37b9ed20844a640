package cota

import "strings"

// CheckPhone refuses anything but 5 to 15 digits, the international prefix +
// before them or not (ITU-T E.164).
func CheckPhone(phone string) error {
	digits := strings.TrimPrefix(phone, "+")
	ok := len(digits) >= 5 && len(digits) <= 15
	for i := 0; ok && i < len(digits); i++ {
		ok = '0' <= digits[i] && digits[i] <= '9'
	}
	if !ok {
		return Errorf(Invalid, "a phone number has 5 to 15 digits, with + and the country's code before them if it is not of the sender's country")
	}
	return nil
}

// MaskPhone hides the middle of a phone number as the vendor does:
// 138****0000. Of shorter numbers it shows less.
func MaskPhone(phone string) string {
	plus := ""
	digits, international := strings.CutPrefix(phone, "+")
	if national, ok := strings.CutPrefix(digits, "86"); international && ok && len(national) == 11 {
		digits, international = national, false
	}
	if international {
		plus = "+"
	}
	n := len(digits)
	if n == 0 {
		return ""
	}
	return plus + digits[:min(3, n*3/11)] + "****" + digits[n-min(4, n*4/11):]
}
