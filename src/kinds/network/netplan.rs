//! netplan's files on a node: read, joined as netplan joins them, and told as devices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::device::{Device, Devices, Hop, Shape};
use super::live::Live;
use crate::observe::{Ask, Body, FileAnswer, Reply};

/// labctl's own file.
pub(super) const OWN: &str = "60-labctl.yaml";

/// Where files lie, the folder that wins first: a file hides those of its name in the folders after it.
pub(super) const FOLDERS: [&str; 3] = ["/run/netplan", "/etc/netplan", "/lib/netplan"];

/// The folder of what stays over a boot and is the administrator's.
pub(super) const ETC: &str = FOLDERS[1];

/// What a file that was moved aside is called beside its name.
pub(super) const ASIDE: &str = ".labctl-replaced";

/// Keys of a definition that change nothing that labctl looks at.
const WITHOUT_WEIGHT: [&str; 5] = ["optional", "dhcp6", "link-local", "critical", "ignore-carrier"];

/// A file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) folder: &'static str,
    pub(super) mode: u32,
    /// What stands below `network:`.
    network: Json,
}

impl File {
    /// Whether it says something of any device.
    pub(super) fn says_something(&self) -> bool {
        let is_full = |(section, value): (&String, &Json)| {
            !matches!(section.as_str(), "version" | "renderer") && value.as_object().is_some_and(|map| !map.is_empty())
        };
        self.network.as_object().into_iter().flatten().any(is_full)
    }
}

/// What to ask for the files of a folder.
pub(super) fn ask(folder: &str) -> Ask {
    Ask::Folder { path: folder.to_owned(), suffix: ".yaml".to_owned() }
}

/// What to ask for the files that were moved aside.
pub(super) fn ask_aside() -> Ask {
    Ask::Folder { path: ETC.to_owned(), suffix: ASIDE.to_owned() }
}

/// All files of all folders, in the order in which netplan reads them. Why, where one of them can't be read.
pub(super) fn read(reply: &Reply) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        for (name, answer) in reply.folder(&ask(folder))?.iter().filter(|(name, _)| !name.contains('/')) {
            files.push(parse(folder, name, answer)?);
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The files that were moved aside, under their old names, as far as they can be read.
pub(super) fn aside(reply: &Reply) -> Vec<File> {
    let files = reply.folder(&ask_aside()).into_iter().flatten();
    files.filter_map(|(name, answer)| parse(ETC, name.strip_suffix(ASIDE)?, answer).ok()).collect()
}

fn parse(folder: &'static str, name: &str, answer: &FileAnswer) -> Result<File, String> {
    let path = format!("{folder}/{name}");
    let FileAnswer::Regular { stat, body: Body::Bytes(bytes) } = answer else {
        let why = if let FileAnswer::Unreadable(why) = answer { why.as_str() } else { "it is no regular file" };
        return Err(format!("`{path}` can't be read: {why}"));
    };
    let text = String::from_utf8_lossy(bytes);
    let mut tree: Json = if text.trim().is_empty() {
        Json::Null
    } else {
        serde_saphyr::from_str(&text).map_err(|error| {
            let line = error.to_string().lines().next().unwrap_or_default().to_owned();
            format!("`{path}` is not YAML: {line}")
        })?
    };
    let network = tree.get_mut("network").map(Json::take).unwrap_or_default();
    Ok(File { name: name.to_owned(), folder, mode: stat.mode, network })
}

/// The files that netplan heeds at the next boot, less those that `without` names: what lies in `/run` counts as far as
/// it was not put there by labctl.
pub(super) fn at_boot<'a>(files: &'a [File], staged: &BTreeSet<&str>, without: &BTreeSet<&str>) -> Vec<&'a File> {
    let rank = |file: &File| FOLDERS.iter().position(|folder| *folder == file.folder);
    let mut winners: BTreeMap<&str, &File> = BTreeMap::new();
    for file in files {
        if (file.folder == FOLDERS[0] && staged.contains(file.name.as_str())) || without.contains(file.name.as_str()) {
            continue;
        }
        let winner = winners.entry(&file.name).or_insert(file);
        if rank(file) < rank(winner) {
            *winner = file;
        }
    }
    winners.into_values().collect()
}

/// What files say together: lists joined, of single values the last.
pub(super) fn devices<'a>(files: impl IntoIterator<Item = &'a File>, live: &Live) -> Devices {
    let mut all = Json::Null;
    for file in files {
        join(&mut all, &file.network);
    }
    read_network(&all, live)
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

fn read_network(network: &Json, live: &Live) -> Devices {
    let mut devices = Devices::new();
    let mut members: Vec<(String, &str, String)> = Vec::new();
    let renderer = network.get("renderer").and_then(Json::as_str);
    let sections = network.as_object().into_iter().flatten();
    for (section, name, definition) in sections.flat_map(|(section, definitions)| {
        definitions
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(name, definition)| (section.as_str(), name, definition))
    }) {
        let empty = Map::new();
        let definition = definition.as_object().unwrap_or(&empty);
        let name = real_name(name, definition, live);
        let mut device = read_device(section, definition);
        if let Some(renderer) = text(definition.get("renderer")).or(renderer).filter(|renderer| *renderer != "networkd")
        {
            device.others.insert("renderer".to_owned(), renderer.into());
        }
        for member in definition.get("interfaces").and_then(Json::as_array).into_iter().flatten() {
            members.push((member.as_str().unwrap_or_default().to_owned(), section, name.clone()));
        }
        devices.insert(name, device);
    }
    for (member, section, name) in members {
        let device = devices.entry(member).or_default();
        if section == "bridges" {
            device.bridge = Some(name);
        } else {
            device.others.insert(format!("member of {section}"), name.into());
        }
    }
    devices
}

/// The device that a definition is about: netplan's own name for it may be any.
fn real_name(id: &str, definition: &Map<String, Json>, live: &Live) -> String {
    if let Some(name) = text(definition.get("set-name")) {
        return name.to_owned();
    }
    let of_match = |key: &str| definition.get("match").and_then(|rule| text(rule.get(key)));
    if let Some(mac) = of_match("macaddress") {
        let has_it = |link: &&super::live::Link| link.address.as_deref() == Some(mac.to_ascii_lowercase().as_str());
        if let Some(link) = live.links().filter(|link| link.is_port()).find(has_it) {
            return link.name().to_owned();
        }
    }
    of_match("name").filter(|name| !name.contains(['*', '?', '['])).unwrap_or(id).to_owned()
}

fn read_device(section: &str, definition: &Map<String, Json>) -> Device {
    let mut device = Device::default();
    match section {
        "ethernets" => {}
        "vlans" => {
            device.shape = Shape::Vlan {
                id: definition.get("id").and_then(number).unwrap_or_default(),
                link: text(definition.get("link")).unwrap_or_default().to_owned(),
            };
        }
        "bridges" => device.shape = read_bridge(definition.get("parameters"), &mut device.others),
        other => {
            device.others.insert("section".to_owned(), other.into());
        }
    }
    for (key, value) in definition {
        read_key(section, key, value, &mut device);
    }
    device.addresses.sort();
    device.routes.sort();
    device
}

fn read_key(section: &str, key: &str, value: &Json, device: &mut Device) {
    let items = || value.as_array().into_iter().flatten();
    match (section, key) {
        ("vlans", "id" | "link") | ("bridges", "parameters") | (_, "interfaces" | "renderer") => {}
        (_, "addresses") => {
            for item in items() {
                match item {
                    Json::Object(labelled) => device.addresses.extend(labelled.keys().cloned()),
                    other => device.addresses.extend(other.as_str().map(str::to_owned)),
                }
            }
        }
        (_, "routes") => {
            for (at, item) in items().enumerate() {
                match read_route(item) {
                    Some(hop) => device.routes.push(hop),
                    None => drop(device.others.insert(format!("routes.{at}"), item.clone())),
                }
            }
        }
        (_, "gateway4") => device.routes.extend(text(Some(value)).map(|via| Hop {
            to: "default".to_owned(),
            via: via.to_owned(),
            metric: None,
        })),
        (_, "nameservers") => {
            let listed = |key: &str| value.get(key).and_then(Json::as_array).filter(|list| !list.is_empty());
            let addresses = listed("addresses").into_iter().flatten();
            device.nameservers.extend(addresses.filter_map(Json::as_str).map(str::to_owned));
            if let Some(search) = listed("search") {
                device.others.insert("nameservers.search".to_owned(), Json::Array(search.clone()));
            }
        }
        (_, "dhcp4") => device.dhcp = is_true(value),
        (_, "mtu") => device.mtu = number(value),
        (_, key) if WITHOUT_WEIGHT.contains(&key) && !(key == "dhcp6" && is_true(value)) => {}
        (_, key) => drop(device.others.insert(key.to_owned(), value.clone())),
    }
}

/// A bridge's parameters. netplan's default is the kernel's where there are none, and its own where there are some.
fn read_bridge(parameters: Option<&Json>, others: &mut BTreeMap<String, Json>) -> Shape {
    let Some(parameters) = parameters.and_then(Json::as_object) else {
        return Shape::Bridge { stp: false, forward_delay: 15 };
    };
    let modelled = ["stp", "forward-delay"];
    for (key, value) in parameters.iter().filter(|(key, _)| !modelled.contains(&key.as_str())) {
        others.insert(format!("parameters.{key}"), value.clone());
    }
    Shape::Bridge {
        stp: parameters.get("stp").is_none_or(is_true),
        forward_delay: parameters.get("forward-delay").and_then(number).unwrap_or(15),
    }
}

/// A route by way of an IPv4 gateway that says no more than homelab.toml can.
fn read_route(route: &Json) -> Option<Hop> {
    let known = ["to", "via", "metric", "on-link"];
    let route = route.as_object().filter(|route| route.keys().all(|key| known.contains(&key.as_str())))?;
    if route.get("on-link").is_some_and(is_true) {
        return None;
    }
    let (to, via) = (text(route.get("to"))?, text(route.get("via"))?);
    let to = match to {
        "default" | "0.0.0.0/0" => "default".to_owned(),
        host if !host.contains('/') => format!("{host}/32"),
        subnet => subnet.to_owned(),
    };
    (!via.contains(':')).then(|| Hop { to, via: via.to_owned(), metric: route.get("metric").and_then(number) })
}

fn text(value: Option<&Json>) -> Option<&str> {
    value.and_then(Json::as_str)
}

fn is_true(value: &Json) -> bool {
    value.as_bool().unwrap_or_else(|| matches!(value.as_str(), Some("true" | "yes" | "on" | "y")))
}

/// A number, also as a text and with a unit of seconds.
fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim_end_matches('s').parse().ok())
}
