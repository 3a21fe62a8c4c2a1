//! Datasets with all below them: renamed, unmounted, without a property.

use super::{Storage, pool_of};

impl Storage {
    /// `zfs inherit -r`: of the dataset and all below it.
    pub(in crate::transport::simulated) fn inherit_below(&mut self, name: &str, property: &str) -> Result<(), String> {
        for each in self.with_below(name) {
            self.inherit(&each, property)?;
        }
        self.inherit(name, property)
    }

    fn with_below(&self, name: &str) -> Vec<String> {
        let below = format!("{name}/");
        self.datasets.keys().filter(|other| *other == name || other.starts_with(&below)).cloned().collect()
    }

    /// `zfs rename`.
    pub(in crate::transport::simulated) fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let refused = |why: &str| Err(format!("cannot rename '{from}': {why}"));
        if self.get(from).is_none() {
            return Err(format!("cannot open '{from}': dataset does not exist"));
        }
        if pool_of(from) != pool_of(to) {
            return refused("datasets must be within same pool");
        }
        if self.get(to).is_some() {
            return Err(format!("cannot create '{to}': dataset already exists"));
        }
        if to.rsplit_once('/').is_none_or(|(parent, _)| self.get(parent).is_none()) {
            return refused("parent does not exist");
        }
        for each in self.with_below(from) {
            if let Some(dataset) = self.datasets.remove(&each) {
                self.datasets.insert(format!("{to}{}", &each[from.len()..]), dataset);
            }
        }
        Ok(())
    }

    /// `zfs unmount`: what is mounted is told by properties here, so that nothing is left to do.
    pub(in crate::transport::simulated) fn unmount(&self, name: &str) -> Result<(), String> {
        if self.is_mounted(name) { Ok(()) } else { Err(format!("cannot unmount '{name}': not currently mounted")) }
    }
}
