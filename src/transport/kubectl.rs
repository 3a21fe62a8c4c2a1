//! A call of a cluster's API as the `kubectl` command that does the same, for people who read or run a plan by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kubernetes::MANAGER;
use crate::lab::{Manifest, ObjectKey};
use crate::plan::{Call, quote, shell_line};

/// The command. Its context is the one that `KUBECONFIG` leads to.
pub(super) fn line(call: &Call) -> String {
    match call {
        Call::Apply { manifest, force } => {
            let mut argv = vec!["kubectl", "apply", "--server-side", "--field-manager", MANAGER, "-f", "-"];
            argv.extend(force.then_some("--force-conflicts"));
            format!("printf %s {} | base64 -d | {}", quote(&encoded(manifest)), shell_line(argv))
        }
        Call::TakeOver { object, managers } => {
            format!(": {}", quote(&format!("fields of {} in {object} become labctl's", managers.join(", "))))
        }
        Call::Release { object } => {
            let label = format!("{}-", crate::kubernetes::LAB_LABEL);
            command(&["label"], object, &[&label])
        }
        Call::Delete { object } => command(&["delete", "--ignore-not-found"], object, &[]),
        // By hand there is nobody to lock out.
        Call::Lease(_) => ":".to_owned(),
        Call::Ready { object, within } => {
            let timeout = format!("--timeout={within}s");
            command(&["wait", "--for=condition=Ready", &timeout], object, &[])
        }
        Call::Gone { object, within } => {
            let timeout = format!("--timeout={within}s");
            command(&["wait", "--for=delete", &timeout], object, &[])
        }
    }
}

fn command(verb: &[&str], object: &ObjectKey, more: &[&str]) -> String {
    let name = format!("{}/{}", object.kind.qualified(), object.name);
    let mut argv = vec!["kubectl"];
    argv.extend(verb);
    if let Some(namespace) = &object.namespace {
        argv.extend(["--namespace", namespace]);
    }
    argv.push(&name);
    argv.extend(more);
    shell_line(argv)
}

/// Places that are filled with secrets are left empty: who runs it by hand fills them in.
fn encoded(manifest: &Manifest) -> String {
    STANDARD.encode(manifest.json.to_string())
}
