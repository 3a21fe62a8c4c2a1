//! Tables that had another address before: `moved = "nodes.old"`.

use super::{Address, Ground, Lab};
use crate::config::Located;

/// A table that says what its address was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The address that it had.
    pub from: Located<Address>,
    /// The one that it has.
    pub to: Address,
}

impl Lab {
    /// The address that something had before the moves that the file tells of; none where it hasn't moved.
    pub fn formerly(&self, address: &Address) -> Option<Address> {
        // A table within a moved one may have moved by itself: the nearest counts.
        let nearest = self.moves.iter().filter(|moved| moved.to.covers(address));
        let nearest = nearest.max_by_key(|moved| moved.to.segments().len())?;
        address.rebased(&nearest.to, &nearest.from)
    }

    /// What a ground was called before.
    pub fn ground_formerly(&self, ground: &Ground) -> Ground {
        let (table, of): (_, fn(String) -> Ground) = match ground {
            Ground::Node(_) => ("nodes", Ground::Node),
            Ground::Cluster(_) => ("clusters", Ground::Cluster),
        };
        let former = self.formerly(&Address::new([table, ground.name()]));
        former.and_then(|former| former.segments().get(1).cloned()).map_or_else(|| ground.clone(), of)
    }
}
