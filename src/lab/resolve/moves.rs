//! `moved`: what a table was called before.

use std::collections::BTreeMap;

use super::Resolver;
use crate::config::{Code, Located, Place};
use crate::lab::{Address, Lab, Moved};

impl Resolver<'_> {
    /// The moves that the tables tell of.
    pub(super) fn moves(&mut self, lab: &Lab) -> Vec<Moved> {
        let file = self.file;
        let mut said: BTreeMap<Address, Located<Address>> = BTreeMap::new();
        for (name, table) in file.nodes.iter() {
            said.extend(table.moved.iter().map(|from| (Address::new(["nodes", &name.value]), from.clone())));
        }
        for (name, table) in file.services.iter() {
            said.extend(table.meta().moved.map(|from| (Address::new(["services", &name.value]), from)));
        }
        let declared = lab.addresses();
        let of_resources = declared.iter().filter(|(address, _)| *address == address.table());
        said.extend(of_resources.filter_map(|(address, meta)| Some((address.clone(), (*meta)?.moved.clone()?))));
        let mut moves: Vec<Moved> = Vec::new();
        for (to, from) in said {
            let is_there = |address: &Address| *address == from.value || from.value.covers(address);
            let is_service = |name: &str| file.services.declares(name);
            let segments = from.value.segments();
            let is_declared = declared.iter().any(|(address, _)| is_there(address))
                || matches!(segments, [table, name] if table == "services" && is_service(name));
            if !are_alike(&to, &from.value) {
                let summary = format!("`{to}` can't have been `{}`", from.value);
                let help = "write the address that this very table had: of the same sort, at the same depth";
                self.fault(Code::Contradiction, summary, &from.place, "another sort of table", help);
            } else if is_declared {
                let summary = format!("`{to}` is said to have been `{}`, which is still declared", from.value);
                let help = "take `moved` out, or the other table";
                self.fault(Code::Contradiction, summary, &from.place, "still declared", help);
            } else if let Some(other) = moves.iter().find(|moved| moved.from.value == from.value) {
                let place: Place = other.from.place.clone();
                let summary = format!("both `{}` and `{to}` are said to have been `{}`", other.to, from.value);
                self.fault(
                    Code::Contradiction,
                    summary,
                    &from.place,
                    "said a second time",
                    "one of the two is another thing",
                );
                if let Some(fault) = self.faults.last_mut() {
                    *fault = fault.clone().also(place, "said here first");
                }
            } else {
                moves.push(Moved { from, to });
            }
        }
        moves
    }
}

/// Whether both are tables of one sort: `pools.a.volumes.x` and `pools.b.volumes.y`.
fn are_alike(to: &Address, from: &Address) -> bool {
    let (to_parts, from_parts) = (to.segments(), from.segments());
    let sorts = to_parts.iter().zip(from_parts).step_by(2);
    *from == from.table() && to_parts.len() == from_parts.len() && sorts.into_iter().all(|(to, from)| to == from)
}
