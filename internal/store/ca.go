package store

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/cotahq/cota"
)

// SetCA replaces the certificates of the CAs that a product trusts; none: it
// trusts none.
func (tx *Tx) SetCA(ctx context.Context, product string, all []*x509.Certificate, now time.Time) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM product_ca WHERE product = $1`, product); err != nil {
		return err
	}
	for _, c := range all {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		_, err := tx.db.ExecContext(ctx, `
			INSERT INTO product_ca (product, fingerprint, subject, pem, added_at) VALUES ($1, $2, $3, $4, $5)`,
			product, cota.DescribeCertificate(c).Fingerprint, cota.IssuerID(c.RawSubject), string(text), millis(now))
		if err != nil {
			return err
		}
	}
	return nil
}

// CA is the certificates of the CAs that a product trusts, which may be none.
func (q queries) CA(ctx context.Context, product string) ([]*x509.Certificate, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT pem FROM product_ca WHERE product = $1 ORDER BY fingerprint`, product)
	return collect(rows, err, func(row scanner) (*x509.Certificate, error) {
		text, err := scanText(row)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, fmt.Errorf("a CA certificate of product %s is damaged", product)
		}
		return x509.ParseCertificate(block.Bytes)
	})
}

// ProductsTrusting lists up to limit products that trust a CA of this name (see
// cota.IssuerID), by key.
func (q queries) ProductsTrusting(ctx context.Context, subject string, limit int) ([]string, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT DISTINCT product FROM product_ca WHERE subject = $1 ORDER BY product LIMIT $2`, subject, limit)
	return collect(rows, err, scanText)
}

// revokedPage is how many certificates one INSERT revokes.
const revokedPage = 100

// SetRevoked replaces the list of a product's certificates that are revoked.
func (tx *Tx) SetRevoked(ctx context.Context, product string, all []cota.Revocation) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM revoked WHERE product = $1`, product); err != nil {
		return err
	}
	return tx.AddRevoked(ctx, product, all)
}

// AddRevoked adds to that list what is not in it yet.
func (tx *Tx) AddRevoked(ctx context.Context, product string, all []cota.Revocation) error {
	for page := all; len(page) > 0; page = page[min(len(page), revokedPage):] {
		n := min(len(page), revokedPage)
		args := make([]any, 0, 3*n)
		for _, r := range page[:n] {
			args = append(args, product, r.Serial, r.Issuer)
		}
		_, err := tx.db.ExecContext(ctx, `
			WITH v AS (VALUES `+tx.engine.values(1, n, "TEXT", "TEXT", "TEXT")+`)
			INSERT INTO revoked (product, serial, issuer) SELECT * FROM v WHERE TRUE
			ON CONFLICT (product, serial, issuer) DO NOTHING`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// RemoveRevoked takes a serial number off that list, whichever CA issued the
// certificate. It refuses with NotFound one that is not there.
func (tx *Tx) RemoveRevoked(ctx context.Context, product, serial string) error {
	res, err := tx.db.ExecContext(ctx, `DELETE FROM revoked WHERE product = $1 AND serial = $2`, product, serial)
	return must(res, err, "no certificate %s is revoked in product %s", serial, product)
}

// Revoked reports whether a product's list names a certificate of this serial
// number, issued by this CA or by whichever.
func (q queries) Revoked(ctx context.Context, product string, r cota.Revocation) (bool, error) {
	n, err := scanInt(q.db.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM revoked WHERE product = $1 AND serial = $2 AND issuer IN ('', $3)`, product, r.Serial, r.Issuer))
	return n > 0, err
}

// CountRevoked is how many certificates of a product are revoked.
func (q queries) CountRevoked(ctx context.Context, product string) (int64, error) {
	return scanInt(q.db.QueryRowContext(ctx, `SELECT COUNT(DISTINCT serial) FROM revoked WHERE product = $1`, product))
}

// RevokedSerials lists up to limit serial numbers of a product's revoked
// certificates after the given one, in the order of text.
func (q queries) RevokedSerials(ctx context.Context, product, after string, limit int) ([]string, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT DISTINCT serial FROM revoked WHERE product = $1 AND serial > $2 ORDER BY serial LIMIT $3`, product, after, limit)
	return collect(rows, err, scanText)
}
