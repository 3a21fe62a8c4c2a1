//! The observed attributes of a declared network, and what of them differs.
//!
//! `eth1.8.addresses` is what the kernel has. Where the kernel is right and netplan's files say something else, what
//! they say stands under `file.eth1.8.addresses`: it would come with the next boot. Resolvers are what the files say:
//! where they end up depends on what else runs on the node (systemd-resolved or not).

use super::device::{Device, Devices, attributes};
use super::netplan::{ETC, FOLDERS, OWN};
use super::seen::Seen;
use crate::lab::Network;
use crate::observe::Observation;
use crate::plan::{Attributes, Difference, Value};

/// A device that somebody has switched off.
const UP: &str = ".up";

/// What is wrong with the files.
const FILE: &str = "file.";

/// What the node answered, as an observation of the declared network.
pub(super) fn observe(seen: &Seen, network: &Network, desired: &Devices) -> Observation {
    if let Some(why) = seen.under_way().or_else(|| missing_port(seen, network)) {
        return Observation::Unknown(why);
    }
    let concerned = seen.concerned(desired);
    let mut live = seen.live.devices(concerned.iter().map(|name| (*name, desired.get(*name))));
    for (name, device) in &mut live {
        if let Some(boot) = seen.boot.get(name) {
            device.nameservers.clone_from(&boot.nameservers);
            device.dhcp = boot.dhcp;
        }
    }
    let conflicts = seen.conflicts(network, desired);
    if !is_present(seen, &live, desired) && conflicts.is_empty() {
        return Observation::Absent;
    }
    let mut observed = attributes(&live);
    for name in desired.keys().filter(|name| seen.live.link(name).is_some_and(|link| !link.is_up())) {
        observed.insert(format!("{name}{UP}"), false.into());
    }
    let boot: Devices = seen
        .boot
        .iter()
        .filter(|(name, _)| concerned.contains(name))
        .map(|(name, device)| (name.clone(), device.clone()))
        .collect();
    files(seen, network, &attributes(desired), &attributes(&boot), &mut observed);
    if !conflicts.is_empty() {
        let names: Vec<String> = conflicts.into_iter().map(|conflict| conflict.name).collect();
        observed.insert("replaces".to_owned(), names.into());
    }
    Observation::Present(observed)
}

fn missing_port(seen: &Seen, network: &Network) -> Option<String> {
    let port = network.ports.keys().find(|port| seen.live.link(port).is_none())?;
    if let Some(link) = seen.live.links().find(|link| link.is_also(port)) {
        return Some(format!("`{port}` is another name of the interface `{}`: declare it by that one", link.name()));
    }
    let ports: Vec<String> =
        seen.live.links().filter(|link| link.is_port()).map(|link| format!("`{}`", link.name())).collect();
    Some(format!("the node has no interface `{port}`; it has {}", ports.join(", ")))
}

/// Whether anything of what is declared is there already: a device, something on a port, a word in a file.
fn is_present(seen: &Seen, live: &Devices, desired: &Devices) -> bool {
    let is_live = |(name, device): (&String, &Device)| {
        desired.contains_key(name)
            && (device.shape.is_virtual()
                || !device.addresses.is_empty()
                || !device.routes.is_empty()
                || device.bridge.is_some())
    };
    seen.own_file().is_some()
        || !seen.staged.is_empty()
        || live.iter().any(is_live)
        || seen.boot.iter().any(|(name, device)| desired.contains_key(name) && device.is_configured())
}

/// What is to be said of the files: where they are not as they must be and nothing else would show it.
fn files(seen: &Seen, network: &Network, desired: &Attributes, boot: &Attributes, observed: &mut Attributes) {
    let still_there = seen.still_there(network);
    let own = seen.own_file();
    if !seen.staged.is_empty() {
        let names: Vec<String> = seen.staged.iter().map(|name| format!("{}/{name}", FOLDERS[0])).collect();
        observed.insert("file".to_owned(), names.into());
    } else if own.is_some() && !still_there.is_empty() {
        let names: Vec<String> = still_there.into_iter().chain([OWN]).map(|name| format!("{ETC}/{name}")).collect();
        observed.insert("file".to_owned(), names.into());
    } else if own.is_none() && boot.is_empty() {
        observed.insert("file".to_owned(), Value::plain(serde_json::Value::Null));
        return;
    }
    if let Some(file) = own.filter(|file| file.mode != 0o600) {
        observed.insert("file.mode".to_owned(), format!("{:04o}", file.mode).into());
    }
    let keys: std::collections::BTreeSet<&String> = desired.keys().chain(boot.keys()).collect();
    for key in keys {
        let (says, should) = (boot.get(key), desired.get(key));
        let kernel_shows_it = observed.get(key) != should;
        if says != should && !(is_empty(says) && is_empty(should)) && !kernel_shows_it {
            observed.insert(format!("{FILE}{key}"), says.cloned().unwrap_or(Value::plain(serde_json::Value::Null)));
        }
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    value.is_none_or(|value| *value == Value::plain(Vec::<String>::new()))
}

/// What differs: all that is observed counts, also what the file does not name, because the table is the whole of what
/// the declared devices hold.
pub(super) fn compare(network: &Network, desired: &Attributes, observed: &Attributes) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&String> = desired.keys().chain(observed.keys()).collect();
    let after = |key: &str| -> Option<Value> {
        match key {
            "replaces" => Some(network.replaces.clone().into()),
            "file" => Some(format!("{ETC}/{OWN}").into()),
            "file.mode" => Some("0600".into()),
            _ if key.strip_suffix(UP).is_some() => Some(true.into()),
            _ => desired.get(key.strip_prefix(FILE).unwrap_or(key)).cloned(),
        }
    };
    let null = Value::plain(serde_json::Value::Null);
    keys.into_iter()
        .map(|key| Difference {
            attribute: key.clone(),
            before: observed.get(key).filter(|value| **value != null).cloned(),
            after: after(key),
            note: None,
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}
