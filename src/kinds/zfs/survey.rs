//! What is on a node, as the tables that would declare it: names, sizes and the properties that were set there by hand.
//!
//! Only what the thing has of its own is shown: what it inherits or has by default would become its own by being
//! declared. Encryption is left out, because its key is not declared.

use std::collections::BTreeMap;

use super::marks::{Carrier, natural_address};
use super::property;
use super::read::{self, Live, complaint, is_module_missing, pools_ask};
use super::site::is_name;
use super::trash;
use crate::lab::{Node, Size};
use crate::observe::{Ask, Reply};

use super::super::Surveyed;

const OF_KEYS: [&str; 5] = ["encryption", "keyformat", "keylocation", "pbkdf2iters", "altroot"];

fn get(sources: &[&str], properties: &str) -> Ask {
    let columns = ["-o", "name,property,value,source", properties];
    Ask::run(["zfs", "get", "-Hp", "-t", "filesystem,volume"].iter().chain(sources).chain(&columns).copied())
}

fn names_ask() -> Ask {
    get(&[], "type,volsize,refreservation")
}

fn own_ask() -> Ask {
    get(&["-s", "local,received"], "all")
}

/// What to ask for a survey of datasets and volumes.
pub(super) fn asks() -> Vec<Ask> {
    vec![names_ask(), own_ask()]
}

fn answer(reply: &Reply, ask: &Ask, program: &str) -> Result<BTreeMap<String, Live>, String> {
    let output = reply.output(ask)?;
    match output.code {
        0 => Ok(read::all(output)),
        _ if output.is_missing_program() || is_module_missing(output) => Ok(BTreeMap::new()),
        _ => Err(complaint(program, output)),
    }
}

/// The pools of a node.
pub(super) fn pools(node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
    let own = answer(reply, &own_ask(), "zfs get")?;
    let pools = answer(reply, &pools_ask(), "zpool get")?;
    Ok(pools
        .iter()
        .map(|(name, pool)| {
            let of_pool = pool.local().filter(|(property, _)| property::is_of_pool(property));
            let of_root = own.get(name).into_iter().flat_map(Live::local);
            let mut table = toml::Table::new();
            table.insert("node".to_owned(), node.name.as_str().into());
            insert_properties(&mut table, of_pool.chain(of_root), Carrier::Filesystem);
            surveyed(name, Carrier::Filesystem, table)
        })
        .collect())
}

/// The datasets or volumes of a node, pools' root datasets apart.
pub(super) fn things(carrier: Carrier, reply: &Reply) -> Result<Vec<Surveyed>, String> {
    let names = answer(reply, &names_ask(), "zfs get")?;
    let own = answer(reply, &own_ask(), "zfs get")?;
    let wanted = |(name, live): &(&String, &Live)| {
        name.contains('/') && is_name(name) && !trash::holds(name) && live.value("type") == Some(carrier.word())
    };
    Ok(names
        .iter()
        .filter(wanted)
        .map(|(name, live)| {
            let mut table = toml::Table::new();
            if carrier == Carrier::Volume {
                let size = Size(live.number("volsize").unwrap_or_default());
                table.insert("size".to_owned(), size.to_string().into());
            }
            // `zfs create -s` sets nothing: that a volume is thin shows only in what it doesn't reserve.
            let is_thin = carrier == Carrier::Volume && live.number("refreservation") == Some(0);
            let thin = is_thin.then_some(("refreservation", "none"));
            insert_properties(&mut table, own.get(name).into_iter().flat_map(Live::local).chain(thin), carrier);
            surveyed(name, carrier, table)
        })
        .collect())
}

fn surveyed(name: &str, carrier: Carrier, table: toml::Table) -> Surveyed {
    Surveyed { address: natural_address(name, carrier), name: name.to_owned(), entry: toml::Value::Table(table) }
}

fn insert_properties<'a>(table: &mut toml::Table, own: impl Iterator<Item = (&'a str, &'a str)>, carrier: Carrier) {
    let mut properties = toml::Table::new();
    for (name, value) in own {
        let value = property::canonical(name, value);
        // A thick volume reserves its size by itself; a filesystem without a limit is as one that never had one.
        let goes_without_saying = match (carrier, name) {
            (Carrier::Volume, "refreservation") => value != "none",
            _ => value == "none" && property::is_limit(name),
        };
        if property::undeclarable(name).is_none() && !OF_KEYS.contains(&name) && !goes_without_saying {
            properties.insert(name.to_owned(), value.into());
        }
    }
    if !properties.is_empty() {
        table.insert("properties".to_owned(), toml::Value::Table(properties));
    }
}
