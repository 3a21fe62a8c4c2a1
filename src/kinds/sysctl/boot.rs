//! What the node's configuration sets at boot, parameter by parameter.
//!
//! In come the lines of all `sysctl.d` files, out comes the one that takes effect: the last that names the key; where
//! none does, the last pattern that matches it and is not excepted (sysctl.d(5)).

use globset::GlobBuilder;

use super::Key;
use crate::kinds::dropins::Line;

/// A line that sets something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    /// Where it stands.
    pub(super) line: &'a Line,
    /// What it sets, as labctl writes values.
    pub(super) value: String,
}

/// Bytes of a pattern; no path is longer (`PATH_MAX` of Linux).
const LONGEST: usize = 4096;

/// Several values are separated by one space: the kernel's own tabs and a person's alignment are the same.
pub(super) fn normal(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines that name `key` itself, in order.
pub(super) fn settings<'a>(lines: &'a [Line], key: &Key) -> Vec<Setting<'a>> {
    let named = lines.iter().filter_map(|line| Some((line, split(line)?)));
    named
        .filter(|(_, (name, _))| Key::parse(name) == *key)
        .map(|(line, (_, value))| Setting { line, value: normal(value) })
        .collect()
}

/// The line that decides what `key` is after a boot.
pub(super) fn effective<'a>(lines: &'a [Line], key: &Key) -> Option<Setting<'a>> {
    settings(lines, key).pop().or_else(|| by_pattern(lines, key))
}

/// The keys that lines name, without patterns.
pub(super) fn keys(lines: &[Line]) -> impl Iterator<Item = (&Line, Key)> {
    lines.iter().filter_map(|line| {
        let (name, _) = split(line)?;
        (!name.contains(['*', '?', '['])).then(|| (line, Key::parse(name)))
    })
}

fn by_pattern<'a>(lines: &'a [Line], key: &Key) -> Option<Setting<'a>> {
    let is_excepted = lines.iter().any(|line| {
        let name = line.text.strip_prefix('-').filter(|rest| !rest.contains('='));
        name.is_some_and(|name| Key::parse(name) == *key)
    });
    let set = lines.iter().rev().filter_map(|line| Some((line, split(line)?)));
    let mut matching = set.filter(|(_, (name, _))| is_match(Key::parse(name).path(), key.path()));
    let (line, (_, value)) = matching.next().filter(|_| !is_excepted)?;
    Some(Setting { line, value: normal(value) })
}

/// Whether a pattern of glob(7) means this path: in those of sysctl.d(5) a brace is a brace.
fn is_match(pattern: &str, path: &str) -> bool {
    if pattern.len() > LONGEST {
        return false;
    }
    let pattern: String = pattern.chars().fold(String::new(), |text, letter| match letter {
        '{' | '}' => text + "[" + letter.encode_utf8(&mut [0; 4]) + "]",
        letter => text + letter.encode_utf8(&mut [0; 4]),
    });
    let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

/// `key = value`; a `-` before the key says that failures don't matter.
fn split(line: &Line) -> Option<(&str, &str)> {
    let (key, value) = line.text.split_once('=')?;
    Some((key.trim().trim_start_matches('-'), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::{Key, effective, is_match};
    use crate::kinds::dropins::Line;

    #[test]
    fn a_brace_in_a_pattern_of_a_host_is_a_brace_however_many_there_are() {
        assert!(is_match("net/ipv4/conf/*/rp_filter", "net/ipv4/conf/eth0/rp_filter"));
        assert!(!is_match("{net,vm}/*", "vm/swappiness") && is_match("{net,vm}/*", "{net,vm}/x"));
        assert!(!is_match(&"{a=".repeat(1300), "vm/swappiness") && !is_match(&"{a=".repeat(100_000), "vm/swappiness"));
    }

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts
            .iter()
            .zip(1..)
            .map(|(text, number)| Line { path: "/etc/sysctl.d/9.conf".into(), number, text: (*text).into() })
            .collect()
    }

    fn value(texts: &[&str], key: &str) -> Option<String> {
        effective(&lines(texts), &Key::parse(key)).map(|setting| setting.value)
    }

    #[test]
    fn the_last_line_that_names_the_key_decides() {
        let texts = ["vm.swappiness=60", "vm/swappiness = 10", "-vm.swappiness =  5", "vm.swappiness_x = 1"];
        assert_eq!(value(&texts, "vm.swappiness").as_deref(), Some("5"));
        assert_eq!(
            value(&["net.ipv4.tcp_rmem = 4096\t131072  6291456"], "net.ipv4.tcp_rmem").as_deref(),
            Some("4096 131072 6291456")
        );
    }

    #[test]
    fn a_pattern_decides_where_no_line_names_the_key_and_it_is_not_excepted() {
        let texts = ["net.ipv4.conf.*.rp_filter = 2", "-net.ipv4.conf.all.rp_filter", "net.ipv4.conf.lo.rp_filter = 0"];
        assert_eq!(value(&texts, "net.ipv4.conf.eth0/1.rp_filter").as_deref(), Some("2"));
        assert_eq!(value(&texts, "net.ipv4.conf.lo.rp_filter").as_deref(), Some("0"));
        assert_eq!(value(&texts, "net.ipv4.conf.all.rp_filter"), None);
        assert_eq!(value(&texts, "net.ipv4.ip_forward"), None);
    }
}
