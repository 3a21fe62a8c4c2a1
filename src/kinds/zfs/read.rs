//! What `zfs get` and `zpool get` answered, as properties with their sources.
//!
//! Absence is only ever what the program says of that very name; everything else that went wrong is unknown.

use std::collections::BTreeMap;

use crate::observe::{Ask, Output, Reply};

/// The columns of every `get`: no spaces in the first two, tabs between them.
const COLUMNS: [&str; 4] = ["get", "-Hp", "-o", "name,property,value,source"];

/// A pool, dataset or volume as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Live {
    settings: BTreeMap<String, Setting>,
}

/// A property's value, and where it has it from: `local`, `default`, `received`, `inherited from x`, `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) source: String,
}

/// What is known of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    There(Live),
    Absent,
    /// The node has no such program.
    NoProgram,
    Unknown(String),
}

impl Live {
    pub(super) fn setting(&self, property: &str) -> Option<&Setting> {
        self.settings.get(property)
    }

    pub(super) fn value(&self, property: &str) -> Option<&str> {
        self.setting(property).map(|setting| setting.value.as_str())
    }

    /// A size or count.
    pub(super) fn number(&self, property: &str) -> Option<u64> {
        self.value(property)?.parse().ok()
    }

    /// OpenZFS 2.3 or later, by a property that came with it.
    pub(super) fn is_since_2_3(&self) -> bool {
        self.settings.contains_key("direct") || self.settings.contains_key("volthreading")
    }

    /// Its own, neither inherited nor by default.
    pub(super) fn local(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = |setting: &Setting| matches!(setting.source.as_str(), "local" | "received");
        self.settings.iter().filter(move |(_, it)| own(it)).map(|(name, it)| (name.as_str(), it.value.as_str()))
    }

    /// Its encryption key is not loaded: it exists, and what is in it can't be read.
    pub(super) fn is_locked(&self) -> bool {
        self.value("keystatus") == Some("unavailable")
    }

    /// A filesystem that ZFS would mount and that is not mounted.
    pub(super) fn is_unmounted(&self) -> bool {
        self.value("mounted") == Some("no")
            && self.value("canmount") == Some("on")
            && !matches!(self.value("mountpoint"), None | Some("none" | "legacy" | "-"))
    }
}

/// All properties of all imported pools. Not by name: `zpool get all A B` takes `B` for a device of `A`.
pub(super) fn pools_ask() -> Ask {
    Ask::run(["zpool"].into_iter().chain(COLUMNS).chain(["all"]))
}

/// All properties of these datasets and volumes. `all`, because one property that the node's OpenZFS doesn't know
/// would fail the whole command.
pub(super) fn datasets_ask<'a>(names: impl IntoIterator<Item = &'a str>) -> Ask {
    Ask::run(["zfs"].into_iter().chain(COLUMNS).chain(["all"]).chain(names))
}

/// The pool of that name.
pub(super) fn pool(reply: &Reply, name: &str) -> Found {
    let output = match reply.output(&pools_ask()) {
        Ok(output) => output,
        Err(why) => return Found::Unknown(why),
    };
    match (rows(output, name), output.code) {
        _ if output.is_missing_program() => Found::NoProgram,
        (Some(live), _) => Found::There(live),
        (None, 0) => Found::Absent,
        (None, _) => Found::Unknown(complaint("zpool get", output)),
    }
}

/// The dataset or volume of that name, in the answer to `ask`.
pub(super) fn dataset(reply: &Reply, ask: &Ask, name: &str) -> Found {
    let output = match reply.output(ask) {
        Ok(output) => output,
        Err(why) => return Found::Unknown(why),
    };
    if output.is_missing_program() {
        return Found::NoProgram;
    }
    if let Some(live) = rows(output, name) {
        return Found::There(live);
    }
    let absent = format!("cannot open '{name}': dataset does not exist");
    if output.stderr.lines().any(|line| line == absent) {
        return Found::Absent;
    }
    let about_it = format!("'{name}'");
    match output.stderr.lines().find(|line| line.contains(&about_it)) {
        Some(line) => Found::Unknown(line.to_owned()),
        None => Found::Unknown(complaint("zfs get", output)),
    }
}

/// Every name of an answer with its properties, in order of name.
pub(super) fn all(output: &Output) -> BTreeMap<String, Live> {
    let mut found: BTreeMap<String, Live> = BTreeMap::new();
    for line in output.text().lines() {
        if let Some((name, rest)) = line.split_once('\t') {
            found.entry(name.to_owned()).or_default().insert(rest);
        }
    }
    found
}

impl Live {
    fn insert(&mut self, columns: &str) {
        // A value can hold tabs, a source can't.
        if let Some((property, rest)) = columns.split_once('\t')
            && let Some((value, source)) = rest.rsplit_once('\t')
        {
            self.settings.insert(property.to_owned(), Setting { value: value.to_owned(), source: source.to_owned() });
        }
    }
}

fn rows(output: &Output, name: &str) -> Option<Live> {
    let mut live = Live::default();
    for line in output.text().lines() {
        if let Some(columns) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('\t')) {
            live.insert(columns);
        }
    }
    (!live.settings.is_empty()).then_some(live)
}

/// Why a program of ZFS failed, in one sentence.
pub(super) fn complaint(program: &str, output: &Output) -> String {
    if is_module_missing(output) {
        return "the kernel module `zfs` is not loaded: run `modprobe zfs`, or declare it among the node's `modules`"
            .to_owned();
    }
    match output.code {
        0 => format!("`{program}` did not say whether it is there"),
        _ => format!("`{program}` failed: {}", output.complaint()),
    }
}

/// Whether it failed because the kernel has no ZFS: then no pool is imported.
pub(super) fn is_module_missing(output: &Output) -> bool {
    output.code != 0 && output.stderr.to_lowercase().contains("zfs modules are not loaded")
}

#[cfg(test)]
mod tests {
    use super::{Found, dataset, datasets_ask, pool, pools_ask};
    use crate::observe::{Answer, Output, Reply};

    fn reply(code: u32, stdout: &str, stderr: &str) -> Reply {
        let output = Output { stdout: stdout.into(), stderr: stderr.to_owned(), code };
        [(datasets_ask(["a/b"]), Answer::Output(output.clone())), (pools_ask(), Answer::Output(output))]
            .into_iter()
            .collect()
    }

    #[test]
    fn only_the_words_about_this_very_name_make_it_absent() {
        let said = |code, stderr| dataset(&reply(code, "", stderr), &datasets_ask(["a/b"]), "a/b");
        assert_eq!(said(1, "cannot open 'a/b': dataset does not exist\n"), Found::Absent);
        for (code, stderr) in [
            (1, "cannot open 'a/b/c': dataset does not exist"),
            (1, "cannot open 'a/b': pool I/O is currently suspended"),
            (1, "The ZFS modules are not loaded.\nTry running 'modprobe zfs' as root to load them."),
            (2, ""),
            (0, ""),
        ] {
            assert!(matches!(said(code, stderr), Found::Unknown(_)), "{stderr}");
        }
        assert_eq!(said(127, "zfs: not found"), Found::NoProgram);
    }

    #[test]
    fn one_missing_name_does_not_hide_another() {
        let text = "a\ttype\tfilesystem\t-\na/b\ttype\tvolume\t-\na/b\tnote:x\ta\tb\tlocal\n";
        let Found::There(live) = dataset(&reply(1, text, "cannot open 'c'"), &datasets_ask(["a/b"]), "a/b") else {
            panic!("not found")
        };
        assert_eq!(live.value("type"), Some("volume"));
        assert_eq!(live.local().collect::<Vec<_>>(), [("note:x", "a\tb")]);
    }

    #[test]
    fn a_pool_is_absent_only_where_the_command_succeeded() {
        assert_eq!(pool(&reply(0, "b\thealth\tONLINE\t-\n", ""), "a"), Found::Absent);
        assert!(matches!(pool(&reply(1, "", "internal error"), "a"), Found::Unknown(why) if why.contains("internal")));
        assert_eq!(pool(&Reply::default(), "a"), Found::Unknown("it was not asked".to_owned()));
    }
}
