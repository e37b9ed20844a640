package gateway

import "iter"

// members are the devices of a fleet, by id. The zero value is empty. There are
// many, and the collector looks at them all: so a device with a connection of
// its own takes one pointer, to that, in a table that is about in the order in
// which they came, and what finds it there by its id holds none.
type members struct {
	at     map[int64]int32 // place in own, by id
	own    []*conn
	behind map[int64]member // gateways
}

func (m *members) get(id int64) (one member, here bool) {
	if i, here := m.at[id]; here {
		return m.own[i].member(), true
	}
	one, here = m.behind[id]
	return one, here
}

// put adds a device, in the place of the one that has its id, if there is one.
func (m *members) put(one member) (older member, again bool) {
	if m.at == nil {
		m.at, m.behind = make(map[int64]int32), make(map[int64]member)
	}
	if older, again = m.get(one.device.id); again {
		m.remove(older)
	}
	if !one.own() {
		m.behind[one.device.id] = one
		return older, again
	}
	m.at[one.device.id] = int32(len(m.own))
	m.own = append(m.own, one.conn)
	return older, again
}

// remove takes a device out, unless another has its id meanwhile.
func (m *members) remove(one member) {
	id := one.device.id
	switch was, here := m.get(id); {
	case !here || was != one:
	case one.own():
		m.take(m.at[id])
		delete(m.at, id)
	default:
		delete(m.behind, id)
	}
}

// take takes out what stands at a place. The last takes it.
func (m *members) take(i int32) {
	end := len(m.own) - 1
	last := m.own[end]
	m.own[i], m.at[last.device().id] = last, i
	m.own[end], m.own = nil, m.own[:end]
}

func (m *members) count() int { return len(m.own) + len(m.behind) }

func (m *members) all() iter.Seq[member] {
	return func(yield func(member) bool) {
		for _, c := range m.own {
			if !yield(c.member()) {
				return
			}
		}
		for _, one := range m.behind {
			if !yield(one) {
				return
			}
		}
	}
}
