package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Draft is a configuration to be saved.
type Draft struct {
	Content string
	Note    string
	// Base is the number of the version that the text was made from. Nil
	// saves whatever has come between.
	Base *int64
}

// SaveVersion saves a configuration as the product's current version: get
// answers with it from now on, pushed or not. It refuses text that is not a
// configuration (Invalid, TooLarge), text that equals the current version's
// (Unchanged), and a Base that is no longer current (Stale). Versions beyond
// the history's length are dropped, unless devices may still need them.
func (c *Control) SaveVersion(ctx context.Context, by Actor, product string, d Draft) (v cota.Version, err error) {
	if err := cota.CheckNote("the note", d.Note); err != nil {
		return v, err
	}
	release, err := c.hold(ctx, product)
	if err != nil {
		return v, err
	}
	defer release()
	err = c.change(ctx, by, "config.save", product, func(tx *store.Tx) (string, error) {
		p, err := tx.Product(ctx, product)
		if err != nil {
			return "", err
		}
		if err := CheckContent(d.Content, p.Policy.MaxBytes); err != nil {
			return "", err
		}
		if v, err = c.draft(ctx, tx, p, d); err != nil {
			return "", err
		}
		v.Author, v.CreatedAt = by.Name, time.Now()
		if err := tx.AddVersion(ctx, product, v); err != nil {
			return "", err
		}
		if err := tx.KeepVersions(ctx, product, v.CreatedAt.Add(p.Policy.Link()), p.Current); err != nil {
			return "", err
		}
		p.Current, p.UpdatedAt = v.Number, v.CreatedAt
		if err := tx.SetProduct(ctx, p); err != nil {
			return "", err
		}
		tx.Note(store.Note{Product: product})
		return fmt.Sprintf("version %d, %d bytes", v.Number, v.Size),
			tx.PruneVersions(ctx, product, v.Number-p.Policy.History, v.CreatedAt)
	})
	return v, c.taken(err, cota.Stale, "somebody else saved at the same moment; load the current version and compare")
}

// draft makes the version that d becomes.
func (c *Control) draft(ctx context.Context, tx *store.Tx, p cota.Product, d Draft) (cota.Version, error) {
	if d.Base != nil && *d.Base != p.Current {
		return cota.Version{}, cota.Errorf(cota.Stale,
			"version %d was saved since you loaded version %d; load it and compare", p.Current, *d.Base)
	}
	v := cota.Version{
		Number: p.Current + 1, ConfigID: cota.NewConfigID(), Content: d.Content,
		SHA256: cota.Digest(d.Content), Size: int64(len(d.Content)), Note: d.Note,
	}
	if p.Current == 0 {
		return v, nil
	}
	current, err := tx.Version(ctx, p.Key, p.Current)
	if err != nil {
		return v, err
	}
	if current.Content == d.Content {
		return v, cota.Errorf(cota.Unchanged, "the text equals the current version %d; nothing was saved", p.Current)
	}
	return v, nil
}
