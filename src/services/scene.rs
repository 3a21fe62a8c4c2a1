//! What a service sees of the lab when it expands.

use crate::config::{File, Sources};
use crate::lab::{Cluster, Lab};

/// What a service sees of the lab.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The service's name in the file.
    pub name: &'a str,
    /// The cluster that it is in.
    pub cluster: &'a Cluster,
    /// The lab, without objects.
    pub lab: &'a Lab,
    /// The tables that the lab was resolved from.
    pub file: &'a File,
    /// The files beside homelab.toml, and those from elsewhere that are there.
    pub sources: &'a Sources,
}
