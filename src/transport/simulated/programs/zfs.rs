//! `zfs` and `zpool`.

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::storage::Row;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

const NO_MODULE: &str = "The ZFS modules are not loaded.\nTry running 'modprobe zfs' as root to load them.";

/// The options of a `get`.
#[derive(Debug, Default)]
struct Get<'a> {
    columns: Vec<&'a str>,
    types: Vec<&'a str>,
    sources: Vec<&'a str>,
    properties: Vec<&'a str>,
    names: Vec<&'a str>,
    /// `-d`: how far below a name its snapshots may lie.
    depth: Option<&'a str>,
}

fn get<'a>(arguments: &[&'a str]) -> Option<Get<'a>> {
    let mut get = Get { columns: vec!["name", "property", "value", "source"], ..Get::default() };
    let (mut is_plain, mut words) = (false, arguments.iter());
    let list = |word: Option<&&'a str>| word.map(|word| word.split(',').collect::<Vec<_>>());
    while let Some(word) = words.next() {
        match *word {
            "-Hp" | "-H" => is_plain = true,
            "-o" => get.columns = list(words.next())?,
            "-t" => get.types = list(words.next())?,
            "-s" => get.sources = list(words.next())?,
            "-d" => get.depth = words.next().copied(),
            word if word.starts_with('-') => return None,
            word if get.properties.is_empty() => get.properties = word.split(',').collect(),
            word => get.names.push(word),
        }
    }
    is_plain.then_some(get)
}

impl Get<'_> {
    fn lines(&self, name: &str, rows: &[Row]) -> String {
        let mut text = String::new();
        let all = || rows.to_vec();
        let nothing =
            |property: &&str| Row { property: (*property).to_owned(), value: "-".to_owned(), source: "-".to_owned() };
        let chosen: Vec<Row> = if self.properties == ["all"] {
            all()
        } else {
            let find = |property: &&str| rows.iter().find(|row| row.property == *property).cloned();
            self.properties.iter().map(|property| find(property).unwrap_or_else(|| nothing(property))).collect()
        };
        for row in chosen {
            let source = row.source.split(' ').next().unwrap_or_default();
            if !self.sources.is_empty() && !self.sources.contains(&source) {
                continue;
            }
            let columns: Vec<&str> = self
                .columns
                .iter()
                .map(|column| match *column {
                    "name" => name,
                    "property" => &row.property,
                    "value" => &row.value,
                    _ => &row.source,
                })
                .collect();
            text += &(columns.join("\t") + "\n");
        }
        text
    }
}

fn settings<'a>(words: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    words.iter().map(|word| word.split_once('=')).collect()
}

pub(super) fn zfs(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    if !machine.tuning.is_loaded("zfs") {
        return failed(1, NO_MODULE);
    }
    let answer = |result: Result<(), String>| match result {
        Ok(()) => done(),
        Err(words) if words.starts_with("cannot set") => failed(255, words),
        Err(words) => failed(1, words),
    };
    match arguments {
        ["get", rest @ ..] => zfs_get(machine, rest, arguments),
        ["set", rest @ .., name] => {
            let Some(settings) = settings(rest) else { return unknown("zfs", arguments) };
            for (property, value) in settings {
                if let Err(words) = machine.storage.set(name, property, value) {
                    return answer(Err(words));
                }
            }
            mount(machine);
            done()
        }
        ["list", "-H", "-o", "name"] => {
            said(machine.storage.names().map(|name| format!("{name}\n")).collect::<String>())
        }
        ["list", "-Hp", "-r", "-t", "all", "-o", columns, name] => zfs_list(machine, columns, name),
        ["rename", from, to] => answer(machine.storage.rename(from, to)),
        ["unmount", name] => match machine.storage.unmount(name) {
            Ok(()) => done(),
            Err(words) => failed(1, words),
        },
        ["inherit", "-r", property, name] => answer(machine.storage.inherit_below(name, property)),
        ["inherit", property, name] => answer(machine.storage.inherit(name, property)),
        ["create", rest @ .., name] => {
            let Some((size, settings, with_parents)) = creation(rest) else { return unknown("zfs", arguments) };
            let made = machine.storage.create(name, size, &settings, with_parents);
            mount(machine);
            answer(made)
        }
        ["list", "-H", "-t", "snapshot", "-o", "name", name] => {
            if machine.storage.snapshot_rows(name).is_empty() {
                return failed(1, format!("cannot open '{name}': dataset does not exist"));
            }
            said(format!("{name}\n"))
        }
        ["snapshot", name] => answer(machine.storage.take_snapshot(name, &[], now(machine))),
        ["snapshot", "-o", setting, name] => {
            let Some(setting) = setting.split_once('=') else { return unknown("zfs", arguments) };
            answer(machine.storage.take_snapshot(name, &[setting], now(machine)))
        }
        ["hold", tag, name] => answer(machine.storage.hold(tag, name)),
        ["destroy", name] if name.contains('@') => answer(machine.storage.destroy_snapshot(name)),
        ["destroy", "-r", name] => answer(machine.storage.destroy(name, true)),
        ["destroy", name] => answer(machine.storage.destroy(name, false)),
        _ => unknown("zfs", arguments),
    }
}

fn now(machine: &Machine) -> u64 {
    u64::try_from(machine.clock.wall()).unwrap_or_default()
}

type Creation<'a> = (Option<&'a str>, Vec<(&'a str, &'a str)>, bool);

fn creation<'a>(words: &[&'a str]) -> Option<Creation<'a>> {
    let (mut size, mut settings, mut with_parents) = (None, Vec::new(), false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-p" => with_parents = true,
            "-V" => size = Some(*words.next()?),
            "-o" => settings.push(words.next()?.split_once('=')?),
            _ => return None,
        }
    }
    Some((size, settings, with_parents))
}

/// Makes the folders that filesystems are mounted on.
fn mount(machine: &mut Machine) {
    let names: Vec<String> = machine.storage.names().map(str::to_owned).collect();
    for point in names.iter().filter_map(|name| machine.storage.mountpoint(name)) {
        machine.files.make_folders(&point, 0o755);
    }
}

/// `zfs list` of a name and all below it, snapshots too.
fn zfs_list(machine: &Machine, columns: &str, name: &str) -> Result<Output, Gap> {
    let storage = &machine.storage;
    if storage.kind(name).is_none() {
        return failed(1, format!("cannot open '{name}': dataset does not exist"));
    }
    let below = format!("{name}/");
    let mut text = String::new();
    let mut line = |each: &str, rows: &[Row]| {
        let value = |column: &str| match column {
            "name" => each.to_owned(),
            column => rows.iter().find(|row| row.property == column).map_or("-".to_owned(), |row| row.value.clone()),
        };
        text += &(columns.split(',').map(value).collect::<Vec<_>>().join("\t") + "\n");
    };
    for each in storage.names().filter(|other| *other == name || other.starts_with(&below)) {
        line(each, &storage.rows(each));
        storage.snapshot_names(each).iter().for_each(|snapshot| line(snapshot, &storage.snapshot_rows(snapshot)));
    }
    said(text)
}

fn zfs_get(machine: &Machine, rest: &[&str], arguments: &[&str]) -> Result<Output, Gap> {
    let Some(get) = get(rest) else { return unknown("zfs", arguments) };
    let storage = &machine.storage;
    let mut output = Output::default();
    let names: Vec<&str> = if get.names.is_empty() { storage.names().collect() } else { get.names.clone() };
    let of_snapshots = get.types == ["snapshot"];
    if of_snapshots && get.depth != Some("1") {
        return unknown("zfs", arguments);
    }
    for name in names {
        let snapshot = storage.snapshot_rows(name);
        if !snapshot.is_empty() {
            output.stdout.extend(get.lines(name, &snapshot).into_bytes());
            continue;
        }
        let Some(kind) = storage.kind(name) else {
            output.stderr += &format!("cannot open '{name}': dataset does not exist\n");
            output.code = 1;
            continue;
        };
        for snapshot in storage.snapshot_names(name).iter().filter(|_| of_snapshots) {
            output.stdout.extend(get.lines(snapshot, &storage.snapshot_rows(snapshot)).into_bytes());
        }
        if get.types.is_empty() || get.types.contains(&kind) {
            output.stdout.extend(get.lines(name, &storage.rows(name)).into_bytes());
        }
    }
    Ok(output)
}

pub(super) fn zpool(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    if !machine.tuning.is_loaded("zfs") {
        return failed(1, NO_MODULE);
    }
    let storage = &mut machine.storage;
    match arguments {
        ["get", rest @ ..] => {
            let Some(get) = get(rest) else { return unknown("zpool", arguments) };
            let names: Vec<String> = match get.names.as_slice() {
                [] => storage.pools.keys().cloned().collect(),
                names => names.iter().map(|name| (*name).to_owned()).collect(),
            };
            let mut output = Output::default();
            for name in names {
                let rows = storage.pool_rows(&name);
                if rows.is_empty() && !get.names.is_empty() {
                    output.stderr += &format!("cannot open '{name}': no such pool\n");
                    output.code = 1;
                }
                if !rows.is_empty() {
                    output.stdout.extend(get.lines(&name, &rows).into_bytes());
                }
            }
            Ok(output)
        }
        ["list", "-H", "-o", "name"] => {
            let pools = storage.pools.iter().filter(|(_, pool)| !pool.is_exported);
            said(pools.map(|(name, _)| format!("{name}\n")).collect::<String>())
        }
        ["set", setting, name] => {
            let Some((property, value)) = setting.split_once('=') else { return unknown("zpool", arguments) };
            match storage.set_pool(name, property, value) {
                Ok(()) => done(),
                Err(words) => failed(1, words),
            }
        }
        ["export" | "import", name] => {
            let Some(pool) = storage.pools.get_mut(*name) else {
                return failed(1, format!("cannot open '{name}': no such pool"));
            };
            pool.is_exported = arguments[0] == "export";
            done()
        }
        ["create", rest @ ..] => zpool_create(machine, rest, arguments),
        _ => unknown("zpool", arguments),
    }
}

fn zpool_create(machine: &mut Machine, rest: &[&str], arguments: &[&str]) -> Result<Output, Gap> {
    let (mut of_pool, mut of_root, mut words) = (Vec::new(), Vec::new(), rest.iter().peekable());
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        let Some(setting) = words.next().and_then(|setting| setting.split_once('=')) else {
            return unknown("zpool", arguments);
        };
        match *option {
            "-o" => of_pool.push(setting),
            "-O" => of_root.push(setting),
            _ => return unknown("zpool", arguments),
        }
    }
    let Some(name) = words.next() else { return unknown("zpool", arguments) };
    let layouts = ["mirror", "raidz1", "raidz2", "raidz3"];
    let layout = words.next_if(|word| layouts.contains(*word)).copied().unwrap_or_default();
    let disks: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    match machine.storage.create_pool(name, (layout, &disks), &of_pool, &of_root) {
        Ok(()) => {
            mount(machine);
            done()
        }
        Err(words) => failed(1, words),
    }
}
