//! Pools, datasets and volumes: what ZFS would refuse only when half of the plan is done.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::config::tables::VolumeTable;
use crate::config::{Diagnostic, Located, Scalar};
use crate::lab::Size;

/// The rules on storage.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB201",
        name: "volume-and-dataset",
        about: "One path below a pool is declared as a dataset and as a volume.",
        check: volume_and_dataset,
    },
    Rule {
        code: "LAB202",
        name: "volume-size",
        about: "The size of a volume is no multiple of its block size (`volblocksize`, 16KiB by default): ZFS refuses it.",
        check: volume_size,
    },
    Rule {
        code: "LAB203",
        name: "volume-block-size",
        about: "`volblocksize` is a power of two from 512 bytes to 128KiB, and can't be changed later.",
        check: block_size,
    },
    Rule {
        code: "LAB204",
        name: "below-a-volume",
        about: "A volume is a block device: nothing can lie below it.",
        check: below_a_volume,
    },
    Rule {
        code: "LAB205",
        name: "device-twice",
        about: "One device is named twice on a node: in two pools, or twice in one.",
        check: device_twice,
    },
    Rule {
        code: "LAB206",
        name: "size-as-property",
        about: "The size of a volume stands in `size`; `volsize` among its properties would be a second one, and could shrink it.",
        check: size_as_property,
    },
];

/// The default since `OpenZFS` 2.2 (zfsprops(7)).
const DEFAULT_BLOCK: Size = Size(16 * 1024);

fn volume_and_dataset(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (pool, table) in subject.file.pools.iter() {
        for volume in table.volumes.names() {
            if let Some(dataset) = table.datasets.names().find(|dataset| dataset.value == volume.value) {
                let summary = format!("`{}/{}` is declared as a volume and as a dataset", pool.value, volume.value);
                let finding = rule.error(summary, &volume.place, "a volume here");
                found.push(finding.also(dataset.place.clone(), "a dataset here").help("keep one of them"));
            }
        }
    }
    found
}

fn volumes<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (String, &'a VolumeTable)> + use<'a> {
    let pools = subject.file.pools.iter();
    pools.flat_map(|(pool, table)| {
        table.volumes.iter().map(move |(path, volume)| (format!("{}/{}", pool.value, path.value), volume))
    })
}

fn declared_block(volume: &VolumeTable) -> Option<(&Located<Scalar>, Option<Size>)> {
    let value = volume.properties.get("volblocksize")?;
    Some((value, Size::parse_zfs(&value.value.0).ok()))
}

fn is_block(size: Size) -> bool {
    size.0.is_power_of_two() && (512..=128 * 1024).contains(&size.0)
}

fn volume_size(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, volume) in volumes(subject) {
        let block =
            declared_block(volume).map_or(Some(DEFAULT_BLOCK), |(_, block)| block.filter(|block| is_block(*block)));
        let Some(block) = block else { continue };
        let size = volume.size.value;
        if size.0 == 0 || size.0 % block.0 != 0 {
            let summary = format!("the size of `{name}` is no multiple of its block size, {block}");
            let below = Size(size.0 / block.0 * block.0);
            let above = Size(below.0.saturating_add(block.0));
            let help = if below.0 == 0 {
                format!("write `\"{above}\"`")
            } else {
                format!("write `\"{below}\"` or `\"{above}\"`")
            };
            found.push(rule.error(summary, &volume.size.place, format!("{} bytes", size.0)).help(help));
        }
    }
    found
}

fn block_size(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, volume) in volumes(subject) {
        if let Some((value, _)) = declared_block(volume).filter(|(_, block)| !block.is_some_and(is_block)) {
            let summary = format!("`{}` can't be the block size of `{name}`", value.value.0);
            let finding = rule.error(summary, &value.place, "this block size");
            found.push(finding.help("write a power of two from 512 to \"128KiB\"; \"16KiB\" is the default"));
        }
    }
    found
}

fn below_a_volume(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (pool, table) in subject.file.pools.iter() {
        for path in table.datasets.names().chain(table.volumes.names()) {
            let above = |volume: &&Located<String>| {
                path.strip_prefix(volume.as_str()).is_some_and(|rest| rest.starts_with('/'))
            };
            if let Some(volume) = table.volumes.names().find(above) {
                let summary =
                    format!("`{0}/{1}` can't lie below the volume `{0}/{2}`", pool.value, path.value, volume.value);
                let finding = rule.error(summary, &path.place, "below a volume");
                found.push(finding.also(volume.place.clone(), "the volume").help("give it a path of its own"));
            }
        }
    }
    found
}

fn device_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(&str, &str), &Located<String>> = BTreeMap::new();
    for (_, table) in subject.file.pools.iter() {
        for device in &table.devices {
            let Some(first) = seen.insert((table.node.as_str(), device.as_str()), device) else { continue };
            let summary = format!("the device `{}` of `{}` is named twice", device.value, table.node.value);
            let finding = rule.error(summary, &device.place, "again here").also(first.place.clone(), "first here");
            found.push(finding.help("a device belongs to one pool, once"));
        }
    }
    found
}

fn size_as_property(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, volume) in volumes(subject) {
        if let Some((property, _)) = volume.properties.iter().find(|(property, _)| property.value == "volsize") {
            let finding = rule.error(format!("`{name}` has a second size"), &property.place, "beside `size`");
            found.push(finding.help("remove it: `size` is the volume's `volsize`"));
        }
    }
    found
}
