//! Volumes: the block devices of a pool. They grow; shrinking cuts off data, and ZFS does it without a word.

use std::sync::Arc;

use super::marks::{self, Carrier};
use super::pool::Gone;
use super::read::Live;
use super::site::Host;
use super::survey;
use super::wanted::{Wanted, about, canonical};
use crate::lab::{Address, Lab, Node, Site, Size};
use crate::observe::{Ask, Reply};
use crate::plan::{Mark, Step, shell_line};

use super::super::{Kind, Leaving, Leftover, Resource, Surveyed};

/// The default of `volblocksize` since OpenZFS 2.2; the older 8 KiB divides it.
pub(super) const DEFAULT_BLOCK: u64 = 16 << 10;

/// `[pools.NAME.volumes]`.
pub(in super::super) struct Volumes;

impl Kind for Volumes {
    fn name(&self) -> &'static str {
        "zfs-volume"
    }

    fn about(&self) -> &'static str {
        "A block device of a ZFS pool, its size and properties; it grows, never shrinks, is never destroyed."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let sites = Host::all(lab);
        let mut resources = Vec::new();
        for pool in lab.pools.values() {
            let Some(site) = sites.get(&pool.node.value) else { continue };
            for (path, volume) in &pool.volumes {
                let wanted = Wanted {
                    site: Arc::clone(site),
                    carrier: Carrier::Volume,
                    name: format!("{}/{path}", pool.name),
                    properties: canonical(&volume.properties),
                    size: Some(volume.size.value),
                };
                let address = Address::new(["pools", &pool.name, "volumes", path]);
                resources.push(wanted.resource(address, &volume.meta));
            }
        }
        resources
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn carries_marks(&self) -> bool {
        true
    }

    fn asks(&self, _site: Site<'_>) -> Vec<Ask> {
        vec![marks::ask(Carrier::Volume)]
    }

    fn marked(&self, _site: Site<'_>, reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        marks::read(reply, Carrier::Volume)
    }

    fn mark_steps(&self, _site: Site<'_>, name: &str, mark: &Mark) -> Vec<Step> {
        vec![marks::write(name, mark)]
    }

    fn renaming(&self, from: &str, to: &str) -> Option<String> {
        Some(shell_line(["zfs", "rename", from, to]))
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        survey::asks()
    }

    fn survey(&self, _lab: &Lab, _node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::things(Carrier::Volume, reply)
    }
}

/// That a volume would get smaller, in words.
pub(super) fn shrinks(name: &str, now: Size, desired: Size) -> Option<String> {
    (desired < now).then(|| format!("`{name}` would shrink from {now} to {desired}"))
}

/// Why a volume can't get smaller, and how its data would get into a smaller one.
pub(super) fn shrink_fault(name: &str, live: &Live, desired: Size) -> Option<String> {
    let now = Size(live.number("volsize")?);
    shrinks(name, now, desired).map(|words| {
        let used = live.number("referenced").map_or_else(|| "an unknown part".to_owned(), about);
        format!(
            "{words}; {used} of it hold data, and ZFS would cut off what lies \
             behind without asking. Declare `size = \"{now}\"`; or migrate: declare a new volume of {desired} beside it, \
             copy what is inside (shrink its filesystem first), then exchange the two by `zfs rename`"
        )
    })
}

/// A size that ZFS would refuse, or, when it creates a volume, silently round up.
pub(super) fn block_fault(name: &str, size: Size, block: u64) -> Option<String> {
    if size.0 == 0 {
        return Some(format!("`{name}` would have no size"));
    }
    let rounded = size.0.checked_next_multiple_of(block)?;
    (rounded != size.0).then(|| {
        format!(
            "`{name}` would have {} bytes, which is no multiple of its block size of {}; the next is `size = \"{}\"`",
            size.0,
            Size(block),
            Size(rounded)
        )
    })
}

/// What grows with a volume and what doesn't.
pub(super) fn growth_notes(live: &Live) -> Vec<String> {
    let mut notes = vec![
        "what uses the volume is not told: a running guest sees the new size after `virsh blockresize`, a filesystem \
         grows by its own tool"
            .to_owned(),
    ];
    if live.number("refreservation").is_some_and(|bytes| bytes > 0) {
        notes.push("it is thick: ZFS raises `refreservation` with it".to_owned());
    }
    notes
}
