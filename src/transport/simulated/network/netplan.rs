//! netplan and systemd-networkd: files joined to one configuration, checked, and brought into the kernel.
//!
//! As on Debian 13: lists of several files are joined; a file in `/run/netplan` hides the one of its name in `/etc`; a
//! device that left the files stays in the kernel without addresses; what networkd looks after loses what it does not
//! know of.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::files::Tree;
use super::kernel::{Address, Kernel, Nature, Route};
use super::surroundings::Surroundings;

/// Folders, the one that wins first.
const FOLDERS: [&str; 3] = ["/run/netplan", "/etc/netplan", "/lib/netplan"];
/// Keys of a definition that the simulation knows.
const KEYS: [&str; 17] = [
    "addresses",
    "critical",
    "dhcp4",
    "dhcp6",
    "gateway4",
    "id",
    "ignore-carrier",
    "interfaces",
    "link",
    "link-local",
    "match",
    "mtu",
    "nameservers",
    "optional",
    "parameters",
    "renderer",
    "routes",
];
const SECTIONS: [&str; 3] = ["ethernets", "vlans", "bridges"];

/// What the files say together.
#[derive(Debug, Default)]
pub(in super::super) struct Configuration {
    devices: BTreeMap<String, (String, Json)>,
}

/// What `netplan` prints besides: remarks where it works, the error where it doesn't.
pub(in super::super) type Said = Result<(Configuration, String), String>;

/// Reads the files below a root (`/` or that of `--root-dir`).
pub(in super::super) fn read(files: &Tree, root: &str) -> Said {
    let root = root.trim_end_matches('/');
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for name in files.names(&format!("{root}{folder}")) {
            if name.ends_with(".yaml") && !name.starts_with('.') {
                let path = format!("{root}{folder}/{name}");
                chosen.entry(name).or_insert(path);
            }
        }
    }
    let mut all = Json::Null;
    let mut remarks = String::new();
    for path in chosen.values() {
        let Some(entry) = files.get(path) else { continue };
        if entry.mode & 0o077 != 0 {
            remarks += &format!(
                "\n** (generate:1): WARNING **: Permissions for {path} are too open. Netplan configuration should NOT be \
                 accessible by others.\n"
            );
        }
        let text = String::from_utf8_lossy(entry.bytes().unwrap_or_default()).into_owned();
        join(&mut all, &parse(path, &text)?);
    }
    let configuration = configuration(&all)?;
    Ok((configuration, remarks))
}

fn parse(path: &str, text: &str) -> Result<Json, String> {
    if text.trim().is_empty() {
        return Ok(Json::Null);
    }
    let tree: Json = serde_saphyr::from_str(text).map_err(|error| {
        format!("{path}:1:1: Invalid YAML: {}", error.to_string().lines().next().unwrap_or_default())
    })?;
    let unknown = |key: &str| {
        let (line, column) = place(text, key);
        let shown = text.lines().nth(line - 1).unwrap_or_default();
        Err(format!(
            "{path}:{line}:{column}: Error in network definition: unknown key '{key}'\n{shown}\n{:>column$}",
            "^"
        ))
    };
    let network = tree.get("network").cloned().unwrap_or_default();
    for (section, definitions) in network.as_object().into_iter().flatten() {
        if ["version", "renderer"].contains(&section.as_str()) {
            continue;
        }
        if !SECTIONS.contains(&section.as_str()) {
            return unknown(section);
        }
        for definition in definitions.as_object().into_iter().flat_map(|map| map.values()) {
            let keys = definition.as_object().into_iter().flat_map(|map| map.keys());
            if let Some(key) = keys.into_iter().find(|key| !KEYS.contains(&key.as_str())) {
                return unknown(key);
            }
        }
    }
    Ok(network)
}

/// Line and column of a key, from 1.
fn place(text: &str, key: &str) -> (usize, usize) {
    let word = format!("{key}:");
    let found = text.lines().enumerate().find_map(|(line, text)| text.find(&word).map(|column| (line + 1, column + 1)));
    found.unwrap_or((1, 1))
}

fn join(into: &mut Json, from: &Json) {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) => {
            for (key, value) in from {
                join(into.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (Json::Array(into), Json::Array(from)) => {
            for value in from {
                if !into.contains(value) {
                    into.push(value.clone());
                }
            }
        }
        (_, Json::Null) => {}
        (into, from) => *into = from.clone(),
    }
}

fn configuration(network: &Json) -> Result<Configuration, String> {
    let mut configuration = Configuration::default();
    for section in SECTIONS {
        for (name, definition) in network.get(section).and_then(Json::as_object).into_iter().flatten() {
            configuration.devices.insert(name.clone(), (section.to_owned(), definition.clone()));
        }
    }
    for (name, (section, definition)) in &configuration.devices {
        let parents = definition.get("interfaces").and_then(Json::as_array).into_iter().flatten();
        let parents = parents.chain(definition.get("link").filter(|_| section == "vlans")).filter_map(Json::as_str);
        for parent in parents {
            if !configuration.devices.contains_key(parent) {
                return Err(format!("Error in network definition: {name}: interface '{parent}' is not defined"));
            }
        }
    }
    Ok(configuration)
}

impl Configuration {
    /// The renderer that is not simulated, where a device has one.
    pub(in super::super) fn other_renderer(&self) -> Option<&str> {
        let renderers = self.devices.values().filter_map(|(_, definition)| text(definition, "renderer"));
        renderers.into_iter().find(|renderer| *renderer != "networkd")
    }

    /// What networkd makes of it.
    pub(in super::super) fn bring_up(&self, kernel: &mut Kernel, around: &Surroundings) {
        self.make_devices(kernel);
        for (name, (_, definition)) in &self.devices {
            let master = self.devices.iter().find(|(_, (section, bridge))| {
                section == "bridges" && list(bridge, "interfaces").any(|member| member.as_str() == Some(name))
            });
            let Some(link) = kernel.links.get_mut(name) else { continue };
            link.is_up = true;
            link.is_managed = true;
            link.master = master.map(|(bridge, _)| bridge.clone());
            link.mtu = definition.get("mtu").and_then(Json::as_u64).unwrap_or(1500);
            link.addresses = list(definition, "addresses")
                .filter_map(|address| address.as_str()?.parse().ok())
                .map(|net| Address { net, is_leased: false })
                .collect();
        }
        let defined = |name: &str| self.devices.contains_key(name);
        kernel.routes.retain(|route| !defined(&route.device));
        self.lease(kernel, around);
        self.set_routes(kernel);
        // What left the files stays, without what networkd gave it.
        for (_, link) in kernel.links.iter_mut().filter(|(name, link)| link.is_managed && !defined(name)) {
            link.is_managed = false;
            link.addresses.clear();
            if link.master.as_ref().is_some_and(|bridge| defined(bridge)) {
                link.master = None;
            }
        }
        kernel.prune();
    }

    fn make_devices(&self, kernel: &mut Kernel) {
        for (name, (section, definition)) in &self.devices {
            let nature = match section.as_str() {
                "vlans" => Nature::Vlan {
                    id: definition.get("id").and_then(Json::as_u64).unwrap_or_default(),
                    parent: text(definition, "link").unwrap_or_default().to_owned(),
                },
                "bridges" => bridge(definition),
                _ => continue,
            };
            match kernel.links.get_mut(name) {
                // A bridge takes new parameters; a VLAN stays what it was made as.
                Some(link) if matches!(link.nature, Nature::Bridge { .. }) => link.nature = nature,
                Some(_) => {}
                None => kernel.add(name, nature),
            }
        }
    }

    fn lease(&self, kernel: &mut Kernel, around: &Surroundings) {
        for (name, (_, definition)) in &self.devices {
            if !definition.get("dhcp4").is_some_and(is_true) {
                continue;
            }
            let Some((net, gateway)) = around.lease(kernel, name) else { continue };
            if let Some(link) = kernel.links.get_mut(name) {
                link.addresses.push(Address { net, is_leased: true });
            }
            kernel.routes.extend(gateway.map(|gateway| Route {
                to: "default".to_owned(),
                via: Some(gateway.to_string()),
                device: name.clone(),
                protocol: "dhcp".to_owned(),
                metric: Some(100),
                source: Some(net.addr().to_string()),
            }));
        }
    }

    fn set_routes(&self, kernel: &mut Kernel) {
        for (name, (_, definition)) in &self.devices {
            let of_gateway = text(definition, "gateway4").map(|via| ("default".to_owned(), via.to_owned(), None));
            let listed = list(definition, "routes").filter_map(|route| {
                let to = match text(route, "to")? {
                    "0.0.0.0/0" => "default",
                    to => to.strip_suffix("/32").unwrap_or(to),
                };
                Some((to.to_owned(), text(route, "via")?.to_owned(), route.get("metric").and_then(Json::as_u64)))
            });
            for (to, via, metric) in of_gateway.into_iter().chain(listed) {
                if kernel.reaches(name, &via) {
                    let (device, protocol) = (name.clone(), "static".to_owned());
                    kernel.routes.push(Route { to, via: Some(via), device, protocol, metric, source: None });
                }
            }
        }
    }
}

fn bridge(definition: &Json) -> Nature {
    let Some(parameters) = definition.get("parameters").and_then(Json::as_object) else {
        return Nature::Bridge { stp: false, forward_delay: 15 };
    };
    let stp = parameters.get("stp").is_none_or(is_true);
    let delay = parameters.get("forward-delay").and_then(Json::as_u64);
    Nature::Bridge { stp, forward_delay: delay.unwrap_or(15) }
}

fn text<'a>(value: &'a Json, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn list<'a>(value: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    value.get(key).and_then(Json::as_array).into_iter().flatten()
}

fn is_true(value: &Json) -> bool {
    value.as_bool().unwrap_or_else(|| matches!(value.as_str(), Some("true" | "yes" | "on" | "y")))
}
