//! The simulated ZFS against what the real one says.

use std::collections::BTreeMap;

use super::{Row, Storage};

fn storage() -> Storage {
    let mut storage = Storage::default();
    storage.add_pool("vms", 1 << 40, ("", &["/dev/sdb".to_owned()]), BTreeMap::new());
    storage
}

fn shown(storage: &Storage, name: &str, property: &str) -> (String, String) {
    let found = storage.rows(name).into_iter().find(|row| row.property == property);
    found.map(|Row { value, source, .. }| (value, source)).unwrap_or_default()
}

#[test]
fn properties_are_inherited_by_what_is_below_and_user_properties_too() {
    let mut storage = storage();
    storage.create("vms/a/b", None, &[], true).unwrap();
    storage.set("vms/a", "compression", "zstd").unwrap();
    storage.set("vms/a", "labctl:lab", "x").unwrap();
    storage.set("vms/a", "mountpoint", "/srv").unwrap();
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(shown(&storage, "vms/a/b", "compression"), pair("zstd", "inherited from vms/a"));
    assert_eq!(shown(&storage, "vms/a/b", "labctl:lab"), pair("x", "inherited from vms/a"));
    assert_eq!(shown(&storage, "vms/a/b", "mountpoint"), pair("/srv/b", "inherited from vms/a"));
    assert_eq!(shown(&storage, "vms", "compression"), pair("on", "default"));
    storage.set("vms/a/b", "compression", "on").unwrap();
    assert_eq!(shown(&storage, "vms/a/b", "compression"), pair("on", "local"));
    storage.inherit("vms/a/b", "compression").unwrap();
    assert_eq!(shown(&storage, "vms/a/b", "compression").1, "inherited from vms/a");
}

/// The words are those that OpenZFS 2.3.9 printed on Debian 13.
#[test]
fn zfs_refuses_in_its_own_words() {
    let mut storage = storage();
    storage.create("vms/v", Some("128M"), &[], false).unwrap();
    assert_eq!(storage.set("vms/v", "volsize", "64M"), Ok(()), "it shrinks without a word");
    let said = storage.set("vms/v", "volsize", "1000").unwrap_err();
    assert!(said.ends_with("'volsize' must be a multiple of volume block size (16K)"), "{said}");
    let said = storage.set("vms", "casesensitivity", "mixed").unwrap_err();
    assert!(said.ends_with("'casesensitivity' is readonly"), "{said}");
    let said = storage.set("vms", "Labctl:x", "y").unwrap_err();
    assert!(said.ends_with("invalid property 'Labctl:x'"), "{said}");
    let said = storage.set("vms", "quota", "1K").unwrap_err();
    assert!(said.ends_with("size is less than current used or reserved space"), "{said}");
    assert!(storage.create("vms/v", None, &[], false).unwrap_err().ends_with("dataset already exists"));
    assert!(storage.create("tank/x", None, &[], false).unwrap_err().ends_with("no such pool 'tank'"));
    assert!(storage.destroy("vms", false).unwrap_err().contains("use '-r' to destroy"));
    let said = storage.create_pool("tank", ("", &["/dev/sdb".to_owned()]), &[], &[]).unwrap_err();
    assert!(said.ends_with("/dev/sdb is part of active pool 'vms'"), "{said}");
}

#[test]
fn a_thick_volume_takes_its_reservation_along() {
    let mut storage = storage();
    storage.create("vms/v", Some("1G"), &[], false).unwrap();
    let before: u64 = shown(&storage, "vms/v", "refreservation").0.parse().unwrap();
    storage.set("vms/v", "volsize", "2G").unwrap();
    let after: u64 = shown(&storage, "vms/v", "refreservation").0.parse().unwrap();
    assert!(before >= 1 << 30 && after >= 2 << 30);
}
