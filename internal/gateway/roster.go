package gateway

// roster is a list of connections. It takes little more than a word of each, and
// the collector looks at that one: there are many.
type roster []*conn

func (r *roster) add(c *conn) {
	*r = append(*r, c)
	c.at = len(*r)
}

// remove takes a connection out, and reports whether it was in. The last takes
// its place.
func (r *roster) remove(c *conn) bool {
	if c.at == 0 {
		return false
	}
	all := *r
	last := len(all) - 1
	all[c.at-1], all[last].at = all[last], c.at
	all[last], c.at = nil, 0
	*r = all[:last]
	return true
}
