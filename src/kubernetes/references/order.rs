//! The order of objects that are declared together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Reference, references, webhooks};
use crate::kubernetes::{defined, is_built_in};
use crate::lab::ObjectKey;

/// What one of the objects needs of the others, by their places in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// All that must be there first.
    pub all: BTreeSet<usize>,
    /// The definition of its kind, which is among them: without it, it can't even be planned.
    pub definition: Option<usize>,
}

type Objects<'a> = [(&'a ObjectKey, &'a Value)];

/// The objects by kind and name.
struct Index<'a> {
    objects: &'a Objects<'a>,
    by_name: BTreeMap<(String, &'a str), Vec<usize>>,
}

/// What each of the objects of one cluster needs of the others.
pub fn needs(objects: &Objects<'_>) -> Vec<Needs> {
    let definitions = definitions(objects);
    let index = Index::new(objects);
    let mut needs: Vec<Needs> = objects
        .iter()
        .enumerate()
        .map(|(place, (key, object))| {
            let named =
                references(object).into_iter().chain(webhooks::services(object, key).into_iter().filter(|_| {
                    // A definition is there before what converts its objects.
                    key.kind.kind != "CustomResourceDefinition"
                }));
            let mut all: BTreeSet<usize> = named.flat_map(|reference| index.find(&reference)).collect();
            let definition = definitions.get(&key.kind.qualified()).map(|definition| definition.place);
            all.extend(definition);
            all.remove(&place);
            Needs { all, definition: definition.filter(|definition| *definition != place) }
        })
        .collect();
    for (place, need) in behind_webhooks(&index, &definitions) {
        // What a webhook rests on can't wait for the webhook.
        if place != need && !reaches(&needs, need, place) {
            needs[place].all.insert(need);
        }
    }
    needs
}

struct Definition<'a> {
    place: usize,
    plural: &'a str,
}

fn definitions<'a>(objects: &Objects<'a>) -> BTreeMap<String, Definition<'a>> {
    let each = objects.iter().enumerate().filter_map(|(place, (_, object))| {
        let kind = defined(object)?.0.into_iter().next()?.qualified();
        let plural = object.pointer("/spec/names/plural").and_then(Value::as_str).unwrap_or_default();
        Some((kind, Definition { place, plural }))
    });
    each.collect()
}

impl<'a> Index<'a> {
    fn new(objects: &'a Objects<'a>) -> Self {
        let mut by_name: BTreeMap<(String, &'a str), Vec<usize>> = BTreeMap::new();
        for (place, (key, _)) in objects.iter().enumerate() {
            by_name.entry((key.kind.qualified(), &key.name)).or_default().push(place);
        }
        Self { objects, by_name }
    }

    /// The objects that are named, or that make the Secret that is named.
    fn find(&self, reference: &Reference) -> Vec<usize> {
        let candidates = self.by_name.get(&(reference.kind.clone(), reference.name.as_str())).into_iter().flatten();
        let named: Vec<usize> = candidates.copied().filter(|place| reference.is(self.objects[*place].0)).collect();
        if !named.is_empty() || reference.kind != "Secret" {
            return named;
        }
        let makers = self.objects.iter().enumerate().filter(|(_, (key, object))| makes(key, object, reference));
        makers.map(|(place, _)| place).collect()
    }
}

/// Whether an object makes the Secret that is named.
fn makes(key: &ObjectKey, object: &Value, secret: &Reference) -> bool {
    (secret.namespace.is_none() || secret.namespace == key.namespace)
        && match (key.kind.group(), key.kind.kind.as_str()) {
            ("bitnami.com", "SealedSecret") => key.name == secret.name,
            ("cert-manager.io", "Certificate") => {
                object.pointer("/spec/secretName").and_then(Value::as_str) == Some(&secret.name)
            }
            _ => false,
        }
}

/// Pairs of an object and what must answer before it: workloads behind the Services that are called for it.
fn behind_webhooks(index: &Index<'_>, definitions: &BTreeMap<String, Definition<'_>>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let objects = index.objects;
    let calls = |(_, (key, _)): &(usize, &(&ObjectKey, &Value))| webhooks::can_call(&key.kind);
    for (caller, (key, object)) in objects.iter().enumerate().filter(calls) {
        let services: BTreeSet<usize> =
            webhooks::services(object, key).iter().flat_map(|service| index.find(service)).collect();
        let workloads: BTreeSet<usize> = services
            .iter()
            .flat_map(|service| {
                (0..objects.len()).filter(|place| webhooks::answers(objects[*place], objects[*service]))
            })
            .collect();
        let behind = services.into_iter().chain(workloads).collect::<Vec<_>>();
        let is_definition = key.kind.kind == "CustomResourceDefinition";
        if !is_definition {
            pairs.extend(behind.iter().map(|need| (caller, *need)));
        }
        for (place, (other, _)) in objects.iter().enumerate().filter(|(_, (other, _))| !is_built_in(&other.kind)) {
            let definition = definitions.get(&other.kind.qualified());
            if is_definition && definition.is_some_and(|definition| definition.place == caller) {
                pairs.extend(behind.iter().map(|need| (place, *need)));
            } else {
                let plural = definition.map_or_else(
                    || format!("{}s", other.kind.kind.to_lowercase()),
                    |definition| definition.plural.to_owned(),
                );
                if webhooks::admits(object, other.kind.group(), &plural) {
                    pairs.extend(behind.iter().copied().chain([caller]).map(|need| (place, need)));
                }
            }
        }
    }
    pairs
}

fn reaches(needs: &[Needs], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(place) = open.pop() {
        if place == to {
            return true;
        }
        if seen.insert(place) {
            open.extend(&needs[place].all);
        }
    }
    false
}
