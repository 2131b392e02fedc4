// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// renew puts the new value ids into the operands of a plain record. A summary's own
// value and module have their new ids already.
func (x *Index) renew(r *record, p *plan) error {
	ops := x.ops[r.from:r.to]
	if len(ops) < p.leads {
		return endsBefore(r, p, &p.fields[len(ops)])
	}
	for _, at := range p.values {
		if f := &p.fields[at]; f.is == isValue || ops[at] != 0 {
			if !x.renewValue(&ops[at]) {
				return undefined(r, p, f, ops[at])
			}
		}
	}
	rows := ops[p.leads:]
	for i := range p.sections {
		s := &p.sections[i]
		n := len(rows)
		if s.count >= 0 {
			if count := ops[s.count]; count > uint64(n/s.width) {
				return endsBefore(r, p, &s.of[0])
			}
			n = int(ops[s.count]) * s.width
		}
		if over := n % s.width; over != 0 {
			return endsBefore(r, p, &s.of[over])
		}
		for at := s.value; s.value >= 0 && at < n; at += s.width {
			if !x.renewValue(&rows[at]) {
				return undefined(r, p, &s.of[s.value], rows[at])
			}
		}
		rows = rows[n:]
	}
	if len(rows) > 0 {
		return notUnderstood(r.at, "%s with %d operands too many", p.name, len(rows))
	}
	return nil
}

// renewValue replaces a value id, unless it is not defined.
func (n *numbering) renewValue(id *uint64) bool {
	if *id >= uint64(len(n.values)) || n.values[*id] == 0 {
		return false
	}
	*id = uint64(n.values[*id])
	return true
}

func endsBefore(r *record, p *plan, f *field) error {
	return notUnderstood(r.at, "%s that ends in front of its %s", p.name, f.name)
}

func undefined(r *record, p *plan, f *field, id uint64) error {
	return notUnderstood(r.at, "%s whose %s %d is not defined", p.name, f.name, id)
}
