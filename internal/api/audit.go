package api

import (
	"context"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

type auditList struct {
	Entries []cota.AuditEntry `json:"entries" nullable:"false"`
	Next    string            `json:"next,omitempty"`
}

type auditPage struct {
	NumberedPage
	Actor   string `query:"actor" doc:"only what this account or its tokens did"`
	Action  string `query:"action" doc:"only this, or what begins with it up to a dot, such as push for push.start"`
	Product string `query:"product" doc:"only what was done to this product or its devices"`
}

func (s *server) audit(ctx context.Context, in *auditPage) (*reply[auditList], error) {
	all, err := s.store.AuditLog(ctx, store.AuditFilter{Actor: in.Actor, Action: in.Action, Product: in.Product}, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(a cota.AuditEntry) string { return number(a.ID) })
	return &reply[auditList]{auditList{page, next}}, nil
}
