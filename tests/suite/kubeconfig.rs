//! `labctl kubeconfig`, as a person runs it.

use crate::workspace::Workspace;

const LAB: &str =
    "[lab]\nname = \"home\"\n[clusters.home]\nkubeconfig = { file = \"there.yaml\", context = \"Default\" }\n";

/// As k0s writes its own: with names that every cluster of k0s has.
const THERE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: other\n\
    clusters:\n- name: local\n  cluster: {server: 'https://192.168.4.5:6443', certificate-authority-data: QUE=}\n\
    users:\n- name: user\n  user: {client-certificate-data: Q0M=, client-key-data: S0s=}\n\
    contexts:\n- name: Default\n  context: {cluster: local, user: user}\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new(LAB);
    workspace.write("there.yaml", THERE);
    workspace
}

#[test]
fn a_kubeconfig_is_printed_under_the_name_of_its_cluster() {
    let run = workspace().labctl(&["kubeconfig", "home"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for words in ["current-context: home", "server: https://192.168.4.5:6443", "client-key-data: S0s", "user: home"] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("local") && !run.stdout.contains("Default"), "{}", run.stdout);
}

#[test]
fn a_kubeconfig_is_merged_into_ones_own_after_a_copy() {
    use std::os::unix::fs::PermissionsExt as _;
    let workspace = workspace();
    let own = "apiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- {name: work, cluster: {server: 'https://work'}}\n";
    workspace.write("home/.kube/config", own);
    let run = workspace.labctl(&["kubeconfig", "--merge"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    let merged = workspace.read("home/.kube/config");
    for words in ["current-context: work", "server: https://work", "server: https://192.168.4.5:6443"] {
        assert!(merged.contains(words), "{words}\n{merged}");
    }
    let mode = std::fs::metadata(workspace.path("home/.kube/config")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copies = || std::fs::read_dir(workspace.path("home/.kube")).unwrap().count() - 1;
    assert_eq!(copies(), 1);
    // Once more changes nothing, and copies nothing.
    assert_eq!(workspace.labctl(&["kubeconfig", "--merge"]).code, 0);
    assert_eq!((workspace.read("home/.kube/config"), copies()), (merged, 1));
}

#[test]
fn another_cluster_of_the_same_name_is_not_overwritten() {
    let workspace = workspace();
    let own = "clusters:\n- {name: home, cluster: {server: 'https://elsewhere', certificate-authority-data: QkI=}}\n";
    workspace.write("mine.yaml", own);
    let run = workspace.labctl(&["kubeconfig", "home", "--merge", "--into", "mine.yaml"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("it has a cluster `home` already, which leads elsewhere (https://elsewhere)"),
        "{}",
        run.stderr
    );
    assert_eq!(workspace.read("mine.yaml"), own);
}

#[test]
fn what_can_not_be_handed_out_is_said() {
    let workspace = workspace();
    for (arguments, code, words) in [
        (&["kubeconfig", "hom"][..], 1, "there is no `[clusters.hom]`; there are home"),
        (&["kubeconfig", "--tunnel"], 1, "`home` is reached without a node"),
        (&["kubeconfig", "--port", "1"], 1, "--tunnel"),
    ] {
        let run = workspace.labctl(arguments);
        assert!(run.stderr.contains(words), "{arguments:?}: {run:#?}");
        assert_eq!(run.code, code, "{run:#?}");
    }
    workspace.write("there.yaml", "a: [");
    let run = workspace.labctl(&["kubeconfig"]);
    assert_eq!(run.code, 4, "{run:#?}");
}
