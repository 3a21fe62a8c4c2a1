//! Says which files of this machine others may read or write although they should not.

use std::path::Path;

use super::stage::Stage;
use super::terminal::Terminal;
use crate::lab::{Kubeconfig, SecretSource};
use crate::local::permissions::{Keep, loose};
use crate::transport::Outside;

/// Warns of the lab's files, of the secrets and kubeconfigs that it names, and of what labctl keeps.
pub(super) fn warn(stage: &Stage, outside: &dyn Outside, terminal: Terminal) {
    let mut findings = Vec::new();
    if let Some(folder) = stage.sources.folder() {
        let files = stage.sources.paths().map(|path| folder.join(&**path));
        findings.extend(files.chain([folder.join(".labctl")]).filter_map(|path| loose(&path, Keep::Ours)));
    }
    let secrets = stage.lab.secrets.values().filter_map(|source| match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Env(_) | SecretSource::Command(_) | SecretSource::Prompt(_) | SecretSource::Sops { .. } => None,
    });
    findings.extend(secrets.filter_map(|path| loose(Path::new(&path), Keep::Secret)));
    let kubeconfigs = stage.lab.clusters.values().filter_map(|cluster| match &cluster.kubeconfig {
        Kubeconfig::File { path, .. } => outside.path(path).ok(),
        _ => None,
    });
    findings.extend(kubeconfigs.filter_map(|path| loose(&path, Keep::Secret)));
    for words in &findings {
        terminal.warn(words);
    }
}

/// Warns of a saved plan that others may write.
pub(super) fn warn_of_plan(path: &Path, terminal: Terminal) {
    if let Some(words) = loose(path, Keep::Ours) {
        terminal.warn(&words);
    }
}
