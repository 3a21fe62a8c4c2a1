//! Every CRD that labctl's services bring along, and every kind of the API that people write down.

use super::user::{User, data, files};
use crate::support::control_plane::{ControlPlane, crds};

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn every_crd_and_every_common_kind_is_applied_once_and_then_as_declared() {
    let plane = ControlPlane::start();
    let user = User::of(&plane, "every-kind");
    let mut definitions = 0;
    for file in std::fs::read_dir(crds()).expect("the folder").flatten().map(|file| file.path()) {
        if file.extension().is_some_and(|extension| extension == "yaml") {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            user.has(&name, &std::fs::read_to_string(&file).expect("a CRD"));
            definitions += 1;
        }
    }
    for file in files("core") {
        user.has_data(&format!("core/{file}"));
    }
    let objects: usize = files("core").iter().map(|file| count(&data(&format!("core/{file}")))).sum();
    let said = user.apply().stdout;
    assert!(said.contains(&format!("Resources: {} added, 0 changed, 0 destroyed.", definitions + objects)), "{said}");
    user.expect_no_changes();

    // What the controllers make of it afterwards is no change either.
    plane.kubectl(&["-n", "core", "rollout", "status", "deployment/web", "--timeout=60s"]);
    plane.kubectl(&["-n", "core", "wait", "--for=condition=Complete", "job/once", "--timeout=60s"]);
    user.expect_no_changes();
    let marked = plane.kubectl(&["get", "crd", "-l", "labctl.dev/lab=every-kind", "-o", "name"]);
    assert_eq!(marked.lines().count(), definitions + 1, "and one of our own");
}

fn count(documents: &str) -> usize {
    documents.lines().filter(|line| line.starts_with("apiVersion:")).count()
}
