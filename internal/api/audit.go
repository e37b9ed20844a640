package api

import (
	"context"

	"github.com/cotahq/cota"
)

type auditList struct {
	Entries []cota.AuditEntry `json:"entries" nullable:"false"`
	Next    string            `json:"next,omitempty"`
}

func (s *server) audit(ctx context.Context, in *NumberedPage) (*reply[auditList], error) {
	all, err := s.store.AuditLog(ctx, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(a cota.AuditEntry) string { return number(a.ID) })
	return &reply[auditList]{auditList{page, next}}, nil
}
