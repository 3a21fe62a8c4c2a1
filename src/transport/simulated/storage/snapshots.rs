//! Snapshots: taken, listed, held, ended. Nothing is written over in a simulated dataset, so that one holds what its
//! dataset held.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Row, Storage, pool_of, row};

/// A snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Snapshot {
    settings: BTreeMap<String, String>,
    holds: u64,
    /// A volume's size when it was taken; 0 of a filesystem.
    size: u64,
    /// Seconds since 1970, by the machine's wall clock.
    taken: u64,
    number: u64,
    /// Who holds it.
    holders: BTreeSet<String>,
}

impl Storage {
    fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        let (dataset, short) = name.split_once('@')?;
        self.get(dataset)?.snapshots.get(short)
    }

    /// The snapshots of one dataset, by their full names, in the order in which they were taken.
    pub(in super::super) fn snapshot_names(&self, dataset: &str) -> Vec<String> {
        let mut all: Vec<_> = self.get(dataset).into_iter().flat_map(|it| &it.snapshots).collect();
        all.sort_by_key(|(_, snapshot)| snapshot.number);
        all.into_iter().map(|(short, _)| format!("{dataset}@{short}")).collect()
    }

    /// All that labctl did not take, with the bytes that they hold.
    pub(super) fn of_others(&self) -> impl Iterator<Item = (String, u64)> {
        let all = self.datasets.iter().flat_map(|(name, it)| it.snapshots.iter().map(move |of| (name, of)));
        let of_others = all.filter(|(_, (_, snapshot))| !snapshot.settings.contains_key("labctl:before"));
        of_others.map(|(name, (short, snapshot))| (format!("{name}@{short}"), snapshot.holds))
    }

    /// `zfs snapshot`.
    pub(in super::super) fn take_snapshot(
        &mut self,
        name: &str,
        settings: &[(&str, &str)],
        now: u64,
    ) -> Result<(), String> {
        let refused = |why: &str| Err(format!("cannot create snapshot '{name}': {why}"));
        let Some((dataset, short)) = name.split_once('@') else {
            return refused("missing '@' delimiter in snapshot name");
        };
        let Some(it) = self.get(dataset) else {
            return Err(format!("cannot open '{dataset}': dataset does not exist"));
        };
        if it.snapshots.contains_key(short) {
            return refused("dataset already exists");
        }
        // Room for all that is reserved is kept beside what the snapshot holds from now on.
        if it.own().min(it.number_of("refreservation")) > self.free(pool_of(dataset)) {
            return refused("out of space");
        }
        let mut kept = BTreeMap::new();
        for (property, text) in settings {
            let value = self.checked(dataset, property, text, it.is_volume, true).map_err(|why| refused(&why));
            match value {
                Ok(value) => drop(kept.insert((*property).to_owned(), value)),
                Err(refused) => return refused,
            }
        }
        let (holds, size) = (it.holds, it.number_of("volsize"));
        self.next += 1;
        let number = self.next;
        let snapshot = Snapshot { settings: kept, holds, size, taken: now, number, holders: BTreeSet::new() };
        if let Some(it) = self.datasets.get_mut(dataset) {
            it.snapshots.insert(short.to_owned(), snapshot);
        }
        Ok(())
    }

    /// All lines of `zfs get all`.
    pub(in super::super) fn snapshot_rows(&self, name: &str) -> Vec<Row> {
        let (Some(snapshot), Some((dataset, _))) = (self.snapshot(name), name.split_once('@')) else {
            return Vec::new();
        };
        let mut rows: Vec<Row> = [
            ("type", "snapshot".to_owned()),
            ("creation", snapshot.taken.to_string()),
            ("used", "0".to_owned()),
            ("referenced", snapshot.holds.to_string()),
            ("createtxg", (snapshot.number * 10).to_string()),
            ("guid", (0x5eed_0000 + snapshot.number).to_string()),
            ("userrefs", snapshot.holders.len().to_string()),
            ("clones", "-".to_owned()),
        ]
        .into_iter()
        .map(|(property, value)| row(property, value, "-"))
        .collect();
        if snapshot.size > 0 {
            rows.push(row("volsize", snapshot.size.to_string(), "local"));
        }
        let inherited =
            self.user_rows(dataset).into_iter().filter(|row| !snapshot.settings.contains_key(&row.property));
        rows.extend(inherited.map(|it| match it.source.as_str() {
            "local" => Row { source: format!("inherited from {dataset}"), ..it },
            _ => it,
        }));
        rows.extend(snapshot.settings.iter().map(|(property, value)| row(property, value, "local")));
        rows
    }

    /// `zfs hold`.
    pub(in super::super) fn hold(&mut self, tag: &str, name: &str) -> Result<(), String> {
        let found = name.split_once('@').and_then(|(dataset, short)| {
            self.datasets.get_mut(dataset).and_then(|dataset| dataset.snapshots.get_mut(short))
        });
        match found {
            Some(snapshot) => {
                let is_new = snapshot.holders.insert(tag.to_owned());
                let refused = || format!("cannot hold snapshot '{name}': tag already exists on this dataset");
                is_new.then_some(()).ok_or_else(refused)
            }
            None => Err(format!("cannot open '{name}': dataset does not exist")),
        }
    }

    /// `zfs destroy` of a snapshot.
    pub(in super::super) fn destroy_snapshot(&mut self, name: &str) -> Result<(), String> {
        match self.snapshot(name) {
            None => return Err("could not find any snapshots to destroy; check snapshot names.".to_owned()),
            Some(snapshot) if !snapshot.holders.is_empty() => {
                return Err(format!(
                    "cannot destroy snapshot {name}: it's being held. Run 'zfs holds -r {name}' to see holders."
                ));
            }
            Some(_) => {}
        }
        if let Some((dataset, short)) = name.split_once('@')
            && let Some(dataset) = self.datasets.get_mut(dataset)
        {
            dataset.snapshots.remove(short);
        }
        Ok(())
    }
}
