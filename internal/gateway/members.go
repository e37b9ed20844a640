package gateway

// members are the devices of a fleet, by id. The zero value is empty. There are
// many: that which finds one by its id holds nothing that the collector would
// have to follow, and what it has to follow stands in one table, about in the
// order in which they came.
type members struct {
	at  map[int64]int32 // place in all, by id
	all []member
}

func (m *members) get(id int64) (one member, here bool) {
	i, here := m.at[id]
	if !here {
		return member{}, false
	}
	return m.all[i], true
}

// put adds a device, in the place of the one that has its id, if there is one.
func (m *members) put(one member) (older member, again bool) {
	id := one.device.ID
	if i, here := m.at[id]; here {
		older, m.all[i] = m.all[i], one
		return older, true
	}
	if m.at == nil {
		m.at = make(map[int64]int32)
	}
	m.at[id] = int32(len(m.all))
	m.all = append(m.all, one)
	return member{}, false
}

// remove takes a device out, unless another has its id meanwhile. The last takes
// its place.
func (m *members) remove(one member) {
	i, here := m.at[one.device.ID]
	if !here || m.all[i] != one {
		return
	}
	end := len(m.all) - 1
	last := m.all[end]
	m.all[i], m.at[last.device.ID] = last, i
	m.all[end], m.all = member{}, m.all[:end]
	delete(m.at, one.device.ID)
}
