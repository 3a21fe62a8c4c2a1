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

/// What each of the objects of one cluster needs of the others.
pub fn needs(objects: &Objects<'_>) -> Vec<Needs> {
    let definitions = definitions(objects);
    let mut needs: Vec<Needs> = objects
        .iter()
        .enumerate()
        .map(|(place, (key, object))| {
            let named =
                references(object).into_iter().chain(webhooks::services(object, key).into_iter().filter(|_| {
                    // A definition is there before what converts its objects.
                    key.kind.kind != "CustomResourceDefinition"
                }));
            let mut all: BTreeSet<usize> = named.flat_map(|reference| found(objects, &reference)).collect();
            let definition = definitions.get(&key.kind.qualified()).map(|definition| definition.place);
            all.extend(definition);
            all.remove(&place);
            Needs { all, definition: definition.filter(|definition| *definition != place) }
        })
        .collect();
    for (place, need) in behind_webhooks(objects, &definitions) {
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

/// The objects that are named, or that make what is named.
fn found(objects: &Objects<'_>, reference: &Reference) -> Vec<usize> {
    let places = |is: &dyn Fn(&ObjectKey, &Value) -> bool| -> Vec<usize> {
        objects.iter().enumerate().filter(|(_, (key, object))| is(key, object)).map(|(place, _)| place).collect()
    };
    let named = places(&|key, _| reference.is(key));
    if !named.is_empty() || reference.kind != "Secret" {
        return named;
    }
    places(&|key, object| {
        let is_here = reference.namespace.is_none() || reference.namespace == key.namespace;
        is_here
            && match key.kind.qualified().as_str() {
                "SealedSecret.bitnami.com" => key.name == reference.name,
                "Certificate.cert-manager.io" => {
                    object.pointer("/spec/secretName").and_then(Value::as_str) == Some(&reference.name)
                }
                _ => false,
            }
    })
}

/// Pairs of an object and what must answer before it: workloads behind the Services that are called for it.
fn behind_webhooks(objects: &Objects<'_>, definitions: &BTreeMap<String, Definition<'_>>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (caller, (key, object)) in objects.iter().enumerate() {
        let services: BTreeSet<usize> =
            webhooks::services(object, key).iter().flat_map(|service| found(objects, service)).collect();
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
