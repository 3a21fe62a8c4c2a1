//! What `after` names must be declared.

use super::Resolver;
use crate::config::Code;
use crate::lab::{Address, Lab, Meta};

impl Resolver<'_> {
    pub(super) fn check_edges(&mut self, lab: &Lab) {
        let declared = lab.addresses();
        for (own, meta) in &declared {
            for after in meta.iter().flat_map(|meta| &meta.after) {
                if after.value == *own {
                    let summary = format!("`{own}` can't come after itself");
                    self.fault(Code::Reference, summary, &after.place, "its own address", "remove it from `after`");
                } else if !declared.iter().any(|(address, _)| *address == after.value) && !self.is_broken(&after.value)
                {
                    let known: Vec<String> = declared.iter().map(|(address, _)| address.to_string()).collect();
                    let near = crate::config::nearest(&after.value.to_string(), known.iter().map(String::as_str));
                    let help = near.map_or("`labctl graph` lists all addresses".to_owned(), |near| {
                        format!("did you mean `{near}`?")
                    });
                    let summary = format!("`{}` is the address of nothing in this lab", after.value);
                    self.fault(Code::Reference, summary, &after.place, "declared nowhere", help);
                }
            }
        }
    }

    /// Whether the address lies in a table that has faults of its own.
    fn is_broken(&self, address: &Address) -> bool {
        let name = |at: usize| address.segments().get(at).map(String::as_str).unwrap_or_default();
        let broken = |declares: bool, is_read: bool| declares && !is_read;
        match name(0) {
            "nodes" => broken(self.file.nodes.declares(name(1)), self.file.nodes.get(name(1)).is_some()),
            "pools" => broken(self.file.pools.declares(name(1)), self.file.pools.get(name(1)).is_some()),
            "clusters" => broken(self.file.clusters.declares(name(1)), self.file.clusters.get(name(1)).is_some()),
            // What a service expands to is not known while anything of it is wrong.
            "services" => self.file.services.declares(name(1)),
            _ => false,
        }
    }
}

impl Lab {
    /// All addresses of the lab in order, with what their tables say of the resource (a node is a ground, no resource).
    pub fn addresses<'l>(&'l self) -> Vec<(Address, Option<&'l Meta>)> {
        let mut found = Vec::new();
        for (name, node) in &self.nodes {
            let own = Address::new(["nodes", name]);
            found.push((own.clone(), None));
            found.extend(node.network.iter().map(|network| (own.child("network"), Some(&network.meta))));
            let mut table = |name: &str, entries: Vec<(&'l String, &'l Meta)>| {
                let address = own.child(name);
                found.extend(entries.into_iter().map(|(key, meta)| (address.child(key), Some(meta))));
            };
            table("sysctls", node.sysctls.iter().map(|(key, value)| (key, &value.meta)).collect());
            table("modules", node.modules.iter().map(|(key, value)| (key, &value.meta)).collect());
            table("packages", node.packages.iter().map(|(key, value)| (key, &value.meta)).collect());
            table("files", node.files.iter().map(|(key, value)| (key, &value.meta)).collect());
            table("units", node.units.iter().map(|(key, value)| (key, &value.meta)).collect());
        }
        for (name, pool) in &self.pools {
            let own = Address::new(["pools", name]);
            found.push((own.clone(), Some(&pool.meta)));
            let datasets = own.child("datasets");
            found.extend(pool.datasets.iter().map(|(path, value)| (datasets.child(path), Some(&value.meta))));
            let volumes = own.child("volumes");
            found.extend(pool.volumes.iter().map(|(path, value)| (volumes.child(path), Some(&value.meta))));
        }
        for (name, cluster) in &self.clusters {
            found.push((Address::new(["clusters", name]), Some(&cluster.meta)));
        }
        for object in &self.objects {
            found.push((object.address.table(), None));
            found.push((object.address.clone(), Some(&object.meta)));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        // A service is named once, however many objects it has.
        found.dedup_by(|a, b| a.0 == b.0 && a.1.is_none());
        found
    }
}
