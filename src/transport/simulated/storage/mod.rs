//! ZFS of a simulated node: pools, datasets and volumes, with inheritance and sizes, and the disks below.

mod dataset;
mod disk;
mod moves;
mod property;
mod size;
mod snapshots;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dataset::Dataset;
pub(super) use disk::Disk;
use property::{Of, Property, Way};
pub(super) use size::thick;

/// All of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Storage {
    pub(super) pools: BTreeMap<String, Pool>,
    datasets: BTreeMap<String, Dataset>,
    /// Disks by path.
    pub(super) disks: BTreeMap<String, Disk>,
    next: u64,
}

/// A pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pool {
    size: u64,
    settings: BTreeMap<String, String>,
    disks: Vec<String>,
    layout: String,
    pub(super) is_exported: bool,
    /// Bytes of its disks' sectors.
    sector: u64,
}

/// One line of `zfs get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) property: String,
    pub(super) value: String,
    pub(super) source: String,
}

fn row(property: &str, value: impl Into<String>, source: &str) -> Row {
    Row { property: property.to_owned(), value: value.into(), source: source.to_owned() }
}

/// The pool that a name lies in.
fn pool_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.: ".contains(c)) && part != ".."
    };
    name.split('/').all(is_part)
}

impl Storage {
    /// A pool with its root dataset; `settings` are the root's.
    pub(super) fn add_pool(
        &mut self,
        name: &str,
        size: u64,
        (layout, disks): (&str, &[String]),
        settings: BTreeMap<String, String>,
    ) {
        for path in disks {
            let disk = self.disks.entry(path.clone()).or_default();
            disk.holds = Some("zfs_member".to_owned());
            disk.label = Some(name.to_owned());
        }
        let sector = disks.iter().filter_map(|path| self.disks.get(path)?.sector).max().unwrap_or(size::SECTOR);
        let (disks, layout) = (disks.to_vec(), layout.to_owned());
        let pool = Pool { size, settings: BTreeMap::new(), disks, layout, is_exported: false, sector };
        self.pools.insert(name.to_owned(), pool);
        self.add(name, false, settings, 0);
    }

    /// A dataset as it is found.
    pub(super) fn add(&mut self, name: &str, is_volume: bool, settings: BTreeMap<String, String>, holds: u64) {
        self.next += 1;
        let empty = size::empty(is_volume, self.sector(name));
        let (received, snapshots, number) = (BTreeMap::new(), BTreeMap::new(), self.next);
        let dataset = Dataset { is_volume, settings, received, holds, empty, number, snapshots };
        self.datasets.insert(name.to_owned(), dataset);
    }

    fn sector(&self, name: &str) -> u64 {
        self.pools.get(pool_of(name)).map_or(size::SECTOR, |pool| pool.sector)
    }

    fn is_there(&self, name: &str) -> bool {
        self.pools.get(pool_of(name)).is_some_and(|pool| !pool.is_exported)
    }

    fn get(&self, name: &str) -> Option<&Dataset> {
        self.datasets.get(name).filter(|_| self.is_there(name))
    }

    /// The names of all that is imported.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.datasets.keys().filter(|name| self.is_there(name)).map(String::as_str)
    }

    /// `filesystem` or `volume`; nothing where there is no such dataset.
    pub(super) fn kind(&self, name: &str) -> Option<&'static str> {
        self.get(name).map(|dataset| if dataset.is_volume { "volume" } else { "filesystem" })
    }

    /// Bytes that a dataset takes with all below it, reservations included.
    fn used(&self, name: &str) -> u64 {
        let below = format!("{name}/");
        let of_it = self.datasets.iter().filter(|(other, _)| *other == name || other.starts_with(&below));
        of_it.map(|(_, dataset)| dataset.used()).sum()
    }

    fn free(&self, pool: &str) -> u64 {
        self.pools.get(pool).map_or(0, |it| it.size.saturating_sub(self.used(pool)))
    }

    /// A property's value and source: `local`, `received`, `default`, `inherited from x`.
    fn resolved(&self, name: &str, property: &Property) -> (String, String) {
        let mut at = name;
        loop {
            if let Some(dataset) = self.datasets.get(at) {
                let own = dataset.settings.get(property.name).map(|value| (value, "local"));
                let own = own.or_else(|| dataset.received.get(property.name).map(|value| (value, "received")));
                if let Some((value, source)) = own {
                    let source = match (at == name, property.way) {
                        (_, Way::Once) => "-".to_owned(),
                        (true, _) => source.to_owned(),
                        (false, _) => format!("inherited from {at}"),
                    };
                    return (below_mountpoint(property.name, value, at, name), source);
                }
            }
            match at.rsplit_once('/') {
                Some((above, _)) if property.way == Way::Inherited => at = above,
                _ => break,
            }
        }
        let default = if property.name == "mountpoint" { format!("/{name}") } else { property.default.to_owned() };
        let source = if property.way == Way::Once { "-" } else { "default" };
        (default, source.to_owned())
    }

    fn value_of(&self, name: &str, property: &str) -> String {
        property::find(property).map(|property| self.resolved(name, property).0).unwrap_or_default()
    }

    fn is_mounted(&self, name: &str) -> bool {
        let point = self.value_of(name, "mountpoint");
        self.kind(name) == Some("filesystem") && self.value_of(name, "canmount") == "on" && point.starts_with('/')
    }

    /// Where a filesystem is mounted.
    pub(super) fn mountpoint(&self, name: &str) -> Option<String> {
        self.is_mounted(name).then(|| self.value_of(name, "mountpoint"))
    }

    /// All lines of `zfs get all`.
    pub(super) fn rows(&self, name: &str) -> Vec<Row> {
        let Some(dataset) = self.get(name) else { return Vec::new() };
        let used = self.used(name);
        let measured = [
            ("type", self.kind(name).unwrap_or_default().to_owned()),
            ("creation", (1_767_000_000 + dataset.number).to_string()),
            ("used", used.to_string()),
            ("available", self.free(pool_of(name)).to_string()),
            ("referenced", dataset.referenced().to_string()),
            ("compressratio", "1.00".to_owned()),
            ("createtxg", (dataset.number * 10).to_string()),
            ("guid", (0x5eed_0000 + dataset.number).to_string()),
            ("usedbysnapshots", dataset.kept_by_snapshots().to_string()),
            ("usedbydataset", dataset.own().to_string()),
            ("written", dataset.own().to_string()),
        ];
        let mut rows: Vec<Row> = measured.into_iter().map(|(property, value)| row(property, value, "-")).collect();
        if !dataset.is_volume {
            rows.push(row("mounted", if self.is_mounted(name) { "yes" } else { "no" }, "-"));
        }
        for property in property::PROPERTIES.iter().filter(|property| dataset.has(property)) {
            let (value, source) = self.resolved(name, property);
            rows.push(row(property.name, value, &source));
        }
        rows.extend(self.user_rows(name));
        rows
    }

    /// User properties, which everything below has too.
    fn user_rows(&self, name: &str) -> Vec<Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let ends = name.match_indices('/').map(|(end, _)| &name[..end]).chain([name]);
        for at in ends {
            let settings = self.datasets.get(at).into_iter().flat_map(|dataset| &dataset.settings);
            for (property, value) in settings.filter(|(property, _)| property.contains(':')) {
                let source = if at == name { "local".to_owned() } else { format!("inherited from {at}") };
                rows.insert(property.clone(), row(property, value, &source));
            }
        }
        rows.into_values().collect()
    }

    /// `zfs create`.
    pub(super) fn create(
        &mut self,
        name: &str,
        size: Option<&str>,
        settings: &[(&str, &str)],
        with_parents: bool,
    ) -> Result<(), String> {
        let refused = |why: &str| Err(format!("cannot create '{name}': {why}"));
        if !is_name(name) {
            return refused("invalid character in name");
        }
        if !self.is_there(name) {
            return refused(&format!("no such pool '{}'", pool_of(name)));
        }
        if self.get(name).is_some() {
            return if with_parents { Ok(()) } else { refused("dataset already exists") };
        }
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.get(parent).is_none() {
            if !with_parents {
                return refused("parent does not exist");
            }
            self.create(parent, None, &[], true)?;
        }
        let mut kept = BTreeMap::new();
        for (property, text) in settings {
            let value = self
                .checked(name, property, text, size.is_some(), true)
                .map_err(|why| format!("cannot create '{name}': {why}"))?;
            kept.insert((*property).to_owned(), value);
        }
        if let Some(size) = size {
            let block = kept.get("volblocksize").and_then(|size| size.parse().ok()).unwrap_or(16_384);
            let Some(bytes) = property::bytes(size).and_then(|size| size.checked_next_multiple_of(block)) else {
                return refused(&format!("bad volume size '{size}'"));
            };
            kept.insert("volsize".to_owned(), bytes.to_string());
            kept.entry("refreservation".to_owned()).or_insert_with(|| thick(bytes, block).to_string());
        }
        let reserved = kept.get("refreservation").and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        if self.free(pool_of(name)) < size::empty(size.is_some(), self.sector(name)).max(reserved) {
            return refused("out of space");
        }
        self.add(name, size.is_some(), kept, 0);
        Ok(())
    }

    /// A value that a dataset may be given, or ZFS's complaint.
    fn checked(&self, name: &str, property: &str, text: &str, is_volume: bool, is_new: bool) -> Result<String, String> {
        if property.contains(':') {
            let is_fine = property.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ":+._-".contains(c));
            return if is_fine { Ok(text.to_owned()) } else { Err(format!("invalid property '{property}'")) };
        }
        let Some(known) = property::find(property) else { return Err(format!("invalid property '{property}'")) };
        if known.of == if is_volume { Of::Filesystems } else { Of::Volumes } {
            return Err(format!("'{property}' does not apply to datasets of this type"));
        }
        if known.way == Way::Once && !is_new {
            return Err(format!("'{property}' is readonly"));
        }
        if property == "refreservation" && text == "auto" && is_volume {
            let size = self.get(name).map_or(0, |dataset| dataset.number_of("volsize"));
            let block = self.value_of(name, "volblocksize").parse().unwrap_or(16_384);
            return Ok(thick(size, block).to_string());
        }
        property::value(known, text)
    }

    /// `zfs set`: one property of a dataset that is there.
    pub(super) fn set(&mut self, name: &str, property: &str, text: &str) -> Result<(), String> {
        let refused = |why: &str| format!("cannot set property for '{name}': {why}");
        let Some(dataset) = self.get(name) else {
            return Err(format!("cannot open '{name}': dataset does not exist"));
        };
        let value = self.checked(name, property, text, dataset.is_volume, false).map_err(|why| refused(&why))?;
        let number: u64 = value.parse().unwrap_or_default();
        let limit = match property {
            "quota" => self.used(name),
            "refquota" => dataset.referenced(),
            _ => 0,
        };
        if number > 0 && number < limit {
            return Err(refused("size is less than current used or reserved space"));
        }
        let mut reserve = None;
        if property == "volsize" {
            let block = self.value_of(name, "volblocksize").parse().unwrap_or(16_384);
            if number == 0 || !number.is_multiple_of(block) {
                return Err(refused(&format!("'volsize' must be a multiple of volume block size ({}K)", block / 1024)));
            }
            let is_thick = dataset.number_of("refreservation") > 0;
            reserve = is_thick.then(|| thick(number, block));
            let more = reserve.unwrap_or(0).saturating_sub(dataset.number_of("refreservation"));
            if more > self.free(pool_of(name)) {
                return Err(refused("size is greater than available space"));
            }
        }
        if let Some(dataset) = self.datasets.get_mut(name) {
            dataset.settings.insert(property.to_owned(), value);
            if let Some(bytes) = reserve {
                dataset.settings.insert("refreservation".to_owned(), bytes.to_string());
            }
            // A volume that shrinks loses what lies behind its new end, and ZFS says nothing.
            if property == "volsize" {
                dataset.holds = dataset.holds.min(number);
            }
        }
        Ok(())
    }

    /// `zfs inherit`.
    pub(super) fn inherit(&mut self, name: &str, property: &str) -> Result<(), String> {
        match self.datasets.get_mut(name) {
            Some(dataset) => {
                dataset.settings.remove(property);
                Ok(())
            }
            None => Err(format!("cannot open '{name}': dataset does not exist")),
        }
    }

    /// `zfs destroy`.
    pub(super) fn destroy(&mut self, name: &str, with_children: bool) -> Result<(), String> {
        if self.get(name).is_none() {
            return Err(format!("cannot open '{name}': dataset does not exist"));
        }
        let below = format!("{name}/");
        let children: Vec<String> = self.datasets.keys().filter(|other| other.starts_with(&below)).cloned().collect();
        let all = [children.clone(), self.snapshot_names(name)].concat();
        if !all.is_empty() && !with_children {
            let kind = self.kind(name).unwrap_or_default();
            return Err(format!(
                "cannot destroy '{name}': {kind} has children\nuse '-r' to destroy the following datasets:\n{}",
                all.join("\n")
            ));
        }
        for child in children.iter().chain([&name.to_owned()]) {
            self.datasets.remove(child);
        }
        Ok(())
    }

    /// All lines of `zpool get all`.
    pub(super) fn pool_rows(&self, name: &str) -> Vec<Row> {
        let Some(pool) = self.pools.get(name).filter(|pool| !pool.is_exported) else { return Vec::new() };
        let used = self.used(name);
        let percent = (u128::from(used) * 100 / u128::from(pool.size.max(1))).to_string();
        let mut rows = vec![
            row("size", pool.size.to_string(), "-"),
            row("capacity", percent, "-"),
            row("health", "ONLINE", "-"),
            row("free", self.free(name).to_string(), "-"),
            row("allocated", used.to_string(), "-"),
            row("readonly", "off", "-"),
        ];
        for (property, default) in property::OF_POOLS {
            rows.push(match pool.settings.get(property) {
                Some(value) => row(property, value, "local"),
                None => row(property, default, "default"),
            });
        }
        rows
    }

    /// `zpool set`.
    pub(super) fn set_pool(&mut self, name: &str, property: &str, value: &str) -> Result<(), String> {
        let Some(pool) = self.pools.get_mut(name).filter(|pool| !pool.is_exported) else {
            return Err(format!("cannot open '{name}': no such pool"));
        };
        if !property::OF_POOLS.iter().any(|(known, _)| *known == property) {
            return Err(format!("cannot set property for '{name}': invalid property '{property}'"));
        }
        pool.settings.insert(property.to_owned(), value.to_owned());
        Ok(())
    }

    /// `zpool create`.
    pub(super) fn create_pool(
        &mut self,
        name: &str,
        (layout, disks): (&str, &[String]),
        of_pool: &[(&str, &str)],
        of_root: &[(&str, &str)],
    ) -> Result<(), String> {
        if self.pools.contains_key(name) {
            return Err(format!("cannot create '{name}': pool already exists"));
        }
        for path in disks {
            let disk = self.disks.get(path);
            let Some(disk) = disk else { return Err(format!("cannot resolve path '{path}'")) };
            let label = disk.label.as_deref().unwrap_or_default();
            match disk.holds.as_deref() {
                None => {}
                Some("zfs_member") => {
                    return Err(format!(
                        "invalid vdev specification\nuse '-f' to override the following errors:\n{path} is part of active pool '{label}'"
                    ));
                }
                Some(kind) => {
                    return Err(format!(
                        "invalid vdev specification\nuse '-f' to override the following errors:\n{path} contains a filesystem of type '{kind}'"
                    ));
                }
            }
        }
        let mut settings = BTreeMap::new();
        for (property, text) in of_root {
            let value = self.checked(name, property, text, false, true);
            settings.insert((*property).to_owned(), value.map_err(|why| format!("cannot create '{name}': {why}"))?);
        }
        if let Some((property, _)) =
            of_pool.iter().find(|(it, _)| !property::OF_POOLS.iter().any(|(known, _)| known == it))
        {
            return Err(format!("property '{property}' is not a valid pool property"));
        }
        let room: Vec<u64> = disks.iter().filter_map(|path| self.disks.get(path)).map(Disk::room).collect();
        let smallest = room.iter().min().copied().unwrap_or_default();
        let size = if layout == "mirror" { smallest } else { room.iter().sum() };
        self.add_pool(name, size, (layout, disks), settings);
        for (property, value) in of_pool {
            self.set_pool(name, property, value)?;
        }
        Ok(())
    }

    /// What tells one state from another.
    pub(super) fn dump(&self) -> Vec<(String, String)> {
        let pools = self.pools.iter().map(|(name, pool)| {
            let state = format!("{} {:?} {:?} exported {}", pool.layout, pool.disks, pool.settings, pool.is_exported);
            (format!("pool {name}"), state)
        });
        let datasets = self.datasets.iter().map(|(name, dataset)| {
            let kind = if dataset.is_volume { "volume" } else { "filesystem" };
            (format!("dataset {name}"), format!("{kind} holds {} {:?}", dataset.holds, dataset.settings))
        });
        let snapshots = self.of_others().map(|(name, holds)| (format!("snapshot {name}"), format!("holds {holds}")));
        pools.chain(datasets).chain(snapshots).collect()
    }

    /// Names of all pools, datasets, volumes and snapshots that labctl did not take, with the bytes that they hold, and
    /// volumes' sizes: what must never get lost.
    pub(super) fn data(&self) -> BTreeMap<String, (u64, u64)> {
        let datasets = self.datasets.iter();
        let datasets = datasets.map(|(name, dataset)| (name.clone(), (dataset.holds, dataset.number_of("volsize"))));
        datasets.chain(self.of_others().map(|(name, holds)| (name, (holds, 0)))).collect()
    }
}

/// An inherited mountpoint has the rest of the name after it.
fn below_mountpoint(property: &str, value: &str, at: &str, name: &str) -> String {
    if property == "mountpoint" && at != name && value.starts_with('/') {
        format!("{}{}", value.trim_end_matches('/'), &name[at.len()..])
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests;
