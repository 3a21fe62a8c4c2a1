//! Pools, datasets and volumes.

use std::collections::BTreeMap;

use super::{Resolver, names};
use crate::config::tables::{LayoutName, PoolTable};
use crate::config::{Code, Located, Named, Scalar};
use crate::lab::{Dataset, Layout, Pool, Volume};

impl Resolver<'_> {
    pub(super) fn pools(&mut self) -> BTreeMap<String, Pool> {
        let tables = self.file.pools.iter();
        tables.filter_map(|(name, table)| Some((name.value.clone(), self.pool(name, table)?))).collect()
    }

    fn pool(&mut self, name: &Located<String>, table: &PoolTable) -> Option<Pool> {
        self.check_name(name, names::POOL);
        if !self.file.nodes.declares(&table.node) {
            self.unknown(&table.node, "node", "nodes", &self.file.nodes.names().cloned().collect::<Vec<_>>());
        }
        let layout = self.layout(table);
        let mut datasets = BTreeMap::new();
        for (path, dataset) in table.datasets.iter() {
            self.check_name(path, names::ZFS_PATH);
            let properties = self.properties(&dataset.properties);
            datasets.insert(path.value.clone(), Dataset { properties, meta: dataset.meta() });
        }
        let mut volumes = BTreeMap::new();
        for (path, volume) in table.volumes.iter() {
            self.check_name(path, names::ZFS_PATH);
            let properties = self.properties(&volume.properties);
            let volume = Volume { size: volume.size.clone(), properties, meta: volume.meta() };
            volumes.insert(path.value.clone(), volume);
        }
        Some(Pool {
            name: name.value.clone(),
            node: table.node.clone(),
            devices: table.devices.clone(),
            layout: layout?,
            properties: self.properties(&table.properties),
            datasets,
            volumes,
            meta: table.meta(),
        })
    }

    fn layout(&mut self, table: &PoolTable) -> Option<Layout> {
        let devices = table.devices.len();
        let Some(layout) = &table.layout else {
            if devices > 1 {
                let summary = "a pool of several devices needs a `layout`";
                let help = "add `layout = \"mirror\"`, `\"raidz1\"`, `\"raidz2\"`, `\"raidz3\"`, or `\"stripe\"` for no redundancy";
                self.fault(Code::MissingKey, summary, &table.devices[1].place, "a second device", help);
                return None;
            }
            return Some(Layout::Stripe);
        };
        let (resolved, least) = match layout.value {
            LayoutName::Stripe => (Layout::Stripe, 1),
            LayoutName::Mirror => (Layout::Mirror, 2),
            LayoutName::Raidz1 => (Layout::Raidz1, 2),
            LayoutName::Raidz2 => (Layout::Raidz2, 3),
            LayoutName::Raidz3 => (Layout::Raidz3, 4),
        };
        if devices < least {
            let summary = format!("this layout needs at least {least} devices, and there are {devices}");
            let help = "name the devices in `devices`; without any, the pool is adopted as it is and needs no `layout`";
            self.fault(Code::Contradiction, summary, &layout.place, "too few devices for it", help);
        }
        Some(resolved)
    }

    fn properties(&mut self, table: &Named<Located<Scalar>>) -> BTreeMap<String, Located<String>> {
        let mut properties = BTreeMap::new();
        for (name, value) in table.iter() {
            self.check_name(name, names::PROPERTY);
            properties.insert(name.value.clone(), Located::new(value.value.0.clone(), value.place.clone()));
        }
        properties
    }
}
