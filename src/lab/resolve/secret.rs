//! Where the values of secrets come from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Resolver;
use crate::config::tables::{SecretTable, SopsTable};
use crate::config::{Code, Located, nearest, stays_below};
use crate::lab::{SecretName, SecretSource};
use crate::services::yaml;

impl Resolver<'_> {
    pub(super) fn secrets(&mut self) -> BTreeMap<SecretName, SecretSource> {
        let file = self.file;
        file.secrets
            .iter()
            .filter_map(|(name, table)| Some((SecretName(name.value.clone()), self.secret(name, table)?)))
            .collect()
    }

    fn secret(&mut self, name: &Located<String>, table: &SecretTable) -> Option<SecretSource> {
        let mut sources = Vec::new();
        sources.extend(table.env.as_ref().map(|env| SecretSource::Env(env.value.clone())));
        sources.extend(table.file.as_ref().map(|file| SecretSource::File(file.value.clone())));
        let argv = table.command.as_ref().map(|argv| argv.iter().map(|part| part.value.clone()).collect::<Vec<_>>());
        sources.extend(argv.map(SecretSource::Command));
        sources.extend(table.prompt.as_ref().map(|prompt| SecretSource::Prompt(prompt.value.clone())));
        sources.extend(table.sops.as_ref().map(|sops| self.sops(sops)));
        if sources.len() != 1 {
            let summary = format!("the secret `{}` needs exactly one source, and has {}", name.value, sources.len());
            let help = "say one of `env = \"VARIABLE\"`, `file = \"PATH\"`, `command = [\"program\", \"argument\"]`, `prompt = \"QUESTION\"` and `sops = { file = \"PATH\", key = \"KEY\" }`";
            self.fault(Code::Contradiction, summary, &table.place, "in this table", help);
            return None;
        }
        let empty = match &sources[0] {
            SecretSource::Env(text) | SecretSource::File(text) | SecretSource::Prompt(text) => text.trim().is_empty(),
            SecretSource::Command(argv) => argv.first().is_none_or(|program| program.trim().is_empty()),
            SecretSource::Sops { .. } => false,
        };
        if empty {
            let summary = format!("the source of the secret `{}` is empty", name.value);
            let help =
                "name the variable, the file or the program that has the value, or the question that asks for it";
            self.fault(Code::Value, summary, &table.place, "in this table", help);
        }
        sources.pop().filter(|_| !empty)
    }

    /// A value in a file that SOPS has encrypted. Keys are not encrypted: one that is not there is found here.
    fn sops(&mut self, table: &SopsTable) -> SecretSource {
        let (file, key) = (&table.file, table.key.as_ref());
        let pointer = key.map(|key| pointer(key));
        let source = SecretSource::Sops { file: file.value.clone(), document: 0, pointer: pointer.clone() };
        let root = self.sources.root();
        if !stays_below(file) {
            let summary = format!("`{}` leads out of the folder of {root}", file.value);
            self.fault(Code::Source, summary, &file.place, "outside", "put the file beside or below homelab.toml");
            return source;
        }
        let reason = match self.sources.get(file) {
            Some(Ok(_)) => None,
            Some(Err(reason)) => Some(reason.clone()),
            None => Some("there is no such file".to_owned()),
        };
        if let Some(reason) = reason {
            let summary = format!("`{}` can't be read: {reason}", file.value);
            let help = format!("paths are relative to the folder of {root}");
            self.fault(Code::Source, summary, &file.place, "this file", help);
            return source;
        }
        let text = self.sources.text(file);
        let document = text.and_then(|text| yaml::documents(text).into_iter().next());
        let tree = document.and_then(|document| yaml::read(document.text).ok());
        if let (Some(tree), Some(pointer), Some(key)) = (tree, pointer, key)
            && !tree.pointer(&pointer).is_some_and(|value| !value.is_object() && !value.is_array())
        {
            let known: Vec<&str> = match &tree {
                Value::Object(entries) => entries.keys().map(String::as_str).filter(|name| *name != "sops").collect(),
                _ => Vec::new(),
            };
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "name a key of the file that has a plain value".to_owned(),
                None => {
                    format!("it has {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
                }
            };
            let summary = format!("`{}` has no value `{}`", file.value, key.value);
            self.fault(Code::Reference, summary, &key.place, "not in the file", help);
        }
        source
    }
}

/// A key, or the way to one that lies deeper, as a JSON pointer.
fn pointer(key: &str) -> String {
    let parts = key.split('.').map(|part| part.replace('~', "~0").replace('/', "~1"));
    parts.fold(String::new(), |pointer, part| pointer + "/" + &part)
}
