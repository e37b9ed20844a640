package cota

import "time"

// Push is one Batch Update: a version on its way to every device of its
// product. The six counts add up to Total: each device stands on one rung.
type Push struct {
	No          int64     `json:"no"`
	Product     string    `json:"productKey"`
	ProductName string    `json:"productName"`
	Version     int64     `json:"version"`
	State       PushState `json:"state"`
	Counts
	StartedBy string     `json:"startedBy"`
	StartedAt time.Time  `json:"startedAt"`
	EndedAt   *time.Time `json:"endedAt"`
	Reason    string     `json:"reason"` // why it was stopped
}

// Milestone is the time at which Percent in a hundred of a push's devices had
// applied it.
type Milestone struct {
	Percent int       `json:"percent"`
	At      time.Time `json:"at"`
}

// Counts says how many devices stand on each rung.
type Counts struct {
	Total    int64 `json:"total"`
	Pending  int64 `json:"pending"`
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Fetched  int64 `json:"fetched"`
	Applied  int64 `json:"applied"`
	Failed   int64 `json:"failed"`
}

// Moved is how many devices were told anything at all.
func (c Counts) Moved() int64 { return c.Total - c.Pending }

// Done is how many devices have reached an end: applied or failed.
func (c Counts) Done() int64 { return c.Applied + c.Failed }

// PushState is the life of a push. A running push ends in one of the other
// three; nothing comes after.
type PushState string

const (
	Running    PushState = "running"
	Completed  PushState = "completed"  // every device applied or failed
	Stopped    PushState = "stopped"    // by an operator, or by the switch
	Superseded PushState = "superseded" // a newer push took its place
)
