package alink

import "strconv"

// Steps of a Progress below zero are failures ("OTA updates").
const (
	StepUpgradeFailed      = -1
	StepDownloadFailed     = -2
	StepVerificationFailed = -3
	StepBurnFailed         = -4 // the file could not be written or applied
	StepDone               = 100
)

// Progress is a device's word on a file it was told to fetch. It is the
// firmware message of "OTA updates", but the C SDKs send it for configurations
// too, and it is all that they ever send (field).
type Progress struct {
	ID     string // "" if there was none, or none that is plain text
	Step   int    // 0 to 100 per cent, or one of the failures
	Desc   string // at most MaxText bytes, on one line
	Module string // set by devices that mean a firmware module
}

// Done reports whether the file was fetched, verified and taken.
func (p Progress) Done() bool { return p.Step == StepDone }

// Failure says what went wrong; "" if nothing did.
func (p Progress) Failure() string {
	switch p.Step {
	case StepUpgradeFailed:
		return "upgrade failed"
	case StepDownloadFailed:
		return "download failed"
	case StepVerificationFailed:
		return "verification failed"
	case StepBurnFailed:
		return "burn failed"
	}
	return ""
}

var errProgressStep = &Error{CodeBadParameters, "progress: step is not a number from -4 to 100"}

// DecodeProgress reads the payload of an OTAProgress. The step may be a number
// or a string of digits.
func DecodeProgress(payload []byte) (Progress, error) {
	if err := checkObject(payload); err != nil {
		return Progress{}, err
	}
	var p Progress
	stepped := false
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			p.ID, _ = identifier(value)
		case "params":
			p = Progress{ID: p.ID}
			stepped = false
			for name, value := range members(value) {
				switch string(name) {
				case "step":
					p.Step, stepped = step(value)
				case "desc":
					p.Desc = line(value)
				case "module":
					p.Module = line(value)
				}
			}
		}
	}
	if !stepped {
		return p, errProgressStep
	}
	return p, nil
}

func step(value []byte) (int, bool) {
	n, ok := integer(value)
	if !ok || n < StepBurnFailed || n > StepDone {
		return 0, false
	}
	return int(n), true
}

// AppendProgress appends a device's progress as the C SDKs write it.
func AppendProgress(dst []byte, p Progress) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, p.ID)
	dst = append(dst, `,"params":{"step":"`...)
	dst = strconv.AppendInt(dst, int64(p.Step), 10)
	dst = append(dst, `","desc":`...)
	dst = appendText(dst, cut(p.Desc, MaxText))
	if p.Module != "" {
		dst = append(dst, `,"module":`...)
		dst = appendText(dst, p.Module)
	}
	return append(dst, "}}"...)
}
