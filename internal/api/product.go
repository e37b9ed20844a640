package api

import (
	"cmp"
	"context"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

type productAnswer struct {
	cota.Product
	Online int64 `json:"online" doc:"devices connected now"`
}

// listedProduct is a product with its last push, for which a list would have
// to ask for each.
type listedProduct struct {
	productAnswer
	LastPush *cota.Push `json:"lastPush" doc:"null if there was none"`
}

type productList struct {
	Products []listedProduct `json:"products" nullable:"false"`
	Next     string          `json:"next,omitempty"`
}

func (s *server) productAnswer(p cota.Product) productAnswer {
	return productAnswer{p, int64(s.online(p.Key))}
}

type productPage struct {
	Page
	Instance string `query:"instance" doc:"only those of this instance"`
	Search   string `query:"q" maxLength:"128" doc:"only those with this in their name, or at the beginning of their key"`
}

func (s *server) products(ctx context.Context, in *productPage) (*reply[productList], error) {
	if in.Instance != "" {
		if _, err := s.store.Instance(ctx, in.Instance); err != nil {
			return nil, err
		}
	}
	all, err := s.store.Products(ctx, store.ProductFilter{Instance: in.Instance, Search: in.Search}, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(p cota.Product) string { return p.Key })
	list := productList{Next: next}
	if len(page) == 0 {
		return &reply[productList]{list}, nil
	}
	last, err := s.store.LastPushes(ctx, page[0].Key, page[len(page)-1].Key)
	if err != nil {
		return nil, err
	}
	for _, p := range page {
		one := listedProduct{productAnswer: s.productAnswer(p)}
		if push, ok := last[p.Key]; ok {
			one.LastPush = &push
		}
		list.Products = append(list.Products, one)
	}
	return &reply[productList]{list}, nil
}

func (s *server) product(ctx context.Context, in *OfProduct) (*reply[productAnswer], error) {
	p, err := s.store.Product(ctx, in.Product)
	return &reply[productAnswer]{s.productAnswer(p)}, err
}

type newProduct struct {
	Body struct {
		Name     string `json:"name"`
		Instance string `json:"instance,omitempty" doc:"default unless said otherwise"`
		Key      string `json:"productKey,omitempty" doc:"that its devices have already; made if left out"`
		Secret   string `json:"productSecret,omitempty" doc:"that its devices have already; made if left out"`
	} `nameHint:"NewProduct"`
}

type addedProduct struct {
	cota.Product
	Online int64  `json:"online"`
	Secret string `json:"productSecret" doc:"shown this once"`
}

func (s *server) addProduct(ctx context.Context, in *newProduct) (*reply[addedProduct], error) {
	instance := cmp.Or(in.Body.Instance, cota.DefaultInstance)
	p, secret, err := s.control.ImportProduct(ctx, actor(ctx), instance, in.Body.Name, in.Body.Key, in.Body.Secret)
	return &reply[addedProduct]{addedProduct{Product: p, Secret: secret}}, err
}

type productPatch struct {
	OfProduct
	Body struct {
		Name                   *string `json:"name,omitempty"`
		DynamicRegistration    *bool   `json:"dynamicRegistration,omitempty" doc:"let listed devices get their secrets by the ProductSecret; needs the role publisher"`
		WithoutPreRegistration *bool   `json:"withoutPreRegistration,omitempty" doc:"let devices that are not listed do so as well; needs the role publisher"`
	} `nameHint:"ProductPatch"`
}

func (s *server) setProduct(ctx context.Context, in *productPatch) (*reply[productAnswer], error) {
	b, by := in.Body, actor(ctx)
	register := b.DynamicRegistration != nil || b.WithoutPreRegistration != nil
	if b.Name == nil && !register {
		return nil, errNoChange
	}
	if register { // first: it may be refused
		if err := need(by, cota.Publisher, "dynamic registration"); err != nil {
			return nil, err
		}
		if _, err := s.control.SetRegistration(ctx, by, in.Product, b.DynamicRegistration, b.WithoutPreRegistration); err != nil {
			return nil, err
		}
	}
	if b.Name != nil {
		if _, err := s.control.RenameProduct(ctx, by, in.Product, *b.Name); err != nil {
			return nil, err
		}
	}
	return s.product(ctx, &in.OfProduct)
}

func (s *server) removeProduct(ctx context.Context, in *OfProduct) (*nothing, error) {
	return &nothing{}, s.control.RemoveProduct(ctx, actor(ctx), in.Product)
}
