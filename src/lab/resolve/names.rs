//! Names that reach a host: what each sort of name may look like.

use super::Resolver;
use crate::config::{Code, Located};

/// A sort of name: what it is called, what it may look like in words, and the test.
pub(super) type Sort = (&'static str, &'static str, fn(&str) -> bool);

/// The lab's name becomes a Kubernetes label's value and a folder's name.
pub(super) const LAB: Sort =
    ("the name of a lab", "up to 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends", |name| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        name.len() <= 63
            && edge(name.chars().next())
            && edge(name.chars().last())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    });

/// zpoolconcepts(7): begins with a letter; some beginnings are vdev types.
pub(super) const POOL: Sort = (
    "the name of a ZFS pool",
    "letters, digits and `_`, `-`, `.`, `:`; first a letter; not a word of zpool's own such as `mirror`",
    |name| {
        let reserved = ["mirror", "raidz", "draid", "spare"].iter().any(|word| name.starts_with(word));
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && !reserved && name != "log" && is_component(name)
    },
);

/// zfs(8): components of letters, digits and `-_.: `, joined by slashes.
pub(super) const ZFS_PATH: Sort = (
    "the path of a dataset or volume below its pool",
    "letters, digits and `_`, `-`, `.`, `:` in parts that are joined by single slashes, without the pool's name",
    |name| name.len() <= 200 && name.split('/').all(|part| is_component(part) && part != "." && part != ".."),
);

fn is_component(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.: ".contains(c)) && !name.starts_with('-')
}

/// A ZFS property, also a user's own with a colon.
pub(super) const PROPERTY: Sort =
    ("a ZFS property", "lower-case letters, digits and `_`, `-`, `.`, `:`, `@`", |name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.:@".contains(c))
    });

/// sysctl(8).
pub(super) const SYSCTL: Sort =
    ("a kernel parameter", "parts of letters, digits, `_` and `-`, joined by dots", |name| {
        let mut parts = name.split('.');
        parts.clone().count() > 1
            && parts.all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c)) && part != "/"
            })
    });

/// A kernel module.
pub(super) const MODULE: Sort = ("the name of a kernel module", "letters, digits, `_` and `-`", |name| {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) && !name.starts_with('-')
});

/// Debian policy 5.6.1, with an architecture behind a colon.
pub(super) const PACKAGE: Sort =
    ("the name of a package", "lower-case letters, digits, `+`, `-` and `.`, first a letter or digit", |name| {
        let (name, architecture) = name.split_once(':').unwrap_or((name, "any"));
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
            && architecture.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });

/// systemd.unit(5), without the suffix, for which there is a rule.
pub(super) const UNIT: Sort = ("the name of a unit", "letters, digits and `:`, `-`, `_`, `.`, `\\`, `@`", |name| {
    !name.is_empty()
        && name.len() < 256
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c))
});

/// A user or group, by name or number.
pub(super) const ACCOUNT: Sort =
    ("the name of a user or group", "letters, digits, `_`, `-`, `.`, first no `-`", |name| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.$".contains(c))
    });

/// A node of a cluster: RFC 1123, in lower case.
pub(super) const NODE: Sort = (
    "the name of a node in its cluster",
    "lower-case letters, digits, `-` and `.`, a letter or digit at both ends",
    |name| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        name.len() <= 253
            && name.starts_with(is_plain)
            && name.ends_with(is_plain)
            && name.chars().all(|c| is_plain(c) || c == '-' || c == '.')
    },
);

/// A label's or a taint's key: a name of up to 63 characters, maybe behind a domain and a slash.
pub(super) const LABEL: Sort = (
    "the key of a label",
    "up to 63 letters, digits, `-`, `_` and `.`, maybe behind a domain and a slash",
    is_label_key,
);

/// A label's value.
pub(super) const LABEL_VALUE: Sort =
    ("the value of a label", "up to 63 letters, digits, `-`, `_` and `.`, or nothing", is_label_value);

/// `key=value:Effect`, `key:Effect`.
pub(super) const TAINT: Sort = (
    "a taint",
    "`key=value:Effect` or `key:Effect`, with the effect `NoSchedule`, `PreferNoSchedule` or `NoExecute`",
    |taint| {
        let Some((what, effect)) = taint.rsplit_once(':') else { return false };
        let (key, value) = what.split_once('=').unwrap_or((what, ""));
        ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) && is_label_key(key) && is_label_value(value)
    },
);

fn is_label_key(key: &str) -> bool {
    let (domain, name) = key.split_once('/').unwrap_or(("x", key));
    let is_domain = domain.len() <= 253 && domain.split('.').all(|part| !part.is_empty() && is_label_value(part));
    is_domain && !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && edge(value.chars().next())
        && edge(value.chars().last())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What `ssh` takes as a host; a leading `-` would be an option.
pub(super) const HOST: Sort =
    ("a host", "a name or an address without spaces or a leading `-`; user and port have keys of their own", |name| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:%[]".contains(c))
    });

/// A service's name is part of the addresses of its objects, behind which a slash stands.
pub(super) const SERVICE: Sort = ("the name of a service", "letters, digits, `_`, `-` and `.`", |name| {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
});

/// What a service needs or provides.
pub(super) const CAPABILITY: Sort =
    ("what a cluster provides", "a word, or a word and a name: `load-balancer`, `namespace:ai`", |word| {
        !word.is_empty() && !word.chars().any(|c| c.is_whitespace() || c.is_control()) && !word.starts_with(':')
    });

impl Resolver<'_> {
    /// Adds a fault where `name` is none of its sort.
    pub(super) fn check_name(&mut self, name: &Located<String>, (what, rule, fits): Sort) {
        if !fits(name) {
            let summary = format!("`{}` can't be {what}", name.value.escape_debug());
            self.fault(Code::Name, summary, &name.place, "this name", format!("use {rule}"));
        }
    }
}
