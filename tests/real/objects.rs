//! Objects on a real API server: what is applied is unchanged, what others do is told apart, what is there is adopted.

use crate::support::control_plane::{Access, ControlPlane};
use crate::workspace::{Run, Workspace};

/// Objects whose YAML is known for differences that are none, in a namespace of their own.
const FALSE_DIFFERENCES: &str = include_str!("objects/false-differences.yaml");

/// Whoever runs labctl against the control plane, with a lab of its own name.
struct Operator(Workspace);

impl Operator {
    fn new(name: &str, access: Access, manifests: &str, more: &str) -> Self {
        let kubeconfig = ControlPlane::shared().kubeconfig(access);
        let lab = format!(
            "[lab]\nname = \"{name}\"\n[clusters.homelab]\nkubeconfig = {{ file = {kubeconfig:?} }}\n[services.web]\n\
             kind = \"manifests\"\ncluster = \"homelab\"\nfiles = [\"web.yaml\"]\n{more}"
        );
        let workspace = Workspace::new(&lab);
        workspace.write("web.yaml", manifests);
        Self(workspace)
    }

    fn plan(&self) -> Run {
        self.0.labctl(&["plan", "--detailed-exitcode"])
    }

    fn expect(&self, words: &[&str], code: i32) -> Run {
        let run = self.plan();
        assert_eq!(run.code, code, "{run:#?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        words.iter().for_each(|words| assert!(said.contains(words), "{words:?} in {said}"));
        run
    }
}

fn in_namespace(namespace: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {{name: web, namespace: {namespace}}}\ndata: {data}\n"
    )
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_is_known_for_false_differences_is_unchanged_and_costs_one_list_a_kind() {
    let plane = ControlPlane::shared();
    let operator = Operator::new("false-differences", Access::Admin, FALSE_DIFFERENCES, "");
    operator.0.apply();
    operator.0.expect_no_changes();
    let mark = plane.mark();
    operator.0.expect_no_changes();
    let patches: Vec<_> = mark.counts().into_iter().filter(|(request, _)| request.starts_with("patch")).collect();
    assert!(patches.is_empty(), "no dry run is needed: {patches:#?}");
    let more: Vec<_> = mark.counts().into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(more.is_empty(), "nothing is asked twice: {more:#?}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_others_do_to_fields_of_labctl_is_found_and_to_their_own_is_left_alone() {
    let plane = ControlPlane::shared();
    let operator = Operator::new("drift", Access::Admin, &in_namespace("drift", "{a: '1', b: '2'}"), "");
    operator.0.apply();
    let patch = |patch: &str| plane.kubectl(&["-n", "drift", "patch", "configmap", "web", "--type=merge", "-p", patch]);
    patch(r#"{"data": {"theirs": "x"}, "metadata": {"labels": {"theirs": "x"}}}"#);
    operator.0.expect_no_changes();
    patch(r#"{"data": {"a": "9"}}"#);
    operator.expect(&["data.a", "`kubectl-patch` owns `data.a`", "take = [\"data.a\"]"], 1);
    let taking =
        Operator::new("drift", Access::Admin, &in_namespace("drift", "{a: '1', b: '2'}"), "take = [\"data.a\"]\n");
    taking.0.apply();
    taking.0.expect_no_changes();
    operator.0.expect_no_changes();
    operator.0.write("web.yaml", &in_namespace("drift", "{a: '1'}"));
    operator.expect(&["data.b"], 2);
    operator.0.apply();
    let data = plane.kubectl(&["-n", "drift", "get", "configmap", "web", "-o", "jsonpath={.data}"]);
    assert_eq!(data, r#"{"a":"1","theirs":"x"}"#, "what left the file goes, what is theirs stays");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_a_person_applied_is_adopted_and_what_leaves_the_file_then_goes() {
    let plane = ControlPlane::shared();
    let manifests = in_namespace("adopted", "{a: '1', b: '2'}");
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), &manifests).unwrap();
    plane.kubectl(&["apply", "-f", file.path().to_str().unwrap()]);
    let operator = Operator::new("adopting", Access::Admin, &manifests, "");
    operator.expect(&["2 to adopt"], 2);
    operator.0.apply();
    operator.0.expect_no_changes();
    operator.0.write("web.yaml", &in_namespace("adopted", "{a: '1'}"));
    operator.0.apply();
    operator.0.expect_no_changes();
    let read = |path: &str| {
        plane.kubectl(&["-n", "adopted", "get", "configmap", "web", "-o", &format!("jsonpath={{{path}}}")])
    };
    assert_eq!(read(".data"), r#"{"a":"1"}"#);
    assert_eq!(read(".metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration"), "");
    operator.0.write("web.yaml", "");
    operator.0.apply();
    assert_eq!(read(".data"), r#"{"a":"1"}"#, "what was adopted stays");
    assert_eq!(read(".metadata.labels"), "");
    let managers = plane.kubectl(&[
        "-n",
        "adopted",
        "get",
        "configmap",
        "web",
        "--show-managed-fields",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
    ]);
    assert!(!managers.contains("labctl"), "{managers}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_labctl_made_goes_with_its_namespace_and_never_what_is_not_its_own() {
    let plane = ControlPlane::shared();
    let operator = Operator::new("leaving", Access::Admin, &in_namespace("leaving", "{a: '1'}"), "");
    operator.0.apply();
    plane.kubectl(&["-n", "leaving", "create", "configmap", "by-hand"]);
    operator.0.write("web.yaml", "");
    operator.expect(&["it holds `ConfigMap/leaving/by-hand`, which would go with it"], 2);
    operator.0.apply();
    assert_eq!(plane.kubectl(&["-n", "leaving", "get", "configmap", "by-hand", "-o", "name"]), "configmap/by-hand\n");
    assert_eq!(plane.kubectl(&["-n", "leaving", "get", "configmap", "web", "--ignore-not-found"]), "");
    let again = Operator::new("leaving-whole", Access::Admin, &in_namespace("leaving-whole", "{a: '1'}"), "");
    again.0.apply();
    again.0.write("web.yaml", "");
    again.0.apply();
    assert_eq!(plane.kubectl(&["get", "namespace", "leaving-whole", "--ignore-not-found"]), "");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_reader_plans_and_is_told_what_is_unchecked() {
    let manifests = in_namespace("reading", "{a: '1'}");
    let admin = Operator::new("reading", Access::Admin, &manifests, "");
    admin.0.apply();
    let reader = Operator::new("reading", Access::Reader, &manifests, "");
    reader.0.expect_no_changes();
    reader.0.write("web.yaml", &in_namespace("reading", "{a: '2'}"));
    reader.expect(&["data.a", "not checked by the server"], 2);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_the_server_refuses_is_named_before_anything_is_done() {
    let operator = |name: &str, manifests: &str| Operator::new(name, Access::Admin, manifests, "");
    let strict = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: strict, namespace: default}\ndatta: {a: b}\n";
    operator("strict", strict).expect(&["services.web/ConfigMap/default/strict", "datta"], 1);
    let invalid = "apiVersion: v1\nkind: Service\nmetadata: {name: invalid, namespace: default}\nspec: {ports: [{port: 99999}]}\n";
    operator("invalid", invalid).expect(&["spec.ports", "99999"], 1);
    let homeless = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: homeless, namespace: nowhere}\n";
    operator("homeless", homeless).expect(&["the cluster has no namespace `nowhere`"], 1);
    let unserved = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w, namespace: default}\n";
    operator("unserved", unserved).expect(&["serves no example.org/v1 Widget"], 1);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_object_and_its_definition_come_in_one_apply() {
    let manifests = "
apiVersion: waves.example.org/v1
kind: Gadget
metadata: {name: g, namespace: default}
spec: {size: 3}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.waves.example.org}
spec:
  group: waves.example.org
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}, color: {type: string, default: red}}}}}}
";
    let operator = Operator::new("waves", Access::Admin, manifests, "");
    operator.0.apply();
    operator.0.expect_no_changes();
}
