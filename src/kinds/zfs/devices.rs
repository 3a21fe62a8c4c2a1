//! What lies on the devices that a pool may be created on: a pool takes only what holds nothing.
//!
//! `zpool create` alone is no guard: it takes a disk with a partition table without a word. `lsblk` knows partitions,
//! mounts and, from udev, signatures, and needs no root; `blkid -p` reads the device itself.

use serde_json::Value as Json;

use crate::observe::{Ask, FileAnswer, Reply};
use crate::plan::Guard;

const TREE: [&str; 5] = ["lsblk", "-J", "-b", "-o", "NAME,PATH,TYPE,FSTYPE,PTTYPE,LABEL,PARTLABEL,MOUNTPOINT"];

/// All block devices of a node.
pub(super) fn tree_ask() -> Ask {
    Ask::run(TREE)
}

fn one_ask(device: &str) -> Ask {
    Ask::run(TREE.into_iter().chain([device]))
}

fn signature_argv(device: &str) -> Vec<String> {
    ["blkid", "-p", "-o", "export", device].map(str::to_owned).to_vec()
}

fn file_ask(device: &str) -> Ask {
    Ask::File { path: device.to_owned(), limit: 0 }
}

/// What to ask about one device.
pub(super) fn asks(device: &str) -> Vec<Ask> {
    if !is_path(device) {
        return Vec::new();
    }
    vec![one_ask(device), Ask::Run(signature_argv(device)), file_ask(device)]
}

fn is_path(device: &str) -> bool {
    device.starts_with('/')
}

/// Why nothing can be made on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It holds something: what.
    Holds(String),
    /// It isn't there, or can't be looked at.
    Unfit(String),
}

/// The guards that a device still holds nothing, or what it holds.
pub(super) fn blank(reply: &Reply, device: &str) -> Result<Vec<Guard>, Fault> {
    if !is_path(device) {
        return Err(Fault::Unfit(format!("`{device}` is no path of a device; write `/dev/disk/by-id/…`")));
    }
    let unfit = |why: &str| Fault::Unfit(format!("what is on `{device}` can't be told: {why}"));
    let mut guards = Vec::new();
    let mut is_half_made = false;
    let tree = reply.output(&one_ask(device)).map_err(|why| unfit(&why))?;
    if tree.code == 0 {
        let json: Json = serde_json::from_slice(&tree.stdout).map_err(|error| unfit(&error.to_string()))?;
        let disks = json["blockdevices"].as_array().map_or(&[][..], Vec::as_slice);
        if disks.is_empty() {
            return Err(unfit("`lsblk` lists nothing"));
        }
        is_half_made = disks.iter().all(is_cut_off);
        if let Some(what) = disks.iter().filter(|disk| !is_cut_off(disk)).find_map(contents) {
            return Err(Fault::Holds(format!("`{device}` holds {what}")));
        }
        let argv = TREE.into_iter().chain([device]).map(str::to_owned).collect();
        guards.push(Guard::Output { argv, stdout: tree.text().into_owned() });
    } else {
        match reply.file(&file_ask(device)).map_err(|why| unfit(&why))? {
            FileAnswer::Regular { .. } => {}
            FileAnswer::Absent => return Err(Fault::Unfit(format!("there is no `{device}`"))),
            FileAnswer::Other(what) | FileAnswer::Unreadable(what) => {
                return Err(Fault::Unfit(format!("`{device}` is no block device: {what}")));
            }
        }
    }
    let signature = reply.output(&Ask::Run(signature_argv(device))).map_err(|why| unfit(&why))?;
    let text = signature.text();
    match (signature.code, text.trim(), signature.stderr.trim()) {
        (2, "", "") => {}
        (0, "", _) => return Err(unfit("`blkid` found something and does not say what")),
        (0, text, _) => match signature_words(text) {
            Some(_) if is_half_made && field(text, "TYPE").is_none() => {}
            Some(what) => return Err(Fault::Holds(format!("`{device}` holds {what}"))),
            None => {}
        },
        // 8: several signatures that contradict each other.
        (8, ..) => return Err(Fault::Holds(format!("`{device}` holds signatures of several kinds"))),
        _ => return Err(unfit(&signature.complaint())),
    }
    guards.push(Guard::Output { argv: signature_argv(device), stdout: text.into_owned() });
    Ok(guards)
}

/// Whether a disk has the partitions that `zpool create` begins with and no label of a pool: it was cut off there, and
/// the next one can take the disk. There is nothing to lose: a pool's data can't be reached without its labels.
fn is_cut_off(disk: &Json) -> bool {
    let parts = disk["children"].as_array().map_or(&[][..], Vec::as_slice);
    let is_blank = |part: &Json| part["fstype"].is_null() && part["mountpoint"].is_null() && part["children"].is_null();
    let is_first = |part: &Json| part["partlabel"].as_str().is_some_and(|label| label.starts_with("zfs-"));
    disk["fstype"].is_null() && parts.len() == 2 && parts.iter().all(is_blank) && parts.iter().any(is_first)
}

/// A device that carries the label of a pool of that name.
pub(super) fn member_of(reply: &Reply, devices: &[String], pool: &str) -> Option<String> {
    let tree = reply.output(&tree_ask()).ok().and_then(|tree| serde_json::from_slice::<Json>(&tree.stdout).ok());
    let in_tree = tree.and_then(|json| find_member(&json["blockdevices"], pool));
    in_tree.or_else(|| {
        devices
            .iter()
            .find(|device| {
                let signature = reply.output(&Ask::Run(signature_argv(device)));
                signature.is_ok_and(|output| {
                    let text = output.text();
                    field(&text, "TYPE") == Some("zfs_member") && field(&text, "LABEL") == Some(pool)
                })
            })
            .cloned()
    })
}

fn find_member(devices: &Json, pool: &str) -> Option<String> {
    devices.as_array()?.iter().find_map(|device| {
        if device["fstype"] == "zfs_member" && device["label"] == pool {
            return device["path"].as_str().map(str::to_owned);
        }
        find_member(&device["children"], pool)
    })
}

fn contents(device: &Json) -> Option<String> {
    if let Some(mountpoint) = device["mountpoint"].as_str() {
        return Some(format!("what is mounted at `{mountpoint}`"));
    }
    let below = device["children"].as_array().into_iter().flatten().find_map(|child| {
        contents(child).map(|what| format!("{what} (on {})", child["path"].as_str().unwrap_or("a part of it")))
    });
    match (device["fstype"].as_str(), below, device["pttype"].as_str()) {
        (Some("zfs_member"), ..) => Some(match device["label"].as_str() {
            Some(pool) => format!("a part of the pool `{pool}`"),
            None => "a part of a pool".to_owned(),
        }),
        (Some(kind), ..) => Some(format!("`{kind}`")),
        (None, Some(below), _) => Some(below),
        (None, None, Some(table)) if device["type"] != "part" => Some(format!("a partition table (`{table}`)")),
        (None, None, _) if device["children"].as_array().is_some_and(|children| !children.is_empty()) => {
            Some("other devices".to_owned())
        }
        (None, None, _) => None,
    }
}

/// What `blkid` found, apart from a partition's own place in its table.
fn signature_words(text: &str) -> Option<String> {
    Some(match (field(text, "TYPE"), field(text, "LABEL"), field(text, "PTTYPE")) {
        (Some("zfs_member"), Some(pool), _) => format!("a part of the pool `{pool}`"),
        (Some(kind), ..) => format!("`{kind}`"),
        (None, _, Some(table)) => format!("a partition table (`{table}`)"),
        (None, _, None) if text.lines().all(|line| line.starts_with("DEVNAME=") || line.starts_with("PART_ENTRY_")) => {
            return None;
        }
        (None, _, None) => "something that `blkid` knows".to_owned(),
    })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::{Fault, blank, field, file_ask, member_of, one_ask, signature_argv, tree_ask};
    use crate::observe::{Answer, Ask, FileAnswer, Output, Reply};

    fn output(code: u32, stdout: &str, stderr: &str) -> Answer {
        Answer::Output(Output { stdout: stdout.into(), stderr: stderr.to_owned(), code })
    }

    fn device(tree: &str, signature: Answer) -> Reply {
        let tree = output(0, &format!(r#"{{"blockdevices":[{tree}]}}"#), "");
        [(one_ask("/dev/vdb"), tree), (Ask::Run(signature_argv("/dev/vdb")), signature)].into_iter().collect()
    }

    #[test]
    fn a_device_is_blank_only_where_both_programs_say_so() {
        let nothing = r#"{"name":"vdb","path":"/dev/vdb","type":"disk","fstype":null,"pttype":null,"mountpoint":null}"#;
        assert_eq!(blank(&device(nothing, output(2, "", "")), "/dev/vdb").unwrap().len(), 2);
        for (tree, signature, words) in [
            (nothing, output(0, "DEVNAME=/dev/vdb\nTYPE=ext4\nUSAGE=filesystem\n", ""), "`ext4`"),
            (nothing, output(0, "DEVNAME=/dev/vdb\nPTTYPE=gpt\n", ""), "a partition table (`gpt`)"),
            (nothing, output(8, "", ""), "signatures of several kinds"),
            (r#"{"type":"disk","pttype":"gpt"}"#, output(2, "", ""), "a partition table (`gpt`)"),
            (r#"{"type":"disk","fstype":"ext4","mountpoint":"/srv"}"#, output(2, "", ""), "mounted at `/srv`"),
            (
                r#"{"type":"disk","pttype":"gpt","children":[{"path":"/dev/vdb1","type":"part","pttype":"gpt",
                   "fstype":"zfs_member","label":"tank"}]}"#,
                output(2, "", ""),
                "a part of the pool `tank` (on /dev/vdb1)",
            ),
        ] {
            match blank(&device(tree, signature), "/dev/vdb") {
                Err(Fault::Holds(what)) => assert!(what.contains(words), "{what}"),
                other => panic!("{words}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_disk_that_a_cut_off_zpool_create_has_partitioned_is_blank() {
        let tree = |kind: &str| {
            format!(
                r#"{{"type":"disk","fstype":null,"pttype":"gpt","children":[
                {{"type":"part","pttype":"gpt","fstype":{kind},"partlabel":"zfs-36afb84f73a11613","mountpoint":null}},
                {{"type":"part","pttype":"gpt","fstype":null,"partlabel":null,"mountpoint":null}}]}}"#
            )
        };
        let table = || output(0, "DEVNAME=/dev/vdc\nPTUUID=35d8\nPTTYPE=gpt\n", "");
        assert_eq!(blank(&device(&tree("null"), table()), "/dev/vdb").unwrap().len(), 2);
        let held = blank(&device(&tree(r#""zfs_member""#), table()), "/dev/vdb");
        assert!(matches!(held, Err(Fault::Holds(_))), "{held:?}");
    }

    #[test]
    fn a_blank_partition_is_as_good_as_a_blank_disk() {
        let part = r#"{"type":"part","fstype":null,"pttype":"gpt","partlabel":"data","mountpoint":null}"#;
        let entry = output(0, "DEVNAME=/dev/vdb\nPART_ENTRY_SCHEME=gpt\nPART_ENTRY_NUMBER=1\n", "");
        assert!(blank(&device(part, entry), "/dev/vdb").is_ok());
    }

    #[test]
    fn what_can_not_be_looked_at_is_not_blank() {
        let nothing = r#"{"type":"disk"}"#;
        for signature in [
            output(2, "", "blkid: error: /dev/vdb: Permission denied"),
            output(127, "", "blkid: not found"),
            output(0, "", ""),
        ] {
            assert!(matches!(blank(&device(nothing, signature), "/dev/vdb"), Err(Fault::Unfit(_))));
        }
        assert!(matches!(blank(&Reply::default(), "/dev/vdb"), Err(Fault::Unfit(_))));
        assert!(matches!(blank(&Reply::default(), "-f"), Err(Fault::Unfit(_))));
        let unlisted = device("", output(0, "PTTYPE=gpt\n", ""));
        assert!(matches!(blank(&unlisted, "/dev/vdb"), Err(Fault::Unfit(_))));
        // `blkid -p` says of a path that is not there what it says of a blank device.
        let gone: Reply = [
            (one_ask("/dev/x"), output(32, "", "lsblk: /dev/x: not a block device")),
            (file_ask("/dev/x"), Answer::File(FileAnswer::Absent)),
            (Ask::Run(signature_argv("/dev/x")), output(2, "", "")),
        ]
        .into_iter()
        .collect();
        assert_eq!(blank(&gone, "/dev/x"), Err(Fault::Unfit("there is no `/dev/x`".to_owned())));
    }

    #[test]
    fn an_exported_pool_is_found_by_its_label() {
        let tree = r#"{"blockdevices":[{"path":"/dev/vdb","fstype":null,"children":[
            {"path":"/dev/vdb1","fstype":"zfs_member","label":"tank"}]}]}"#;
        let reply: Reply = [(tree_ask(), output(0, tree, ""))].into_iter().collect();
        assert_eq!(member_of(&reply, &[], "tank").as_deref(), Some("/dev/vdb1"));
        assert_eq!(member_of(&reply, &[], "vms"), None);
        let file = ["/srv/tank.img".to_owned()];
        let reply: Reply = [(Ask::Run(signature_argv(&file[0])), output(0, "LABEL=tank\nTYPE=zfs_member\n", ""))]
            .into_iter()
            .collect();
        assert_eq!(member_of(&reply, &file, "tank").as_deref(), Some("/srv/tank.img"));
        assert_eq!(field("A=b=c\n", "A"), Some("b=c"));
    }
}
