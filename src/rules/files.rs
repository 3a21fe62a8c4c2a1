//! Files and units: where they may lie, who may read them, what must not stand in them.

use super::{Rule, Subject};
use crate::config::tables::{ConnectionName, ContentTable, FileTable, NodeTable};
use crate::config::{Brief, Diagnostic, Located, Place};
use crate::lab::{Content, Part};

/// The rules on files and units.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB301",
        name: "file-path",
        about: "The path of a file is absolute and plain: no `..`, no `//`, no `/` at the end. On a node with `connection = \"local\"` it is relative and stays below the current folder.",
        check: path,
    },
    Rule {
        code: "LAB302",
        name: "own-file",
        about: "labctl writes these files itself, from other tables: its records, its netplan file, its drop-ins for sysctls and modules, the file of a declared unit.",
        check: own_file,
    },
    Rule {
        code: "LAB303",
        name: "world-writable",
        about: "Everybody on the node may write the file.",
        check: world_writable,
    },
    Rule {
        code: "LAB304",
        name: "secret-for-all",
        about: "A file that holds a secret may be read by everybody on the node.",
        check: secret_for_all,
    },
    Rule {
        code: "LAB305",
        name: "unit-suffix",
        about: "systemd tells the type of a unit by the end of its name: `.service`, `.timer`, `.mount` and eight others.",
        check: unit_suffix,
    },
    Rule {
        code: "LAB306",
        name: "secret-in-the-open",
        about: "A private key, or what looks like the token of a well-known service, stands in the text of a file. It is then in this file or beside it, in its Git history and in every plan. Keep it in a secret and name that in `slots`.",
        check: secret_in_the_open,
    },
    Rule {
        code: "LAB307",
        name: "file-below-a-file",
        about: "One file is declared below the path of another: the other would have to be a folder.",
        check: below_a_file,
    },
    Rule {
        code: "LAB308",
        name: "enabled-without-install",
        about: "A unit is to start at boot, and its text has no `[Install]` section: systemd has nothing to enable, and the unit would never become what the file says.",
        check: enabled_without_install,
    },
];

/// systemd.unit(5).
const SUFFIXES: &[&str] =
    &["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];

/// The prefix of a token, how much follows it at least, and what it is.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("AGE-SECRET-KEY-1", 58, "an age key"),
    ("ghp_", 36, "a GitHub token"),
    ("github_pat_", 59, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("AKIA", 16, "an AWS key"),
];

fn is_local(node: &NodeTable) -> bool {
    node.connection.as_ref().is_some_and(|connection| connection.value == ConnectionName::Local)
}

fn files<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (&'a Located<String>, &'a NodeTable, &'a Located<String>, &'a FileTable)> + use<'a> {
    subject.nodes().flat_map(|(name, node)| node.files.iter().map(move |(path, table)| (name, node, path, table)))
}

fn path(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, node, path, _) in files(subject) {
        let (relative, help) = match (is_local(node), path.strip_prefix('/')) {
            (false, Some(relative)) => (relative, "write it as it is on the node"),
            (false, None) => {
                let finding = rule.error(format!("`{}` is no absolute path", path.value), &path.place, "this path");
                found.push(finding.help("begin it with `/`"));
                continue;
            }
            (true, None) => (path.as_str(), "paths on a local node lie below the current folder"),
            (true, Some(_)) => {
                let summary = format!("`{}` leaves the current folder", path.value);
                let finding = rule.error(summary, &path.place, "an absolute path");
                found.push(
                    finding.help("labctl writes on a local node only below the current folder: make it relative"),
                );
                continue;
            }
        };
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !relative.split('/').all(is_plain) || relative.chars().any(char::is_control) {
            let summary = format!("`{}` is no plain path of a file", path.value.escape_debug());
            let finding = rule.error(summary, &path.place, "no `.`, `..`, `//` or `/` at the end");
            found.push(finding.help(help));
        }
    }
    found
}

fn own_file(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, node, path, _) in files(subject) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let drop_in = |table| name.contains("labctl").then_some(table);
        let table = match folder {
            _ if path.starts_with("/var/lib/labctl/") || path.as_str() == "/var/lib/labctl" => {
                Some("labctl's own records")
            }
            "/etc/netplan" => (name == "60-labctl.yaml").then_some("`network`"),
            "/etc/sysctl.d" => drop_in("`sysctls`"),
            "/etc/modules-load.d" => drop_in("`modules`"),
            "/etc/systemd/system" => node.units.declares(name).then_some("`units`"),
            _ => None,
        };
        if let Some(table) = table {
            let finding = rule.error(format!("`{}` is written by labctl itself", path.value), &path.place, "this file");
            found.push(finding.help(format!("it comes from {table}; remove it here")));
        }
    }
    found
}

fn world_writable(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let modes = files(subject).filter_map(|(.., path, table)| Some((path, table.mode.as_ref()?)));
    let writable = modes.filter(|(_, mode)| mode.value.0 & 0o002 != 0);
    writable
        .map(|(path, mode)| {
            let summary = format!("everybody may write `{}`", path.value);
            let without = crate::lab::Mode(mode.value.0 & !0o002);
            rule.warning(summary, &mode.place, "the last digit").help(format!("write `\"{without}\"`"))
        })
        .collect()
}

fn secret_for_all(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, _, path, table) in files(subject) {
        let file = subject.lab.nodes.get(&name.value).and_then(|node| node.files.get(&path.value));
        let Some(secret) = file.filter(|file| file.mode.is_world_readable()).and_then(|f| f.content.secrets().next())
        else {
            continue;
        };
        let place = table.mode.as_ref().map_or(&table.place, |mode| &mode.place);
        let summary = format!("everybody may read `{}`, which holds the secret `{secret}`", path.value);
        found.push(
            rule.error(summary, place, "readable by all").help("write `mode = \"0600\"`, or \"0640\" with a `group`"),
        );
    }
    found
}

fn unit_suffix(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let units = subject.nodes().flat_map(|(_, node)| node.units.names());
    let known =
        |name: &str| name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && SUFFIXES.contains(&end));
    units
        .filter(|unit| !known(unit))
        .map(|unit| {
            let summary = format!("`{}` is no name of a unit", unit.value);
            let help = match unit.rsplit_once('.') {
                None => format!("did you mean `{}.service`?", unit.value),
                Some(_) => format!("end it with a dot and one of {}", SUFFIXES.join(", ")),
            };
            rule.error(summary, &unit.place, "without an end that systemd knows").help(help)
        })
        .collect()
}

fn below_a_file(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, node, path, _) in files(subject) {
        let above = |other: &&Located<String>| {
            path.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
        };
        if let Some(other) = node.files.names().find(above) {
            let summary = format!("`{}` can't lie below the file `{}`", path.value, other.value);
            let finding = rule.error(summary, &path.place, "below a file");
            found.push(finding.also(other.place.clone(), "the file").help("move one of them"));
        }
    }
    found
}

fn enabled_without_install(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, table) in subject.nodes() {
        for (unit, declared) in table.units.iter().filter(|(_, unit)| unit.enabled == Some(true)) {
            let resolved = subject.lab.nodes.get(&name.value).and_then(|node| node.units.get(&unit.value));
            let Some(Content::Parts(parts)) = resolved.and_then(|unit| unit.content.as_ref()) else { continue };
            let mut lines = parts.iter().flat_map(|part| match part {
                Part::Text(text) => text.lines(),
                Part::Secret(_) | Part::Output { .. } => "".lines(),
            });
            if !lines.any(|line| line.trim() == "[Install]") {
                let place = content_place(declared.content.as_ref(), declared.source.as_ref(), unit);
                let finding = rule.warning(format!("`{}` can't be enabled", unit.value), place, "has no `[Install]`");
                let help = "add `[Install]` with `WantedBy=multi-user.target` to its text, or remove `enabled`";
                found.push(finding.help(help));
            }
        }
    }
    found
}

fn secret_in_the_open(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut check = |name: &str, content: Option<&Content>, place: &Place| {
        let Some(Content::Parts(parts)) = content else { return };
        let mut texts = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Secret(_) | Part::Output { .. } => None,
        });
        if let Some(what) = texts.find_map(looks_secret) {
            let finding = rule.error(format!("the text of `{name}` holds {what}"), place, "the content");
            let help = "move it into a secret (`[secrets.NAME]`), and say `content = { secret = \"NAME\" }` or use `slots`; what was committed is to be replaced";
            found.push(finding.help(help));
        }
    };
    for (name, table) in subject.nodes() {
        let Some(node) = subject.lab.nodes.get(&name.value) else { continue };
        for (path, file) in table.files.iter() {
            let content = node.files.get(&path.value).map(|file| &file.content);
            check(path, content, content_place(file.content.as_ref(), file.source.as_ref(), path));
        }
        for (path, unit) in table.units.iter() {
            let content = node.units.get(&path.value).and_then(|unit| unit.content.as_ref());
            check(path, content, content_place(unit.content.as_ref(), unit.source.as_ref(), path));
        }
    }
    found
}

fn content_place<'a>(
    content: Option<&'a ContentTable>,
    source: Option<&'a Located<String>>,
    name: &'a Located<String>,
) -> &'a Place {
    match (content, source) {
        (Some(Brief::Short(text)), _) => &text.place,
        (_, Some(source)) => &source.place,
        _ => &name.place,
    }
}

/// What a text seems to hold, by shapes that nothing else has: a key's armour, the prefixes of well-known tokens.
fn looks_secret(text: &str) -> Option<&'static str> {
    let armour = text.lines().any(|line| {
        let line = line.trim();
        line.starts_with("-----BEGIN ") && line.ends_with("PRIVATE KEY-----")
    });
    if armour {
        return Some("a private key");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split(|c| !is_word(c)).find_map(|word| {
        let (_, _, what) = PREFIXES
            .iter()
            .find(|(prefix, least, _)| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least))?;
        Some(*what)
    })
}
