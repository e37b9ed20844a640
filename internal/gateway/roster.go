package gateway

// roster is a list of connections. It takes two words of each and nothing
// beside: there are many.
type roster struct{ first *conn }

// neighbours are between whom a connection stands in a roster, whose guard is
// theirs.
type neighbours struct{ next, prev *conn }

func (r *roster) add(c *conn) {
	c.near = neighbours{next: r.first}
	if r.first != nil {
		r.first.near.prev = c
	}
	r.first = c
}

// remove takes a connection out, and reports whether it was in.
func (r *roster) remove(c *conn) bool {
	at := c.near
	switch {
	case at.prev != nil:
		at.prev.near.next = at.next
	case r.first == c:
		r.first = at.next
	default:
		return false
	}
	if at.next != nil {
		at.next.near.prev = at.prev
	}
	c.near = neighbours{}
	return true
}

// all are the connections as they are now.
func (r *roster) all() (all []*conn) {
	for c := r.first; c != nil; c = c.near.next {
		all = append(all, c)
	}
	return all
}
