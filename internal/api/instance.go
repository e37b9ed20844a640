package api

import (
	"cmp"
	"context"

	"github.com/cotahq/cota"
)

type instanceAnswer struct {
	cota.Instance
	Products int64 `json:"products"`
	Devices  int64 `json:"devices" doc:"registered"`
	Online   int64 `json:"online" doc:"connected now"`
	Running  int64 `json:"running" doc:"pushes on their way"`
}

type instanceList struct {
	Instances []instanceAnswer `json:"instances" nullable:"false"`
	Next      string           `json:"next,omitempty"`
}

// OfInstance names an instance.
type OfInstance struct {
	Instance string `path:"instance"`
}

func (s *server) instances(ctx context.Context, in *Page) (*reply[instanceList], error) {
	all, err := s.store.Instances(ctx, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(i cota.Instance) string { return i.ID })
	answers, err := s.holdings(ctx, page)
	return &reply[instanceList]{instanceList{answers, next}}, err
}

// holdings adds what they hold to a page of instances.
func (s *server) holdings(ctx context.Context, page []cota.Instance) ([]instanceAnswer, error) {
	if len(page) == 0 {
		return nil, nil
	}
	held, err := s.store.Holdings(ctx, page[0].ID, page[len(page)-1].ID)
	if err != nil {
		return nil, err
	}
	answers := make([]instanceAnswer, len(page))
	at := make(map[string]*instanceAnswer, len(page))
	for i := range page {
		answers[i].Instance = page[i]
		at[page[i].ID] = &answers[i]
	}
	for _, h := range held {
		a := at[h.Instance]
		if a == nil {
			continue // added since
		}
		a.Products++
		a.Devices += h.Devices
		a.Online += int64(s.online(h.Product))
		if h.Running {
			a.Running++
		}
	}
	return answers, nil
}

func (s *server) instance(ctx context.Context, in *OfInstance) (*reply[instanceAnswer], error) {
	i, err := s.store.Instance(ctx, in.Instance)
	if err != nil {
		return nil, err
	}
	answers, err := s.holdings(ctx, []cota.Instance{i})
	if err != nil {
		return nil, err
	}
	return &reply[instanceAnswer]{answers[0]}, nil
}

type newInstance struct {
	Body struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Environment string `json:"environment,omitempty" doc:"production unless said otherwise"`
	} `nameHint:"NewInstance"`
}

func (s *server) addInstance(ctx context.Context, in *newInstance) (*reply[instanceAnswer], error) {
	i, err := s.control.AddInstance(ctx, actor(ctx), cota.Instance{
		ID: in.Body.ID, Name: in.Body.Name, Environment: cmp.Or(in.Body.Environment, "production"),
	})
	return &reply[instanceAnswer]{instanceAnswer{Instance: i}}, err
}

type instancePatch struct {
	OfInstance
	Body struct {
		Name        *string `json:"name,omitempty"`
		Environment *string `json:"environment,omitempty"`
	} `nameHint:"InstancePatch"`
}

func (s *server) setInstance(ctx context.Context, in *instancePatch) (*reply[instanceAnswer], error) {
	i, err := s.store.Instance(ctx, in.Instance)
	if err != nil {
		return nil, err
	}
	if in.Body.Name == nil && in.Body.Environment == nil {
		return nil, errNoChange
	}
	if in.Body.Name != nil {
		i.Name = *in.Body.Name
	}
	if in.Body.Environment != nil {
		i.Environment = *in.Body.Environment
	}
	if err := s.control.SetInstance(ctx, actor(ctx), i); err != nil {
		return nil, err
	}
	return s.instance(ctx, &in.OfInstance)
}

// errNoChange refuses a patch that names nothing to change.
var errNoChange = cota.Errorf(cota.Invalid, "nothing to change; name at least one field")

func (s *server) removeInstance(ctx context.Context, in *OfInstance) (*nothing, error) {
	return &nothing{}, s.control.RemoveInstance(ctx, actor(ctx), in.Instance)
}
