//! The declared dataset below whose mountpoint a file lies: it must be there, and mounted, before anything is written.
//!
//! Else the file would land in the folder that the mountpoint covers, and vanish with the next mount.

use std::collections::BTreeMap;

use crate::config::Located;
use crate::lab::{Address, Lab, Node, Pool};
use crate::plan::Guard;

/// A declared filesystem with a mountpoint.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Mount {
    /// Its address: a dataset's, or a pool's for its root.
    pub(in super::super) address: Address,
    /// Its ZFS name.
    name: String,
    /// Where it is mounted.
    point: String,
}

impl Mount {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is mounted, checked in the same exec that writes.
    pub(in super::super) fn guard(&self) -> Guard {
        let argv = ["zfs", "get", "-H", "-o", "value", "mounted", &self.name].map(str::to_owned).to_vec();
        Guard::Output { argv, stdout: "yes".to_owned() }
    }
}

/// The innermost declared filesystem of the node that `path` lies below.
pub(in super::super) fn above(lab: &Lab, node: &Node, path: &str) -> Option<Mount> {
    let pools = lab.pools.values().filter(|pool| *pool.node == node.name);
    let holds = |mount: &Mount| path.strip_prefix(&mount.point).is_some_and(|rest| rest.starts_with('/'));
    pools.flat_map(mounts).filter(holds).max_by_key(|mount| mount.point.len())
}

fn mounts(pool: &Pool) -> Vec<Mount> {
    let root = Address::new(["pools", pool.name.as_str()]);
    let own = mountpoint(&pool.properties).unwrap_or_else(|| format!("/{}", pool.name));
    let mut points: BTreeMap<&str, String> = [("", own)].into();
    let mut found = vec![mount(root.clone(), pool.name.clone(), &pool.properties, &points[""])];
    // Parents stand before their children in the order of names.
    for (path, dataset) in &pool.datasets {
        let above = points.iter().filter(|(above, _)| above.is_empty() || path.starts_with(&format!("{above}/")));
        let inherited = above.max_by_key(|(above, _)| above.len());
        let inherited =
            inherited.map(|(above, point)| format!("{point}/{}", path[above.len()..].trim_start_matches('/')));
        let point = mountpoint(&dataset.properties).or(inherited).unwrap_or_default();
        let address = root.child("datasets").child(path);
        found.push(mount(address, format!("{}/{path}", pool.name), &dataset.properties, &point));
        points.insert(path, point);
    }
    found.into_iter().flatten().collect()
}

fn mountpoint(properties: &BTreeMap<String, Located<String>>) -> Option<String> {
    properties.get("mountpoint").map(|point| point.value.trim_end_matches('/').to_owned())
}

/// `None` where it is not mounted by ZFS itself: `none`, `legacy`, `canmount=off`.
fn mount(address: Address, name: String, properties: &BTreeMap<String, Located<String>>, point: &str) -> Option<Mount> {
    let is_automatic = properties.get("canmount").is_none_or(|value| value.value == "on");
    (is_automatic && point.starts_with('/')).then(|| Mount { address, name, point: point.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::above;
    use crate::config::Sources;
    use crate::lab::load;

    const LAB: &str = "[lab]\nname='x'\n[nodes.n5]\naddress='192.168.4.5'\n[pools.vms]\nnode='n5'\n\
        [pools.vms.datasets]\nmedia={}\n'media/index'={properties={mountpoint='/index'}}\n\
        'media/index/deep'={}\nhidden={properties={mountpoint='none'}}\n";

    fn name(path: &str) -> Option<String> {
        let lab = load(&Sources::memory([("homelab.toml", LAB)])).lab.unwrap();
        above(&lab, &lab.nodes["n5"], path).map(|mount| mount.name)
    }

    #[test]
    fn a_file_lies_in_the_innermost_dataset_whose_mountpoint_is_above_it() {
        assert_eq!(name("/vms/media/x").as_deref(), Some("vms/media"));
        assert_eq!(name("/index/x").as_deref(), Some("vms/media/index"));
        assert_eq!(name("/index/deep/x").as_deref(), Some("vms/media/index/deep"));
        assert_eq!(name("/vms/hidden/x").as_deref(), Some("vms"));
        assert_eq!(name("/vmsx"), None);
    }
}
