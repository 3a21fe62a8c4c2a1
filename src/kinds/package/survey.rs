//! The packages that people chose: what apt holds for chosen by hand, without what every Debian has and without what
//! another package brings along anyhow.

use std::collections::BTreeSet;

use crate::kinds::Surveyed;
use crate::lab::Node;
use crate::observe::{Ask, Reply};

fn manual_ask() -> Ask {
    Ask::run(["apt-mark", "showmanual"])
}

fn all_ask() -> Ask {
    let format = "${Package}\\t${Priority}\\t${db:Status-Status}\\t${Pre-Depends}, ${Depends}\\n";
    Ask::run(["dpkg-query", "-W", "-f", format])
}

pub(super) fn asks() -> Vec<Ask> {
    vec![manual_ask(), all_ask()]
}

pub(super) fn read(node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
    let manual = reply.output(&manual_ask())?;
    if manual.is_missing_program() {
        return Ok(Vec::new());
    }
    if manual.code != 0 {
        return Err(manual.complaint());
    }
    let all = reply.output(&all_ask())?.text().into_owned();
    let passed_over = passed_over(&all);
    let is_shown = |name: &&str| !name.is_empty() && (node.packages.contains_key(*name) || !passed_over.contains(name));
    let text = manual.text();
    Ok(text.lines().map(str::trim).filter(is_shown).map(|name| surveyed(node, name)).collect())
}

fn surveyed(node: &Node, name: &str) -> Surveyed {
    Surveyed {
        address: super::address(node, name),
        name: name.to_owned(),
        entry: toml::Value::String("present".to_owned()),
    }
}

/// The packages that every Debian has, and those that an installed one needs.
fn passed_over(all: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for line in all.lines() {
        let [name, priority, "installed", depends] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        if matches!(priority, "required" | "important" | "standard") {
            names.insert(name);
        }
        let needed = depends.split([',', '|']).filter_map(|need| need.split_whitespace().next());
        names.extend(
            needed.map(|need| need.split_once(':').map_or(need, |(need, _)| need)).filter(|need| *need != name),
        );
    }
    names
}

#[cfg(test)]
mod tests {
    use super::passed_over;

    #[test]
    fn what_is_basic_or_needed_by_another_package_was_no_choice() {
        let all = "bash\trequired\tinstalled\t, libc6 (>= 2.36)\nsanoid\toptional\tinstalled\t, perl:any, lzop | pv\n\
                   gone\toptional\tconfig-files\t, htop\n";
        assert_eq!(passed_over(all).into_iter().collect::<Vec<_>>(), ["bash", "libc6", "lzop", "perl", "pv"]);
    }
}
