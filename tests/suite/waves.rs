//! Objects of a simulated cluster, wave by wave: what takes the place of another is there before that one goes.

use crate::workspace::{ONE_CLUSTER, Run, Workspace};

const OLD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old, namespace: default}\n";

const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: new, namespace: default}
";

fn run(workspace: &Workspace, manifests: &str, command: &[&str]) -> Run {
    workspace.write("web.yaml", manifests);
    workspace.labctl(&[command, &["--lab", "simulated"]].concat())
}

fn with_the_old_one() -> Workspace {
    let workspace = Workspace::new(ONE_CLUSTER);
    let made = run(&workspace, OLD, &["apply", "--auto-approve"]);
    assert_eq!(made.code, 0, "{made:#?}");
    workspace
}

#[test]
fn what_is_replaced_by_something_that_is_refused_stays() {
    let workspace = with_the_old_one();
    let unknown = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: new, namespace: default}\n";
    let plan = run(&workspace, unknown, &["plan"]);
    assert!(plan.stdout.contains("# services.web/ConfigMap/default/old can't be done"), "{plan:#?}");
    let apply = run(&workspace, unknown, &["apply", "--auto-approve"]);
    assert_eq!(apply.code, 1, "{apply:#?}");
    let back = run(&workspace, OLD, &["plan", "--detailed-exitcode"]);
    assert_eq!(back.code, 0, "it was never gone: {back:#?}");
}

#[test]
fn what_is_replaced_by_something_of_a_later_wave_goes_in_that_wave() {
    let workspace = with_the_old_one();
    let plan = run(&workspace, DEFINITION, &["plan"]);
    assert!(plan.stdout.contains("# services.web/ConfigMap/default/old will be destroyed in wave 1"), "{plan:#?}");
    let apply = run(&workspace, DEFINITION, &["apply", "--auto-approve"]);
    assert_eq!(apply.code, 0, "what was shown is approved: {apply:#?}");
    assert!(apply.stdout.contains("2 added, 0 changed, 1 destroyed"), "{apply:#?}");
    let again = run(&workspace, DEFINITION, &["plan", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{again:#?}");
}
