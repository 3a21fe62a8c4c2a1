//! Datasets: the filesystems of a pool.

use std::sync::Arc;

use super::marks::{self, Carrier};
use super::pool::Gone;
use super::site::Host;
use super::survey;
use super::wanted::{Wanted, canonical};
use crate::lab::{Address, Lab, Node, Site};
use crate::observe::{Ask, Reply};
use crate::plan::{Mark, Step, shell_line};

use super::super::{Kind, Leaving, Leftover, Resource, Surveyed};

/// `[pools.NAME.datasets]`.
pub(in super::super) struct Datasets;

impl Kind for Datasets {
    fn name(&self) -> &'static str {
        "zfs-dataset"
    }

    fn about(&self) -> &'static str {
        "A filesystem of a ZFS pool and its properties; made with its parents, never destroyed."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let sites = Host::all(lab);
        let mut resources = Vec::new();
        for pool in lab.pools.values() {
            let Some(site) = sites.get(&pool.node.value) else { continue };
            for (path, dataset) in &pool.datasets {
                let wanted = Wanted {
                    site: Arc::clone(site),
                    carrier: Carrier::Filesystem,
                    name: format!("{}/{path}", pool.name),
                    properties: canonical(&dataset.properties),
                    size: None,
                };
                let address = Address::new(["pools", &pool.name, "datasets", path]);
                resources.push(wanted.resource(address, &dataset.meta));
            }
        }
        resources
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn carries_marks(&self) -> bool {
        true
    }

    fn asks(&self, _site: Site<'_>) -> Vec<Ask> {
        vec![marks::ask(Carrier::Filesystem)]
    }

    fn marked(&self, _site: Site<'_>, reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        let marks = marks::read(reply, Carrier::Filesystem)?;
        Ok(marks.into_iter().filter(|(name, _)| name.contains('/')).collect())
    }

    fn mark_steps(&self, _site: Site<'_>, name: &str, mark: &Mark) -> Vec<Step> {
        vec![marks::write(name, mark)]
    }

    fn renaming(&self, from: &str, to: &str) -> Option<String> {
        Some(shell_line(["zfs", "rename", from, to]))
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        survey::asks()
    }

    fn survey(&self, _lab: &Lab, _node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::things(Carrier::Filesystem, reply)
    }
}
