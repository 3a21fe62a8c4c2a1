//! Marks on pools, datasets and volumes: user properties, of which only those with source `local` count, because every
//! child inherits them.
//!
//! A pool's mark lies on its root dataset, which no other resource is: user properties of pools themselves came with
//! OpenZFS 2.2 only, and `zpool create -O` sets these in the same act that makes the pool.

use std::collections::BTreeMap;

use super::read::{complaint, is_module_missing};
use crate::lab::Address;
use crate::observe::{Ask, Reply};
use crate::plan::{Mark, Origin, Step};

const LAB: &str = "labctl:lab";
const ADDRESS: &str = "labctl:address";
const ORIGIN: &str = "labctl:origin";
const OWNS: &str = "labctl:owns";
const DIGEST: &str = "labctl:digest";

/// What carries marks, in `zfs`'s words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Filesystem,
    Volume,
}

impl Carrier {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Volume => "volume",
        }
    }
}

/// All marks of all datasets (pools among them) or volumes of a node; what inherits one is not listed.
pub(super) fn ask(carrier: Carrier) -> Ask {
    let properties = [LAB, ADDRESS, ORIGIN, OWNS, DIGEST].join(",");
    Ask::run(["zfs", "get", "-Hp", "-t", carrier.word(), "-s", "local", "-o", "name,property,value", &properties])
}

/// The marks by name. Without ZFS, or without its module, nothing is there that could carry one.
pub(super) fn read(reply: &Reply, carrier: Carrier) -> Result<Vec<(String, Mark)>, String> {
    let output = reply.output(&ask(carrier))?;
    if output.is_missing_program() || is_module_missing(output) {
        return Ok(Vec::new());
    }
    if output.code != 0 {
        return Err(complaint("zfs get", output));
    }
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in output.text().lines() {
        let mut columns = line.splitn(3, '\t');
        if let (Some(name), Some(property), Some(value)) = (columns.next(), columns.next(), columns.next()) {
            found.entry(name.to_owned()).or_default().insert(property.to_owned(), value.to_owned());
        }
    }
    Ok(found
        .into_iter()
        .filter_map(|(name, properties)| mark(&name, carrier, &properties).map(|mark| (name, mark)))
        .collect())
}

/// A mark that lost a part still says whose the thing is; what is lost is read in the most careful way.
fn mark(name: &str, carrier: Carrier, properties: &BTreeMap<String, String>) -> Option<Mark> {
    let text = |property| properties.get(property).map_or("", String::as_str);
    let lab = properties.get(LAB).filter(|lab| !lab.is_empty())?;
    let (origin, pending) = match text(ORIGIN).split_once(' ') {
        Some((origin, words)) => (origin, words == "pending"),
        None => (text(ORIGIN), false),
    };
    Some(Mark {
        lab: lab.clone(),
        address: text(ADDRESS).parse().unwrap_or_else(|_| natural_address(name, carrier)),
        origin: match origin {
            "made" => Origin::Made,
            "released" => Origin::Released,
            _ => Origin::Adopted,
        },
        owns: text(OWNS).split(',').filter(|owned| !owned.is_empty()).map(str::to_owned).collect(),
        digest: text(DIGEST).to_owned(),
        inputs: None,
        pending,
    })
}

/// The address that a thing has where nothing else is said.
pub(super) fn natural_address(name: &str, carrier: Carrier) -> Address {
    match (name.split_once('/'), carrier) {
        (None, _) => Address::new(["pools", name]),
        (Some((pool, path)), Carrier::Filesystem) => Address::new(["pools", pool, "datasets", path]),
        (Some((pool, path)), Carrier::Volume) => Address::new(["pools", pool, "volumes", path]),
    }
}

/// The mark as `property=value`.
pub(super) fn settings(mark: &Mark) -> [String; 5] {
    let origin = match mark.origin {
        Origin::Made => "made",
        Origin::Adopted => "adopted",
        Origin::Released => "released",
    };
    let owns: Vec<&str> = mark.owns.iter().map(String::as_str).collect();
    [
        format!("{LAB}={}", mark.lab),
        format!("{ADDRESS}={}", mark.address),
        format!("{ORIGIN}={origin}{}", if mark.pending { " pending" } else { "" }),
        format!("{OWNS}={}", owns.join(",")),
        format!("{DIGEST}={}", mark.digest),
    ]
}

/// Writes a mark on a pool, dataset or volume that exists.
pub(super) fn write(name: &str, mark: &Mark) -> Step {
    let argv = ["zfs", "set"].into_iter().map(str::to_owned).chain(settings(mark)).chain([name.to_owned()]);
    Step::run(format!("mark {name}"), argv)
}

#[cfg(test)]
mod tests {
    use super::{Carrier, ask, read, settings};
    use crate::observe::{Answer, Output, Reply};
    use crate::plan::{Attributes, Mark, Origin};

    fn reply(code: u32, stdout: &str, stderr: &str) -> Reply {
        let output = Output { stdout: stdout.into(), stderr: stderr.to_owned(), code };
        [(ask(Carrier::Filesystem), Answer::Output(output))].into_iter().collect()
    }

    fn example() -> Mark {
        let attributes: Attributes =
            [("atime".to_owned(), "off".into()), ("quota".to_owned(), "1GiB".into())].into_iter().collect();
        Mark::new("mobius", &r#"pools.vms.datasets."a b""#.parse().unwrap(), Origin::Made, &attributes)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for mark in [example(), example().pending(), example().released()] {
            let lines = settings(&mark).map(|it| format!("vms/a b\t{}", it.replacen('=', "\t", 1)));
            assert_eq!(
                read(&reply(0, &lines.join("\n"), ""), Carrier::Filesystem),
                Ok(vec![("vms/a b".to_owned(), mark)])
            );
        }
    }

    #[test]
    fn a_mark_without_its_lab_is_none_and_one_without_the_rest_is_read_carefully() {
        let read = |text: &str| read(&reply(0, text, ""), Carrier::Filesystem).unwrap();
        assert_eq!(read("vms\tlabctl:digest\tx\n"), []);
        let [(_, mark)] = &read("vms/x\tlabctl:lab\tmobius\n")[..] else { panic!("no mark") };
        assert_eq!((mark.origin, mark.address.to_string().as_str()), (Origin::Adopted, "pools.vms.datasets.x"));
    }

    #[test]
    fn unreadable_marks_are_not_taken_for_no_marks() {
        assert!(read(&reply(1, "", "permission denied"), Carrier::Filesystem).is_err());
        assert!(read(&Reply::default(), Carrier::Filesystem).is_err());
        assert_eq!(read(&reply(127, "", "zfs: not found"), Carrier::Filesystem), Ok(Vec::new()));
    }
}
