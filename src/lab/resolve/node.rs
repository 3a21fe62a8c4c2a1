//! Nodes, and the small resources on them.

use std::collections::BTreeMap;

use super::content::ContentKeys;
use super::{Resolver, names};
use crate::config::tables::{FileTable, NodeTable, OsName, UnitTable};
use crate::config::{Brief, Code, Located, Named};
use crate::lab::{File, Meta, Mode, Module, Node, Os, Package, Sysctl, Unit};

impl Resolver<'_> {
    pub(super) fn nodes(&mut self) -> BTreeMap<String, Node> {
        let tables = self.file.nodes.iter();
        tables.filter_map(|(name, table)| Some((name.value.clone(), self.node(name, table)?))).collect()
    }

    fn node(&mut self, name: &Located<String>, table: &NodeTable) -> Option<Node> {
        let connection = self.connection(name, table);
        self.check_cluster_keys(table);
        let network = table.network.as_ref().map(|network| self.network(table, network));
        let sysctls = self.each(&table.sysctls, names::SYSCTL, |name, entry| match entry {
            Brief::Short(value) => (Sysctl { value: value.value.0.clone(), meta: Meta::at(value.place.clone()) }, name),
            Brief::Table(table) => (Sysctl { value: table.value.0.clone(), meta: table.meta() }, name),
        });
        let modules = self.each(&table.modules, names::MODULE, |name, entry| match entry {
            Brief::Short(state) => (Module { meta: Meta::at(state.place.clone()) }, name),
            Brief::Table(table) => (Module { meta: table.meta() }, name),
        });
        let packages = self.each(&table.packages, names::PACKAGE, |name, entry| match entry {
            Brief::Short(version) => {
                (Package { version: version.value.0.clone(), meta: Meta::at(version.place.clone()) }, name)
            }
            Brief::Table(table) => (Package { version: table.version.0.clone(), meta: table.meta() }, name),
        });
        let files = table.files.iter();
        let files = files.filter_map(|(path, table)| Some((path.value.clone(), self.file(path, table)?))).collect();
        let units = table.units.iter().map(|(name, table)| (name.value.clone(), self.unit(name, table))).collect();
        Some(Node {
            name: name.value.clone(),
            place: name.place.clone(),
            os: match table.os.as_ref().map(|os| os.value) {
                Some(OsName::Macos) => Os::Macos,
                Some(OsName::Linux) | None => Os::Linux,
            },
            address: table.address.as_ref().map(|address| address.value),
            hostname: table.hostname.as_ref().unwrap_or(name).value.clone(),
            labels: table.labels.iter().map(|(label, value)| (label.value.clone(), value.value.clone())).collect(),
            taints: table.taints.as_ref().map(|taints| taints.iter().map(|taint| taint.value.clone()).collect()),
            optional: table.optional.unwrap_or(false),
            connection: connection?,
            network,
            sysctls,
            modules,
            packages,
            files,
            units,
        })
    }

    fn each<T, R>(
        &mut self,
        entries: &Named<T>,
        sort: names::Sort,
        resolve: impl Fn(String, &T) -> (R, String),
    ) -> BTreeMap<String, R> {
        let mut resolved = BTreeMap::new();
        for (name, entry) in entries.iter() {
            self.check_name(name, sort);
            let (value, name) = resolve(name.value.clone(), entry);
            resolved.insert(name, value);
        }
        resolved
    }

    fn file(&mut self, path: &Located<String>, table: &FileTable) -> Option<File> {
        for account in [&table.owner, &table.group].into_iter().flatten() {
            self.check_name(account, names::ACCOUNT);
        }
        if table.content.is_none() && table.source.is_none() {
            let summary = format!("`{}` has no content", path.value);
            let help = "add `content = \"…\"`, `content = { secret = \"NAME\" }` or `source = \"PATH\"`";
            self.fault(Code::MissingKey, summary, &table.place, "neither `content` nor `source`", help);
        }
        let content = self.content(ContentKeys {
            content: table.content.as_ref(),
            source: table.source.as_ref(),
            slots: &table.slots,
        })?;
        let default = if content.secrets().next().is_some() { Mode(0o600) } else { Mode(0o644) };
        Some(File {
            content,
            mode: table.mode.as_ref().map_or(default, |mode| mode.value),
            owner: table.owner.as_ref().map(|owner| owner.value.clone()),
            group: table.group.as_ref().map(|group| group.value.clone()),
            meta: table.meta(),
        })
    }

    fn unit(&mut self, name: &Located<String>, table: &UnitTable) -> Unit {
        self.check_name(name, names::UNIT);
        let content = self.content(ContentKeys {
            content: table.content.as_ref(),
            source: table.source.as_ref(),
            slots: &table.slots,
        });
        if table.content.is_none() && table.source.is_none() && table.enabled.is_none() && table.running.is_none() {
            let summary = format!("nothing is said of the unit `{}`", name.value);
            let help = "add `content`, `source`, `enabled` or `running`";
            self.fault(Code::MissingKey, summary, &table.place, "an empty table", help);
        }
        Unit { content, enabled: table.enabled, running: table.running, meta: table.meta() }
    }
}
