//! What systemd knows of units: the answer of `systemctl show`, taken apart.
//!
//! One call for all units; an empty line stands between them, and a unit that does not exist answers like any other.

use std::collections::BTreeMap;

use crate::observe::{Ask, Output};

const PROPERTIES: &str =
    "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath,Type,RemainAfterExit";

/// What to ask about units. None of them may be a template: `systemctl show` ends at the first one.
pub(in crate::kinds) fn ask<'a>(names: impl IntoIterator<Item = &'a str>) -> Ask {
    Ask::run(["systemctl", "show", "--no-pager", "-p", PROPERTIES, "--"].into_iter().chain(names))
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::kinds) struct State {
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub(in crate::kinds) load: String,
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`.
    pub(in crate::kinds) active: String,
    /// The unit type's own word: `running`, `exited`, `auto-restart`.
    pub(in crate::kinds) sub: String,
    /// `enabled`, `disabled`, `static`, `masked`, `generated`, …: systemctl(1), is-enabled.
    pub(in crate::kinds) file: String,
    /// Whether a file of it is newer than what systemd has read.
    pub(in crate::kinds) is_stale: bool,
    /// Its file.
    pub(in crate::kinds) path: String,
    /// Whether it is a service that ends after it has done its work.
    pub(in crate::kinds) is_oneshot: bool,
}

impl State {
    /// Whether it is up; a reload goes on while it is.
    pub(in crate::kinds) fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "refreshing")
    }

    /// Whether it runs, as the file would say it; in systemd's words where neither yes nor no is true.
    pub(in crate::kinds) fn running(&self, wanted: bool) -> serde_json::Value {
        match self.active.as_str() {
            _ if self.is_active() => true.into(),
            "inactive" => false.into(),
            "failed" if !wanted => false.into(),
            "failed" => "failed".into(),
            other => format!("{other} ({})", self.sub).into(),
        }
    }

    /// Whether it starts at boot, as the file would say it; in systemd's words where neither yes nor no is true.
    pub(in crate::kinds) fn enabled(&self, wanted: bool) -> serde_json::Value {
        match self.file.as_str() {
            "enabled" | "alias" => true.into(),
            "disabled" | "indirect" | "" => false.into(),
            // Nothing starts them at boot by a link of their own, which is all that `enabled = false` can ask.
            "static" | "masked" | "masked-runtime" | "generated" | "transient" | "linked" if !wanted => false.into(),
            other => other.into(),
        }
    }
}

/// The units' states, by name. Why, where systemd did not tell.
pub(in crate::kinds) fn read(output: &Output, names: &[&str]) -> Result<BTreeMap<String, State>, String> {
    if output.is_missing_program() {
        return Err("the node has no `systemctl`".to_owned());
    }
    let text = output.text();
    let blocks: Vec<&str> = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).collect();
    if output.code != 0 || blocks.len() != names.len() {
        return Err(format!(
            "`systemctl show` told of {} units instead of {}: {}",
            blocks.len(),
            names.len(),
            output.complaint()
        ));
    }
    Ok(names.iter().zip(blocks).map(|(name, block)| ((*name).to_owned(), state(block))).collect())
}

fn state(block: &str) -> State {
    let properties: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
    let of = |name: &str| properties.get(name).copied().unwrap_or_default().to_owned();
    State {
        load: of("LoadState"),
        active: of("ActiveState"),
        sub: of("SubState"),
        file: of("UnitFileState"),
        is_stale: of("NeedDaemonReload") == "yes",
        path: of("FragmentPath"),
        is_oneshot: of("Type") == "oneshot" && of("RemainAfterExit") != "yes",
    }
}
