package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// FirstAccount is the name of the administrator that a new server begins
// with.
const FirstAccount = "admin"

// EnsureAdmin adds the first administrator to a server without accounts and
// says whether it did.
func (c *Control) EnsureAdmin(ctx context.Context, password string) (added bool, err error) {
	there, err := c.store.Accounts(ctx, "", 1)
	if err != nil || len(there) > 0 {
		return false, err
	}
	err = c.AddAccount(ctx, System, cota.Account{Name: FirstAccount, Role: cota.Admin}, password)
	if cota.CodeOf(err) == cota.Exists {
		return false, nil // another node was faster
	}
	return err == nil, err
}

// AddAccount adds an account. Its Phone, if it has one, is the whole number
// here: whoever adds it vouches for it.
func (c *Control) AddAccount(ctx context.Context, by Actor, a cota.Account, password string) error {
	if err := cota.CheckAccountName(a.Name); err != nil {
		return err
	}
	if err := checkRole(a.Role); err != nil {
		return err
	}
	if err := cota.CheckPassword(a.Name, password); err != nil {
		return err
	}
	if a.Phone != "" {
		if err := c.mayVouch(ctx, by, a.Phone); err != nil {
			return err
		}
	}
	hash, err := c.hashPassword(ctx, password)
	if err != nil {
		return err
	}
	a.CreatedAt = time.Now()
	err = c.change(ctx, by, "account.add", a.Name, func(tx *store.Tx) (string, error) {
		if err := tx.AddAccount(ctx, a, hash); err != nil || a.Phone == "" {
			return a.Role.String(), err
		}
		return a.Role.String() + ", phone " + cota.MaskPhone(a.Phone), tx.SetProofs(ctx, a.Name, store.Proofs{Phone: a.Phone})
	})
	return c.taken(err, cota.Exists, "account %s is there already", a.Name)
}

func checkRole(r cota.Role) error {
	_, err := cota.ParseRole(r.String())
	return err
}

// AccountPatch changes what is not nil.
type AccountPatch struct {
	Role     *cota.Role
	Disabled *bool
	Password *string
	Phone    *string // the whole number; "" takes it away
}

// SetAccount changes an account. Whatever is changed, its sessions end; with
// the password or the phone goes where it was trusted. The last administrator
// can neither be demoted nor disabled.
func (c *Control) SetAccount(ctx context.Context, by Actor, name string, patch AccountPatch) (a cota.Account, err error) {
	if patch.Phone != nil {
		if err := c.mayVouch(ctx, by, *patch.Phone); err != nil {
			return a, err
		}
	}
	if patch.Role != nil {
		if err := checkRole(*patch.Role); err != nil {
			return a, err
		}
	}
	hash := ""
	if patch.Password != nil {
		if err := cota.CheckPassword(name, *patch.Password); err != nil {
			return a, err
		}
		if hash, err = c.hashPassword(ctx, *patch.Password); err != nil {
			return a, err
		}
	}
	err = c.change(ctx, by, "account.set", name, func(tx *store.Tx) (detail string, err error) {
		if a, err = tx.Account(ctx, name); err != nil {
			return "", err
		}
		if hash != "" {
			detail = "new password "
			if err := tx.SetPassword(ctx, name, hash); err != nil {
				return "", err
			}
		}
		if patch.Phone != nil {
			detail += "new phone "
			if err := setPhone(ctx, tx, name, *patch.Phone); err != nil {
				return "", err
			}
			a.Phone = cota.MaskPhone(*patch.Phone)
		}
		if hash != "" || patch.Phone != nil {
			if err := tx.RemoveTrust(ctx, name); err != nil {
				return "", err
			}
		}
		if patch.Role != nil {
			a.Role = *patch.Role
		}
		if patch.Disabled != nil {
			a.Disabled = *patch.Disabled
		}
		if err := tx.SetAccount(ctx, a); err != nil {
			return "", err
		}
		if err := tx.RemoveSessions(ctx, name); err != nil {
			return "", err
		}
		return detail + fmt.Sprintf("role %s, disabled %t", a.Role, a.Disabled), keepAnAdmin(ctx, tx)
	})
	return a, err
}

// RemoveAccount removes an account with its sessions and tokens. The last
// administrator stays.
func (c *Control) RemoveAccount(ctx context.Context, by Actor, name string) error {
	return c.change(ctx, by, "account.remove", name, func(tx *store.Tx) (string, error) {
		if err := tx.RemoveAccount(ctx, name); err != nil {
			return "", err
		}
		return "", keepAnAdmin(ctx, tx)
	})
}

func keepAnAdmin(ctx context.Context, tx *store.Tx) error {
	n, err := tx.CountAdmins(ctx)
	if err == nil && n == 0 {
		return cota.Errorf(cota.InUse, "this is the last administrator; make another one first")
	}
	return err
}

// ChangePassword changes the actor's own password, given the old one. All of
// the account's sessions end.
func (c *Control) ChangePassword(ctx context.Context, by Actor, old, new string) error {
	_, err := c.checkLogin(ctx, by.Account, old)
	if cota.CodeOf(err) == cota.Unauthenticated {
		return cota.Errorf(cota.WrongPassword, "that is not the password so far")
	}
	if err != nil {
		return err
	}
	_, err = c.SetAccount(ctx, by, by.Account, AccountPatch{Password: &new})
	return err
}
