package api

import (
	"context"
	"encoding/pem"

	"github.com/cotahq/cota"
)

func (s *server) ca(ctx context.Context, in *OfProduct) (*reply[cota.CA], error) {
	if _, err := s.store.Product(ctx, in.Product); err != nil {
		return nil, err
	}
	all, err := s.store.CA(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	out := cota.CA{Certificates: []cota.Certificate{}}
	for _, c := range all {
		out.Certificates = append(out.Certificates, cota.DescribeCertificate(c))
		out.PEM += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	out.Revoked, err = s.store.CountRevoked(ctx, in.Product)
	return &reply[cota.CA]{out}, err
}

type newCA struct {
	OfProduct
	Body struct {
		PEM string `json:"pem" doc:"certificates of up to four CAs, each of which may issue those of devices"`
	} `nameHint:"NewCA"`
}

func (s *server) setCA(ctx context.Context, in *newCA) (*reply[cota.CA], error) {
	if err := s.control.SetCA(ctx, actor(ctx), in.Product, in.Body.PEM); err != nil {
		return nil, err
	}
	return s.ca(ctx, &in.OfProduct)
}

func (s *server) removeCA(ctx context.Context, in *OfProduct) (*nothing, error) {
	return &nothing{}, s.control.RemoveCA(ctx, actor(ctx), in.Product)
}

type revokedList struct {
	Serials []string `json:"serials" nullable:"false" doc:"in hexadecimal"`
	Next    string   `json:"next,omitempty"`
}

type revokedPage struct {
	OfProduct
	Page
}

func (s *server) revoked(ctx context.Context, in *revokedPage) (*reply[revokedList], error) {
	if _, err := s.store.Product(ctx, in.Product); err != nil {
		return nil, err
	}
	all, err := s.store.RevokedSerials(ctx, in.Product, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, in.Limit, func(serial string) string { return serial })
	return &reply[revokedList]{revokedList{page, next}}, nil
}

type moreRevoked struct {
	OfProduct
	Body struct {
		Serials []string `json:"serials" nullable:"false" doc:"serial numbers in hexadecimal, whichever CA of the product issued the certificates"`
	} `nameHint:"MoreRevoked"`
}

func (s *server) addRevoked(ctx context.Context, in *moreRevoked) (*reply[cota.CA], error) {
	if err := s.control.RevokeMore(ctx, actor(ctx), in.Product, in.Body.Serials); err != nil {
		return nil, err
	}
	return s.ca(ctx, &in.OfProduct)
}

type ofRevoked struct {
	OfProduct
	Serial string `path:"serial" doc:"in hexadecimal"`
}

func (s *server) removeRevoked(ctx context.Context, in *ofRevoked) (*nothing, error) {
	return &nothing{}, s.control.Unrevoke(ctx, actor(ctx), in.Product, in.Serial)
}

type newRevoked struct {
	OfProduct
	Body struct {
		Serials *[]string `json:"serials,omitempty" doc:"serial numbers in hexadecimal, whichever CA of the product issued the certificates"`
		CRL     string    `json:"crl,omitempty" doc:"a list that a CA of the product has signed, in PEM; in place of serials"`
	} `nameHint:"NewRevoked"`
}

func (s *server) setRevoked(ctx context.Context, in *newRevoked) (*reply[cota.CA], error) {
	b := in.Body
	var err error
	switch {
	case (b.Serials != nil) == (b.CRL != ""):
		err = cota.Errorf(cota.Invalid, "send either serials or crl")
	case b.Serials != nil:
		err = s.control.Revoke(ctx, actor(ctx), in.Product, *b.Serials)
	default:
		err = s.control.RevokeByCRL(ctx, actor(ctx), in.Product, b.CRL)
	}
	if err != nil {
		return nil, err
	}
	return s.ca(ctx, &in.OfProduct)
}
