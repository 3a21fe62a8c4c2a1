//! All services of a lab at once: objects get their namespaces, addresses and edges, and what nobody provides is found.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Draft, Expansion, Scene, capability};
use crate::config::tables::ServiceTable;
use crate::config::{Code, Diagnostic, File, Located, Place, Sources};
use crate::kubernetes::{Scope, defined, scope};
use crate::lab::{Address, Lab, Manifest, Object, ObjectKey, SecretName, SecretSource};

/// What the services of a lab come to.
#[derive(Debug, Clone, Default)]
pub struct Expanded {
    /// The objects, in order of address.
    pub objects: Vec<Object>,
    /// Secrets that no `[secrets.NAME]` table names.
    pub secrets: BTreeMap<SecretName, SecretSource>,
    /// What can't be read or made.
    pub faults: Vec<Diagnostic>,
    /// Needs that nothing provides.
    pub unmet: Vec<Unmet>,
    /// Objects that are made twice.
    pub twice: Vec<Twice>,
}

/// A need that nothing in the cluster provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The word, and what asks for it.
    pub need: Located<String>,
    /// The service that needs it.
    pub service: String,
    /// Its cluster.
    pub cluster: String,
}

/// An object that is made twice: by two services, or by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twice {
    /// `kind.group/namespace/name`
    pub object: String,
    /// The first: the service and the place.
    pub first: (String, Place),
    /// The second.
    pub second: (String, Place),
}

/// A service with what it comes to.
struct Part<'a> {
    name: &'a str,
    table: &'a ServiceTable,
    cluster: &'a str,
    expansion: Expansion,
}

/// Expands all services whose cluster is known.
pub fn expand(lab: &Lab, file: &File, sources: &Sources) -> Expanded {
    let mut expanded = Expanded::default();
    let mut parts = Vec::new();
    for (name, table) in file.services.iter() {
        let Some(cluster) = lab.clusters.get(&table.common().cluster.value) else { continue };
        let scene = Scene { name: &name.value, cluster, lab, file, sources };
        let mut expansion = Expansion::default();
        table.service.expand(&scene, &mut expansion);
        expanded.faults.append(&mut expansion.faults);
        expanded.secrets.append(&mut expansion.secrets);
        parts.push(Part { name: &name.value, table, cluster: &cluster.name, expansion });
    }
    for cluster in lab.clusters.values() {
        let mut of_cluster: Vec<&mut Part<'_>> = parts.iter_mut().filter(|part| part.cluster == cluster.name).collect();
        let declared = declared_scopes(&of_cluster);
        let drafts = of_cluster.iter_mut().flat_map(|part| &mut part.expansion.drafts);
        for draft in drafts {
            expanded.faults.extend(place_in_namespace(draft, &declared));
        }
        join(&of_cluster, &cluster.provides, &mut expanded);
    }
    expanded.objects.sort_by(|a, b| a.address.cmp(&b.address));
    // Ten objects that need one thing are one finding, at the first place.
    expanded
        .unmet
        .sort_by(|a, b| (&a.service, &a.need.value, &a.need.place).cmp(&(&b.service, &b.need.value, &b.need.place)));
    expanded.unmet.dedup_by(|a, b| a.need.value == b.need.value && a.service == b.service);
    expanded
}

/// The scopes of the kinds that the cluster's own services define, by kind and group.
fn declared_scopes(parts: &[&mut Part<'_>]) -> BTreeMap<String, Scope> {
    let drafts = parts.iter().flat_map(|part| &part.expansion.drafts);
    let defined = drafts.filter_map(|draft| defined(&draft.json));
    defined.flat_map(|(kinds, scope)| kinds.into_iter().map(move |kind| (kind.qualified(), scope))).collect()
}

/// Fills in the namespace; one that does not belong is a fault.
fn place_in_namespace(draft: &mut Draft, declared: &BTreeMap<String, Scope>) -> Option<Diagnostic> {
    let key = ObjectKey::of(&draft.json)?;
    let scope = declared.get(&key.kind.qualified()).copied().or_else(|| scope(&key.kind));
    match (scope, &key.namespace) {
        (Some(Scope::Cluster), Some(namespace)) => {
            let summary = format!("`{key}` says a namespace, and {} has none", key.kind.kind);
            let words = format!("`namespace: {namespace}` here");
            let fault = Diagnostic::error(Code::Manifest.as_str(), summary, draft.place.clone(), words);
            return Some(fault.help("remove `metadata.namespace`: objects of this kind belong to the whole cluster"));
        }
        (Some(Scope::Cluster), None) | (_, Some(_)) => {}
        (Some(Scope::Namespaced), None) => {
            let namespace = draft.namespace.clone().unwrap_or_else(|| "default".to_owned());
            draft.json["metadata"]["namespace"] = Value::String(namespace);
        }
        (None, None) => {
            if let Some(namespace) = &draft.namespace {
                draft.json["metadata"]["namespace"] = Value::String(namespace.clone());
            }
        }
    }
    None
}

/// Makes objects of the drafts of one cluster.
fn join(parts: &[&mut Part<'_>], provided: &[Located<String>], expanded: &mut Expanded) {
    let mut providers: BTreeMap<&str, Vec<Address>> = BTreeMap::new();
    let derived: Vec<(Vec<String>, Address)> = parts.iter().flat_map(|part| provided_by(part)).collect();
    for (words, address) in &derived {
        for word in words {
            providers.entry(word).or_default().push(address.clone());
        }
    }
    // What a service provides without an object of its own is there all the same.
    for word in parts.iter().flat_map(|part| &part.expansion.provides).chain(provided.iter().map(|word| &word.value)) {
        providers.entry(word).or_default();
    }
    let mut seen: BTreeMap<String, (String, Place)> = BTreeMap::new();
    for part in parts {
        for draft in &part.expansion.drafts {
            let (Some(key), Some(address)) = (ObjectKey::of(&draft.json), address(part.name, draft)) else { continue };
            let here = (part.name.to_owned(), draft.place.clone());
            if let Some(first) = seen.get(&key.path()) {
                expanded.twice.push(Twice { object: key.path(), first: first.clone(), second: here });
                continue;
            }
            seen.insert(key.path(), here);
            let mut needs = draft.after.clone();
            // A namespace needs nothing of what its contents do.
            let of_all = if draft.kind() == "Namespace" { &[] } else { part.expansion.needs.as_slice() };
            for need in of_all.iter().chain(&draft.needs) {
                match providers.get(need.value.as_str()) {
                    Some(addresses) => needs.extend(
                        addresses
                            .iter()
                            .filter(|provider| **provider != address)
                            .map(|provider| Located::new(provider.clone(), need.place.clone())),
                    ),
                    None if capability::is_always(&need.value) => {}
                    None => expanded.unmet.push(Unmet {
                        need: need.clone(),
                        service: part.name.to_owned(),
                        cluster: part.cluster.to_owned(),
                    }),
                }
            }
            expanded.objects.push(object(part, draft, key, address, needs));
        }
    }
}

/// What the objects of a service provide. A word of the service as a whole is that of the objects that say it
/// themselves, else of all of them.
fn provided_by(part: &Part<'_>) -> Vec<(Vec<String>, Address)> {
    let drafts = &part.expansion.drafts;
    let of_all = part.expansion.provides.iter();
    let of_all: Vec<&String> =
        of_all.filter(|word| !drafts.iter().any(|draft| draft.provides.contains(word))).collect();
    let with_words = drafts.iter().filter_map(|draft| {
        let words = capability::of(draft).into_iter().chain(draft.provides.iter().cloned());
        Some((words.chain(of_all.iter().copied().cloned()).collect(), address(part.name, draft)?))
    });
    with_words.collect()
}

fn address(service: &str, draft: &Draft) -> Option<Address> {
    Some(Address::new(["services", service]).below(ObjectKey::of(&draft.json)?.path()))
}

fn object(part: &Part<'_>, draft: &Draft, key: ObjectKey, address: Address, needs: Vec<Located<Address>>) -> Object {
    let mut meta = part.table.meta();
    meta.place = draft.place.clone();
    Object {
        address,
        cluster: part.cluster.to_owned(),
        key,
        manifest: Manifest { json: draft.json.clone(), slots: draft.slots.clone() },
        needs,
        take: part.table.common().take.to_vec(),
        meta,
    }
}
