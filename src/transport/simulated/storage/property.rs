//! ZFS properties: their defaults, whether children inherit them, which values they take.
//!
//! Names and defaults are those of zfsprops(7) and zpoolprops(7) of OpenZFS 2.3.

/// What has a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Filesystems,
    Volumes,
    Both,
}

/// How a property comes to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the parent, where it has none of its own.
    Inherited,
    /// Its own or the default.
    Own,
    /// Set when the dataset is made, and never again.
    Once,
}

/// A property that can be set.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) of: Of,
    pub(super) way: Way,
}

const fn new(name: &'static str, default: &'static str, of: Of, way: Way) -> Property {
    Property { name, default, of, way }
}

use Of::{Both, Filesystems, Volumes};
use Way::{Inherited, Once, Own};

/// All that can be set, in order of name.
pub(super) const PROPERTIES: &[Property] = &[
    new("aclinherit", "restricted", Filesystems, Inherited),
    new("aclmode", "discard", Filesystems, Inherited),
    new("acltype", "off", Filesystems, Inherited),
    new("atime", "on", Filesystems, Inherited),
    new("canmount", "on", Filesystems, Own),
    new("casesensitivity", "sensitive", Filesystems, Once),
    new("checksum", "on", Both, Inherited),
    new("compression", "on", Both, Inherited),
    new("copies", "1", Both, Inherited),
    new("dedup", "off", Both, Inherited),
    new("devices", "on", Filesystems, Inherited),
    new("direct", "standard", Filesystems, Inherited),
    new("dnodesize", "legacy", Filesystems, Inherited),
    new("encryption", "off", Both, Once),
    new("exec", "on", Filesystems, Inherited),
    new("filesystem_limit", "18446744073709551615", Filesystems, Own),
    new("keyformat", "none", Both, Once),
    new("keylocation", "none", Both, Own),
    new("logbias", "latency", Both, Inherited),
    new("mountpoint", "", Filesystems, Inherited),
    new("normalization", "none", Filesystems, Once),
    new("overlay", "on", Filesystems, Inherited),
    new("prefetch", "all", Both, Inherited),
    new("primarycache", "all", Both, Inherited),
    new("quota", "0", Filesystems, Own),
    new("readonly", "off", Both, Inherited),
    new("recordsize", "131072", Filesystems, Inherited),
    new("redundant_metadata", "all", Both, Inherited),
    new("refquota", "0", Filesystems, Own),
    new("refreservation", "0", Both, Own),
    new("relatime", "on", Filesystems, Inherited),
    new("reservation", "0", Both, Own),
    new("secondarycache", "all", Both, Inherited),
    new("setuid", "on", Filesystems, Inherited),
    new("sharenfs", "off", Filesystems, Inherited),
    new("sharesmb", "off", Filesystems, Inherited),
    new("snapdev", "hidden", Both, Inherited),
    new("snapdir", "hidden", Filesystems, Inherited),
    new("snapshot_limit", "18446744073709551615", Both, Own),
    new("special_small_blocks", "0", Filesystems, Inherited),
    new("sync", "standard", Both, Inherited),
    new("utf8only", "off", Filesystems, Once),
    new("volblocksize", "16384", Volumes, Once),
    new("volmode", "default", Volumes, Inherited),
    new("volsize", "0", Volumes, Own),
    new("volthreading", "on", Volumes, Own),
    new("xattr", "on", Filesystems, Inherited),
];

/// Properties of pools that can be set, with their defaults.
pub(super) const OF_POOLS: [(&str, &str); 12] = [
    ("altroot", "-"),
    ("ashift", "0"),
    ("autoexpand", "off"),
    ("autoreplace", "off"),
    ("autotrim", "off"),
    ("bootfs", "-"),
    ("cachefile", "-"),
    ("comment", "-"),
    ("compatibility", "off"),
    ("delegation", "on"),
    ("failmode", "wait"),
    ("multihost", "off"),
];

const COMPRESSIONS: [&str; 10] = ["on", "off", "lzjb", "gzip", "gzip-1", "gzip-6", "gzip-9", "zle", "lz4", "zstd"];

/// The property of that name.
pub(super) fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == name)
}

/// Bytes, from a number with or without a unit of powers of two.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let power = match text[end..].to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        _ => return None,
    };
    number.checked_mul(1 << power)
}

/// A value as ZFS keeps it, or what is wrong with it.
pub(super) fn value(property: &Property, text: &str) -> Result<String, String> {
    let name = property.name;
    let is_size = ["quota", "refquota", "refreservation", "reservation", "recordsize", "volsize", "volblocksize"];
    if is_size.contains(&name) {
        let bytes = if text == "none" { Some(0) } else { bytes(text) };
        return bytes.map(|bytes| bytes.to_string()).ok_or_else(|| format!("bad numeric value '{text}'"));
    }
    let is_switch = ["on", "off"].contains(&property.default) && !["checksum", "dedup", "compression"].contains(&name);
    let takes_more = ["acltype", "canmount", "encryption", "sharenfs", "sharesmb", "xattr"].contains(&name);
    if is_switch && !takes_more && !["on", "off"].contains(&text) {
        return Err(format!("'{name}' must be one of 'on | off'"));
    }
    let is_level = |text: &str| text.starts_with("gzip-") || text.starts_with("zstd-");
    if name == "compression" && !COMPRESSIONS.contains(&text) && !is_level(text) {
        return Err("'compression' must be one of 'on | off | lzjb | gzip | gzip-[1-9] | zle | lz4 | zstd | zstd-[1-19] | zstd-fast | zstd-fast-[1-10,20,30,40,50,60,70,80,90,100,500,1000]'".to_owned());
    }
    Ok(text.to_owned())
}
