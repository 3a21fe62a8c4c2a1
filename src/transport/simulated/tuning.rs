//! Kernel parameters and modules of a simulated node, now and after a start.
//!
//! Which ones a real kernel has the simulation can't know: the usual ones and those that the file declares are there;
//! on a machine that was described, those that the description lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::files::Tree;
use crate::lab::Node;

/// Parameters with the values of a fresh Debian.
const DEFAULTS: [(&str, &str); 10] = [
    ("fs.inotify.max_user_instances", "128"),
    ("fs.inotify.max_user_watches", "65536"),
    ("kernel.panic", "0"),
    ("net.bridge.bridge-nf-call-iptables", "1"),
    ("net.ipv4.conf.all.forwarding", "0"),
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.ping_group_range", "1\t0"),
    ("net.ipv6.conf.all.forwarding", "0"),
    ("vm.overcommit_memory", "0"),
    ("vm.swappiness", "60"),
];
/// Modules that are part of the kernel.
const BUILT_IN: [&str; 3] = ["unix", "ext4", "ipv6"];
/// Folders of drop-ins, the one that wins first.
const ABOVE: [&str; 4] = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];

/// Parameters and modules.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tuning {
    /// Parameters that were set.
    values: BTreeMap<String, String>,
    /// Parameters that are there because the file says so.
    known: BTreeSet<String>,
    loaded: BTreeSet<String>,
    modules: BTreeSet<String>,
    /// What a description lists, with the values after a start; there is nothing else then.
    described: Option<BTreeMap<String, String>>,
    /// Loaded at every start, whatever the drop-ins say.
    #[serde(default)]
    at_start: BTreeSet<String>,
}

/// A parameter's name with dots, as `sysctl` prints it.
fn dotted(key: &str) -> String {
    // The first separator tells which of the two is meant (sysctl.d(5)).
    match key.find(['.', '/']) {
        Some(at) if key.as_bytes()[at] == b'/' => key
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// The path below `/proc/sys`.
pub(super) fn path(key: &str) -> String {
    dotted(key)
        .chars()
        .map(|c| match c {
            '/' => '.',
            '.' => '/',
            c => c,
        })
        .collect()
}

/// The kernel takes `-` and `_` for the same.
fn normal(module: &str) -> String {
    module.replace('-', "_")
}

impl Tuning {
    /// These parameters and modules and no others; `loaded` at every start.
    pub(super) fn described(
        parameters: BTreeMap<String, String>,
        modules: &BTreeSet<String>,
        loaded: &BTreeSet<String>,
    ) -> Self {
        let loaded: BTreeSet<String> = loaded.iter().map(|name| normal(name)).collect();
        let modules = modules.iter().map(|name| normal(name)).chain(loaded.iter().cloned()).collect();
        let at_start = loaded.clone();
        Self { modules, loaded, at_start, described: Some(parameters), ..Self::default() }
    }

    /// Takes in what the file declares.
    pub(super) fn meet(&mut self, node: &Node) {
        if self.described.is_some() {
            return;
        }
        self.known.extend(node.sysctls.keys().map(|key| dotted(key)));
        self.modules.extend(node.modules.keys().map(|name| normal(name)));
    }

    /// A parameter's value; nothing where the kernel has none of that name.
    pub(super) fn value(&self, key: &str, devices: &[String]) -> Option<String> {
        let key = dotted(key);
        if key.starts_with("net.bridge.") && !self.is_loaded("br_netfilter") {
            return None;
        }
        let device = key.strip_prefix("net.ipv4.conf.").or(key.strip_prefix("net.ipv6.conf."));
        let device = device.and_then(|rest| rest.rsplit_once('.')).map(|(device, _)| device.replace('/', "."));
        if device.is_some_and(|device| !["all", "default"].contains(&&*device) && !devices.contains(&device)) {
            return None;
        }
        let default = || match &self.described {
            Some(described) => described.get(&key).cloned(),
            None => DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()),
        };
        self.values.get(&key).cloned().or_else(default).or_else(|| self.known.contains(&key).then(|| "0".to_owned()))
    }

    /// Sets a parameter; false where there is none of that name.
    pub(super) fn set(&mut self, key: &str, value: &str, devices: &[String]) -> bool {
        let is_there = self.value(key, devices).is_some();
        if is_there {
            let value = value.split_whitespace().collect::<Vec<_>>().join("\t");
            self.values.insert(dotted(key), value);
        }
        is_there
    }

    pub(super) fn is_loaded(&self, module: &str) -> bool {
        self.loaded.contains(&normal(module))
    }

    pub(super) fn is_built_in(module: &str) -> bool {
        BUILT_IN.contains(&&*normal(module))
    }

    /// Whether the kernel has such a module, loaded or not.
    pub(super) fn has(&self, module: &str) -> bool {
        let usual = ["br_netfilter", "overlay", "8021q", "bridge", "zfs", "nf_conntrack", "wireguard", "kvm"];
        let is_usual = self.described.is_none() && usual.contains(&&*normal(module));
        Self::is_built_in(module) || is_usual || self.modules.contains(&normal(module))
    }

    /// Loads a module; false where there is none.
    pub(super) fn load(&mut self, module: &str) -> bool {
        let has = self.has(module);
        if has && !Self::is_built_in(module) {
            self.loaded.insert(normal(module));
        }
        has
    }

    pub(super) fn unload(&mut self, module: &str) -> bool {
        self.loaded.remove(&normal(module))
    }

    /// The modules that are loaded.
    pub(super) fn loaded(&self) -> impl Iterator<Item = &str> {
        self.loaded.iter().map(String::as_str)
    }

    /// The node has started anew: what the drop-ins say holds, in the order of their names.
    pub(super) fn boot(&mut self, files: &Tree, devices: &[String]) {
        self.values.clear();
        let has_zfs = self.loaded.contains("zfs");
        self.loaded.clone_from(&self.at_start);
        if has_zfs {
            self.loaded.insert("zfs".to_owned());
        }
        for line in lines(files, "modules-load.d") {
            self.load(&line);
        }
        for line in lines(files, "sysctl.d") {
            if let Some((key, value)) = line.split_once('=') {
                self.set(key.trim().trim_start_matches('-'), value.trim(), devices);
            }
        }
    }

    /// What tells one state from another.
    pub(super) fn dump(&self) -> Vec<(String, String)> {
        let values = self.values.iter().map(|(key, value)| (format!("sysctl {key}"), value.clone()));
        values.chain(self.loaded.iter().map(|name| (format!("module {name}"), "loaded".to_owned()))).collect()
    }
}

fn lines(files: &Tree, folder: &str) -> Vec<String> {
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for above in ABOVE {
        for name in files.names(&format!("{above}/{folder}")) {
            let path = format!("{above}/{folder}/{name}");
            chosen.entry(name).or_insert(path);
        }
    }
    let texts =
        chosen.into_iter().filter(|(name, _)| name.ends_with(".conf")).filter_map(|(_, path)| files.text(&path));
    let all: Vec<String> =
        texts.flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()).collect();
    all.into_iter().filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tuning, path};
    use crate::transport::simulated::files::Tree;

    #[test]
    fn a_parameter_has_two_spellings_and_some_come_with_something_else() {
        let mut tuning = Tuning::default();
        assert_eq!(tuning.value("net/ipv4/ip_forward", &[]).as_deref(), Some("0"));
        assert_eq!(path("net.ipv4.conf.eth0/8.forwarding"), "net/ipv4/conf/eth0.8/forwarding");
        assert_eq!(tuning.value("net.bridge.bridge-nf-call-iptables", &[]), None);
        assert!(tuning.load("br-netfilter") && tuning.is_loaded("br_netfilter"));
        assert!(tuning.value("net.bridge.bridge-nf-call-iptables", &[]).is_some());
        assert!(!tuning.set("no.such", "1", &[]) && tuning.set("net.ipv4.ping_group_range", "0  9", &[]));
        assert_eq!(tuning.value("net.ipv4.ping_group_range", &[]).as_deref(), Some("0\t9"));
    }

    #[test]
    fn a_start_takes_away_what_no_file_says() {
        let (mut tuning, mut files) = (Tuning::default(), Tree::default());
        files.write("/etc/sysctl.d/90-a.conf", "# no\nvm.swappiness = 10\n", 0o644);
        files.write("/usr/lib/sysctl.d/90-a.conf", "vm.swappiness = 20\n", 0o644);
        files.write("/etc/modules-load.d/x.conf", "overlay\n", 0o644);
        tuning.set("net.ipv4.ip_forward", "1", &[]);
        tuning.load("bridge");
        tuning.boot(&files, &[]);
        assert_eq!(tuning.loaded().collect::<Vec<_>>(), ["overlay"]);
        assert_eq!(tuning.value("vm.swappiness", &[]).as_deref(), Some("10"));
        assert_eq!(tuning.value("net.ipv4.ip_forward", &[]).as_deref(), Some("0"));
    }
}
