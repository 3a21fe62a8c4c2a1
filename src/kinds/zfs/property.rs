//! ZFS properties: how their values are written, when two of them mean the same, which can be changed.
//!
//! In come names and values as the file or `zfs get -Hp` has them, out goes one form that can be compared, shown and
//! written. Names and values are those of zfsprops(7) and zpoolprops(7), OpenZFS 2.1 to 2.3.

use crate::lab::Size;

/// What follows the mark's own name space.
pub(super) const OURS: &str = "labctl:";

/// Properties of a pool that are its own, not those of its root dataset. `readonly` and `version` are both: the
/// dataset's is meant, because labctl never imports or upgrades a pool.
const OF_POOLS: [&str; 15] = [
    "altroot",
    "ashift",
    "autoexpand",
    "autoreplace",
    "autotrim",
    "bootfs",
    "cachefile",
    "comment",
    "compatibility",
    "dedup_table_quota",
    "delegation",
    "failmode",
    "listsnapshots",
    "multihost",
    "dedupditto",
];

const BYTES: [&str; 4] = ["recordsize", "special_small_blocks", "volblocksize", "volsize"];
const BYTES_OR_NONE: [&str; 4] = ["quota", "refquota", "refreservation", "reservation"];
const COUNT_OR_NONE: [&str; 2] = ["filesystem_limit", "snapshot_limit"];

/// Set when a dataset is made and never again.
const CREATION_ONLY: [&str; 5] = ["casesensitivity", "encryption", "normalization", "utf8only", "volblocksize"];

/// Changed by `zfs change-key` alone, which needs a key.
const OF_KEYS: [&str; 3] = ["keyformat", "keylocation", "pbkdf2iters"];

/// What ZFS counts and labctl can't set.
const MEASURED: [&str; 31] = [
    "available",
    "clones",
    "compressratio",
    "createtxg",
    "creation",
    "defer_destroy",
    "encryptionroot",
    "filesystem_count",
    "guid",
    "keystatus",
    "logicalreferenced",
    "logicalused",
    "mounted",
    "objsetid",
    "origin",
    "receive_resume_token",
    "redact_snaps",
    "refcompressratio",
    "referenced",
    "snapshot_count",
    "snapshots_changed",
    "type",
    "used",
    "usedbychildren",
    "usedbydataset",
    "usedbyrefreservation",
    "usedbysnapshots",
    "userrefs",
    "written",
    "capacity",
    "health",
];

/// Values that mean the same by zfsprops(7).
const ALIASES: [(&str, &[&str]); 7] = [
    ("acltype", &["off", "noacl"]),
    ("acltype", &["posix", "posixacl"]),
    ("checksum", &["on", "fletcher4"]),
    ("compression", &["gzip", "gzip-6"]),
    ("compression", &["on", "lz4"]),
    ("compression", &["zstd", "zstd-3"]),
    ("compression", &["zstd-fast", "zstd-fast-1"]),
];

/// Whether it is the pool's own and not its root dataset's.
pub(super) fn is_of_pool(name: &str) -> bool {
    OF_POOLS.contains(&name) || name.starts_with("feature@")
}

/// Whether its value can be `none`, for no limit.
pub(super) fn is_limit(name: &str) -> bool {
    BYTES_OR_NONE.contains(&name) || COUNT_OR_NONE.contains(&name)
}

/// Whether it stays as it was made.
pub(super) fn is_creation_only(name: &str) -> bool {
    CREATION_ONLY.contains(&name)
}

/// Whether a dataset gets it from its parent where it has none of its own. Others begin at their defaults.
pub(super) fn is_user(name: &str) -> bool {
    name.contains(':')
}

/// The value in the one form in which it is compared and shown: sizes in the largest fitting unit, `none` for no limit.
pub(super) fn canonical(name: &str, text: &str) -> String {
    let text = text.trim();
    if is_user(name) {
        return text.to_owned();
    }
    if BYTES.contains(&name) {
        return bytes(text).map_or_else(|| text.to_owned(), |bytes| Size(bytes).to_string());
    }
    if BYTES_OR_NONE.contains(&name) {
        return match (text, bytes(text)) {
            ("none", _) | (_, Some(0)) => "none".to_owned(),
            (_, Some(bytes)) => Size(bytes).to_string(),
            (_, None) => text.to_owned(),
        };
    }
    // `zfs get -p` prints no limit as the largest number in some versions.
    if COUNT_OR_NONE.contains(&name) && text.parse() == Ok(u64::MAX) {
        return "none".to_owned();
    }
    match (name, text) {
        ("mountpoint", path) if path.len() > 1 => path.trim_end_matches('/').to_owned(),
        (_, "yes" | "true") => "on".to_owned(),
        (_, "no" | "false") => "off".to_owned(),
        (_, text) => text.to_owned(),
    }
}

/// A canonical value as the commands take it: sizes as plain numbers of bytes.
pub(super) fn argument(name: &str, canonical: &str) -> String {
    let is_size = BYTES.contains(&name) || BYTES_OR_NONE.contains(&name);
    match bytes(canonical) {
        Some(bytes) if is_size => bytes.to_string(),
        _ => canonical.to_owned(),
    }
}

/// A size in people's or ZFS's words, in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    Size::parse_zfs(text).ok().map(|size| size.0)
}

/// Whether nothing below inherits it (zfsprops(7): "not inherited").
pub(super) fn is_ones_own(name: &str) -> bool {
    const OWN: [&str; 10] = [
        "canmount",
        "filesystem_limit",
        "keylocation",
        "quota",
        "refquota",
        "refreservation",
        "reservation",
        "snapshot_limit",
        "volsize",
        "volthreading",
    ];
    OWN.contains(&name)
}

/// Whether two canonical values of a property mean the same. `xattr_on_is_sa` since OpenZFS 2.3, where before `on` was
/// `dir`.
pub(super) fn is_same(name: &str, desired: &str, live: &str, xattr_on_is_sa: bool) -> bool {
    if desired == live {
        return true;
    }
    let pair = |one, other| (desired == one && live == other) || (desired == other && live == one);
    match name {
        "encryption" => desired == "on" && live != "off",
        "xattr" => pair("on", if xattr_on_is_sa { "sa" } else { "dir" }),
        "comment" | "bootfs" | "cachefile" | "altroot" => pair("", "-"),
        // What labctl wrote for a thick volume is a number that follows `volsize`.
        "refreservation" => desired == "auto" && live != "none",
        _ => ALIASES.iter().any(|(of, values)| *of == name && values.contains(&desired) && values.contains(&live)),
    }
}

/// Why a property can't be declared at all.
pub(super) fn undeclarable(name: &str) -> Option<String> {
    if name.starts_with(OURS) {
        return Some(format!("`{name}` is a name of labctl's own marks"));
    }
    if name == "volsize" {
        return Some("a volume's size is declared as `size`, not as the property `volsize`".to_owned());
    }
    if name == "version" || name.starts_with("feature@") {
        return Some(format!("`{name}` is changed by an upgrade, and labctl upgrades no pool or dataset"));
    }
    if name.contains('@') {
        return Some(format!("`{name}` is kept per user, group or project, which labctl does not read"));
    }
    MEASURED.contains(&name).then(|| format!("`{name}` is what ZFS measures; it can't be set"))
}

/// Why a property of a dataset or volume that exists can't be changed, and what would help.
pub(super) fn unchangeable(name: &str, dataset: &str, before: &str, after: &str) -> Option<String> {
    if OF_KEYS.contains(&name) {
        return Some(format!(
            "`{name}` is `{before}` and is declared as `{after}`; only `zfs change-key` on the node changes it, and \
             labctl holds no keys: run it there, or declare `{before}`"
        ));
    }
    is_creation_only(name).then(|| {
        format!(
            "`{name}` is `{before}` and is declared as `{after}`; ZFS sets it when `{dataset}` is made and never again. \
             Declare `{before}`, or migrate: declare a new one beside it with `{name} = \"{after}\"`, copy the data, then \
             exchange the two by `zfs rename`"
        )
    })
}

/// What there is to know about a change of this property.
pub(super) fn note(name: &str) -> Option<&'static str> {
    match name {
        "recordsize" | "compression" | "checksum" | "copies" | "dedup" | "special_small_blocks" => {
            Some("only new writes follow; what is written stays as it is")
        }
        "dnodesize" | "xattr" | "acltype" => Some("only new files follow"),
        "ashift" => Some("only devices that are added later follow"),
        _ => None,
    }
}

/// What a change of this property interrupts.
pub(super) fn disruption(name: &str, dataset: &str) -> Option<String> {
    match name {
        "mountpoint" | "canmount" => Some(format!("unmounts `{dataset}` and what is mounted below it")),
        "readonly" => Some(format!("remounts `{dataset}`")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{argument, canonical, is_same, undeclarable};

    #[test]
    fn what_people_write_and_what_zfs_prints_come_to_one_form() {
        for (name, written, printed, form, given) in [
            ("quota", "100GiB", "107374182400", "100GiB", "107374182400"),
            ("quota", "none", "0", "none", "none"),
            ("refreservation", "0", "0", "none", "none"),
            ("recordsize", "128K", "131072", "128KiB", "131072"),
            ("recordsize", "1MiB", "1048576", "1MiB", "1048576"),
            ("special_small_blocks", "0", "0", "0", "0"),
            ("snapshot_limit", "none", "18446744073709551615", "none", "none"),
            ("atime", "no", "off", "off", "off"),
            ("mountpoint", "/srv/x/", "/srv/x", "/srv/x", "/srv/x"),
            ("mountpoint", "/", "/", "/", "/"),
            ("com.example:note", "yes", "yes", "yes", "yes"),
        ] {
            assert_eq!(canonical(name, written), form, "{name} {written}");
            assert_eq!(canonical(name, printed), form, "{name} {printed}");
            assert_eq!(argument(name, form), given, "{name} {form}");
        }
    }

    #[test]
    fn aliases_are_equal_and_their_neighbours_are_not() {
        for (name, desired, live, newer, same) in [
            ("compression", "lz4", "on", true, true),
            ("compression", "gzip-6", "gzip", true, true),
            ("compression", "gzip-7", "gzip", true, false),
            ("compression", "zstd-3", "zstd", true, true),
            ("compression", "on", "off", true, false),
            ("encryption", "on", "aes-256-gcm", true, true),
            ("encryption", "aes-256-gcm", "aes-128-gcm", true, false),
            ("encryption", "on", "off", true, false),
            ("acltype", "posixacl", "posix", true, true),
            ("xattr", "sa", "on", true, true),
            ("xattr", "sa", "on", false, false),
            ("xattr", "dir", "on", false, true),
            ("refreservation", "auto", "1GiB", true, true),
            ("refreservation", "auto", "none", true, false),
            ("comment", "", "-", true, true),
        ] {
            assert_eq!(is_same(name, desired, live, newer), same, "{name} {desired} {live}");
        }
    }

    #[test]
    fn what_zfs_counts_and_what_labctl_marks_can_not_be_declared() {
        for name in ["used", "labctl:lab", "volsize", "feature@zstd_compress", "version", "userquota@bob"] {
            assert!(undeclarable(name).is_some(), "{name}");
        }
        for name in ["compression", "com.example:note", "quota", "autotrim"] {
            assert_eq!(undeclarable(name), None, "{name}");
        }
    }
}
