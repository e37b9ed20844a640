package alink

import "strconv"

// State is what became of a configuration on a device.
type State string

const (
	Applied  State = "applied"  // it is in force
	Failed   State = "failed"   // it was not taken; the one before is in force
	Reverted State = "reverted" // it was in force and was taken back
)

// Report is a device saying what became of a configuration, method
// thing.config.report. This is cota's own: the vendor's protocol has no such
// message, so stock SDKs never send it.
type Report struct {
	ID       string
	Silent   bool // sys.ack is 0: the device wants no answer
	ConfigID string
	State    State
	Code     Code   // the device's own, 0 if it gives none
	Message  string // at most MaxText bytes, on one line
}

var (
	errReportID     = &Error{CodeBadParameters, "report: id is not plain text or a number"}
	errReportConfig = &Error{CodeBadParameters, "report: no configId, or not plain text"}
	errReportState  = &Error{CodeBadParameters, "report: state is not applied, failed or reverted"}
	errReportCode   = &Error{CodeBadParameters, "report: code is not a number"}
)

// DecodeReport reads the payload of a ConfigReport. configId and state are
// required. With an error the Report holds as much as is needed to answer it.
func DecodeReport(payload []byte) (Report, error) {
	if err := checkObject(payload); err != nil {
		return Report{}, err
	}
	var r Report
	plainID, numeric := true, true
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			r.ID, plainID = identifier(value)
		case "sys":
			r.Silent = silent(value)
		case "params":
			r = Report{ID: r.ID, Silent: r.Silent}
			numeric = true
			for name, value := range members(value) {
				switch string(name) {
				case "configId":
					r.ConfigID, _ = identifier(value)
				case "state":
					r.State = state(value)
				case "code":
					r.Code, numeric = code(value)
				case "message":
					r.Message = line(value)
				}
			}
		}
	}
	switch {
	case !plainID:
		return r, errReportID
	case r.ConfigID == "":
		return r, errReportConfig
	case r.State == "":
		return r, errReportState
	case !numeric:
		return r, errReportCode
	}
	return r, nil
}

func state(value []byte) State {
	switch string(value) {
	case `"applied"`:
		return Applied
	case `"failed"`:
		return Failed
	case `"reverted"`:
		return Reverted
	}
	return ""
}

// AppendReport appends a device's report. Its message is cut to MaxText bytes,
// and left out if empty, as is a code of 0.
func AppendReport(dst []byte, r Report) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, r.ID)
	dst = append(dst, `,"version":"1.0",`...)
	dst = appendSys(dst, r.Silent)
	dst = append(dst, `"params":{"configId":`...)
	dst = appendText(dst, r.ConfigID)
	dst = append(dst, `,"state":`...)
	dst = appendText(dst, string(r.State))
	if r.Code != 0 {
		dst = append(dst, `,"code":`...)
		dst = strconv.AppendInt(dst, int64(r.Code), 10)
	}
	if r.Message != "" {
		dst = append(dst, `,"message":`...)
		dst = appendText(dst, cut(r.Message, MaxText))
	}
	return append(dst, `},"method":"thing.config.report"}`...)
}
