//! What a unit rests on: the declared files that it reads, the packages and units that bring it.
//!
//! A file is read by a unit when its path stands in the unit's text, when it is a drop-in or the unit file itself, or
//! when the unit names it in `after`. All of it is known from the file alone, so that the edges are too.

use crate::config::Located;
use crate::kinds::package;
use crate::lab::{Address, Node, Part, Unit};

/// The paths of the node's declared files that the unit reads, in order.
pub(super) fn files(node: &Node, name: &str, unit: &Unit) -> Vec<String> {
    let text = text(unit);
    let named = |path: &str| unit.meta.after.iter().any(|after| after.value == file_address(node, path));
    let is_read = |path: &&String| has_path(&text, path) || is_unit_file(name, path) || named(path);
    node.files.keys().filter(is_read).cloned().collect()
}

/// Whether systemd itself reads the file for the unit: then it must be told of a change.
pub(super) fn is_unit_file(name: &str, path: &str) -> bool {
    let Some((folder, file)) = path.rsplit_once('/') else { return false };
    let is_systemd = |folder: &str| {
        ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/run/systemd/system"]
            .contains(&folder)
    };
    let own = [Some(name.to_owned()), template(name)];
    let is_own = |file: &str| own.iter().flatten().any(|own| own == file);
    match folder.rsplit_once('/') {
        _ if is_systemd(folder) => is_own(file),
        Some((above, drop_in)) => is_systemd(above) && drop_in.strip_suffix(".d").is_some_and(is_own),
        None => false,
    }
}

/// `a@.service` for `a@b.service`.
pub(super) fn template(name: &str) -> Option<String> {
    let (stem, instance) = name.split_once('@')?;
    let (instance, suffix) = instance.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{stem}@.{suffix}"))
}

/// Whether it is a template: no unit, but what units are made from.
pub(super) fn is_template(name: &str) -> bool {
    name.contains("@.")
}

/// Whether a declared package brings the unit itself: it has the package's name, and no text of its own.
pub(super) fn is_of_a_declared_package(node: &Node, name: &str, unit: &Unit) -> bool {
    let stem = name.split(['@', '.']).next().unwrap_or(name);
    unit.content.is_none() && node.packages.keys().any(|package| begins(stem, package) || begins(package, stem))
}

/// Whether a name is another one, or that one with something behind a dash.
fn begins(whole: &str, part: &str) -> bool {
    whole.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether a package may bring the unit or what it starts.
pub(super) fn may_bring(node: &Node, name: &str, unit: &Unit, package: &str) -> bool {
    let stem = name.split(['@', '.']).next().unwrap_or(name);
    let text = text(unit);
    // `ExecStart=/usr/sbin/sanoid`.
    let runs = |package: &str| text.contains(&format!("/{package}"));
    let is_alike = |package: &str| begins(package, stem) || begins(stem, package) || runs(package);
    let some_are_alike = node.packages.keys().any(|package| is_alike(package));
    // A package's units need not have its name: then any of them may bring it.
    if some_are_alike || unit.content.is_some() { is_alike(package) } else { true }
}

/// What must be as declared before the unit.
pub(super) fn needs(node: &Node, name: &str, unit: &Unit) -> Vec<Located<Address>> {
    let at = |address| Located::new(address, unit.meta.place.clone());
    let files = files(node, name, unit).into_iter().map(|path| at(file_address(node, &path)));
    let packages = package::addresses(node, &unit.meta.place, |package| may_bring(node, name, unit, package));
    let others = template(name).into_iter().chain(triggered(name, &text(unit)));
    let others = others.filter(|other| other != name && node.units.contains_key(other));
    let others = others.map(|other| at(Address::new(["nodes", &node.name, "units", &other])));
    files.chain(packages).chain(others).collect()
}

/// The unit that a timer, socket or path unit starts: of the same name, unless `Unit=` names another.
fn triggered(name: &str, text: &str) -> Option<String> {
    let (stem, suffix) = name.rsplit_once('.')?;
    if !matches!(suffix, "timer" | "socket" | "path") {
        return None;
    }
    let named = text.lines().find_map(|line| line.trim().strip_prefix("Unit="));
    Some(named.map_or_else(|| format!("{stem}.service"), |unit| unit.trim().to_owned()))
}

fn file_address(node: &Node, path: &str) -> Address {
    Address::new(["nodes", &node.name, "files", path])
}

/// The unit's text; secrets in it leave gaps.
fn text(unit: &Unit) -> String {
    match &unit.content {
        Some(crate::lab::Content::Parts(parts)) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Secret(_) | Part::Output { .. } => "\n",
            })
            .collect(),
        Some(crate::lab::Content::Blob { .. }) | None => String::new(),
    }
}

/// Whether `path` stands in `text` as a whole: `/etc/a` does not stand in `/etc/a.conf`.
fn has_path(text: &str, path: &str) -> bool {
    let is_of_a_path = |c: char| c.is_alphanumeric() || "._-/@+".contains(c);
    text.match_indices(path).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + path.len()..].chars().next();
        // `EnvironmentFile=-/etc/default/x`: the dash is systemd's.
        !before.is_some_and(|c| c != '-' && is_of_a_path(c)) && !after.is_some_and(is_of_a_path)
    })
}

#[cfg(test)]
mod tests {
    use super::{has_path, is_unit_file, template, triggered};

    #[test]
    fn a_path_is_read_only_where_it_stands_as_a_whole() {
        assert!(has_path("EnvironmentFile=-/etc/default/x\n", "/etc/default/x"));
        assert!(has_path("ExecStart=/usr/bin/a --config=/etc/a.toml --verbose", "/etc/a.toml"));
        assert!(!has_path("ExecStart=/usr/bin/a /etc/a.toml", "/etc/a"));
        assert!(!has_path("ExecStart=/srv/etc/a", "/etc/a"));
    }

    #[test]
    fn drop_ins_of_a_unit_and_of_its_template_are_systemds_to_read() {
        assert!(is_unit_file("a.service", "/etc/systemd/system/a.service.d/limits.conf"));
        assert!(is_unit_file("a@b.service", "/etc/systemd/system/a@.service"));
        assert!(!is_unit_file("a.service", "/etc/systemd/system/b.service.d/limits.conf"));
        assert!(!is_unit_file("a.service", "/etc/a.service"));
    }

    #[test]
    fn instances_have_templates_and_timers_have_services() {
        assert_eq!(template("a@b.c.service").as_deref(), Some("a@.service"));
        assert_eq!(template("a@.service"), None);
        assert_eq!(triggered("a.timer", "[Timer]\nOnCalendar=daily\n").as_deref(), Some("a.service"));
        assert_eq!(triggered("a.timer", "[Timer]\nUnit=b.service\n").as_deref(), Some("b.service"));
        assert_eq!(triggered("a.service", ""), None);
    }
}
