//! Objects of a cluster: what services expand to.
//!
//! One list per API kind finds all that carry labctl's label; what isn't among them is looked up by name. What compares
//! equal, by the fields that labctl owns, costs no more; for all else the server says in a dry run what would become of
//! it. Written by server-side apply, with the marks on the object itself.

mod attributes;
mod check;
mod difference;
mod gone;
mod mark;
mod ready;
mod seen;
mod steps;
mod verdict;
mod wanted;

use std::collections::BTreeSet;

use crate::config::Located;
use crate::kubernetes::needs;
use crate::lab::{Address, Ground, Lab, Object, Site};
use crate::observe::{ApiAsk, Ask, Reply};
use crate::plan::{Mark, ground_record};

use super::{Body, Kind, Leftover, Resource};
use gone::Gone;
use wanted::Wanted;

/// `[services.NAME]`, object by object.
pub(super) struct Objects;

impl Kind for Objects {
    fn name(&self) -> &'static str {
        "object"
    }

    fn about(&self) -> &'static str {
        "An object of a cluster's API, of any kind: what a service expands to."
    }

    fn fits(&self, site: Site<'_>) -> bool {
        site.cluster().is_some()
    }

    fn runs(&self) -> bool {
        true
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let clusters: BTreeSet<&str> = lab.objects.iter().map(|object| object.cluster.as_str()).collect();
        let mut declared: Vec<Resource> = clusters.into_iter().flat_map(|cluster| in_cluster(lab, cluster)).collect();
        declared.sort_by(|a, b| a.address.cmp(&b.address));
        declared
    }

    fn carries_marks(&self) -> bool {
        true
    }

    fn further_asks(&self, lab: &Lab, site: Site<'_>, reply: &Reply) -> Vec<Ask> {
        // The kinds of which labctl made objects, whether or not the file still has one of them.
        let Some(cluster) = site.cluster() else { return Vec::new() };
        let Ok(record) = ground_record::read(lab, cluster, reply) else { return Vec::new() };
        let declared: BTreeSet<String> = lab
            .objects
            .iter()
            .filter(|object| object.cluster == cluster.name)
            .map(|object| object.key.kind.qualified())
            .collect();
        let left = record.kinds.into_iter().filter(|kind| !declared.contains(&kind.qualified()));
        left.map(|kind| Ask::Api(ApiAsk::Marked { kind, lab: lab.name.clone() })).collect()
    }

    fn marked(&self, site: Site<'_>, reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        let mut found = Vec::new();
        for object in seen::objects(reply) {
            found.extend(mark::read(object).map(|(key, mark)| (key.path(), mark)));
        }
        // What left the file of a kind that can't be listed is not known: that must not pass in silence.
        for (kind, lab, _) in seen::unlisted(reply) {
            let name = kind.qualified();
            let address = Address::new(["clusters", site.name()]).below(name.as_str());
            found.push((name, mark::unknown(lab, address)));
        }
        Ok(found)
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }
}

/// The resources of one cluster, in the order of its objects.
fn in_cluster(lab: &Lab, cluster: &str) -> Vec<Resource> {
    let objects: Vec<&Object> = lab.objects.iter().filter(|object| object.cluster == cluster).collect();
    let list: Vec<_> = objects.iter().map(|object| (&object.key, &object.manifest.json)).collect();
    let needs = needs(&list);
    let ground = Ground::Cluster(cluster.to_owned());
    let places: Vec<(&&Object, crate::kubernetes::Needs)> = objects.iter().zip(needs).collect();
    places
        .into_iter()
        .map(|(object, needs)| {
            let named = needs.all.iter().map(|place| objects[*place].address.clone());
            let named = named.map(|address| Located::new(address, object.meta.place.clone()));
            let definition = needs.definition.map(|place| objects[place].address.clone());
            let namespace = objects.iter().find(|other| {
                other.key.kind.qualified() == "Namespace" && Some(&other.key.name) == object.key.namespace.as_ref()
            });
            let namespace = namespace.map(|namespace| namespace.address.clone());
            let wanted = Wanted::new(&lab.name, object, definition.clone(), namespace);
            Resource {
                address: object.address.clone(),
                ground: ground.clone(),
                name: object.key.path(),
                meta: object.meta.clone(),
                needs: object.needs.iter().cloned().chain(named).collect(),
                planned_after: definition.into_iter().collect(),
                body: Box::new(wanted) as Box<dyn Body>,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
