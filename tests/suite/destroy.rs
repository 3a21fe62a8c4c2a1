//! `labctl destroy` and `labctl purge`: only what a person types by name, and data is moved aside first.

use std::process::{Command, Stdio};

use labctl::transport::simulated::World;

use crate::workspace::{ONE_CLUSTER, Workspace};

const LAB: &str = r#"
[lab]
name = "t"
[nodes.a]
address = "10.0.0.1"
[nodes.a.packages]
zfsutils-linux = "present"
[nodes.a.modules]
zfs = "loaded"
[nodes.a.files."/etc/one"]
content = "1"
[pools.tank]
node = "a"
layout = "mirror"
devices = ["/dev/disk/by-id/one", "/dev/disk/by-id/two"]
[pools.tank.datasets.apps]
properties = { mountpoint = "/srv/apps" }
[pools.tank.datasets."apps/db"]
[pools.tank.volumes.disk]
size = "1GiB"
"#;

const SIMULATED: [&str; 2] = ["--lab", "simulated"];

fn lab() -> Workspace {
    let workspace = Workspace::new(LAB);
    let run = workspace.labctl(&[&["apply", "--auto-approve", "--adopt", "*"], &SIMULATED[..]].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    workspace
}

fn run(workspace: &Workspace, words: &[&str]) -> (i32, String) {
    let run = workspace.labctl(&[words, &SIMULATED[..]].concat());
    (run.code, run.stdout + &run.stderr)
}

/// The same on a terminal, where a person types these lines.
fn typed(workspace: &Workspace, words: &[&str], lines: &str) -> (i32, String) {
    use std::io::Write as _;
    let command = workspace.command(&[words, &SIMULATED[..]].concat());
    let argv: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| shlex::try_quote(word.to_str().unwrap()).unwrap().into_owned())
        .collect();
    let mut script = Command::new("script");
    script.args(["-qec", &argv.join(" "), "/dev/null"]).current_dir(workspace.path(""));
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("PATH", std::env::var_os("PATH").unwrap());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

fn dump(workspace: &Workspace) -> Vec<String> {
    let world = World::from_json(&workspace.read(".labctl/simulated/lab.json")).unwrap();
    assert_eq!(world.gaps(), Vec::<String>::new());
    world
        .dump()
        .lines()
        .filter(|line| line.contains("a dataset ") || line.contains("/etc/one"))
        .map(str::to_owned)
        .collect()
}

fn holds(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

const DATASET: &str = "pools.tank.datasets.apps";

#[test]
fn nothing_is_destroyed_where_nobody_types_its_address() {
    let workspace = lab();
    let before = dump(&workspace);
    let (code, said) = run(&workspace, &["destroy", DATASET]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is nobody to type the address"), "{said}");
    let (code, said) = typed(&workspace, &["destroy", DATASET], "yes\n");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("that is not `pools.tank.datasets.apps`; nothing was destroyed"), "{said}");
    let flags = workspace.labctl(&["destroy", DATASET, "--auto-approve"]);
    assert_eq!(flags.code, 1, "there is no such flag: {flags:#?}");
    assert_eq!(dump(&workspace), before);
}

#[test]
fn a_dataset_is_shown_with_all_below_it_moved_aside_and_purged_by_name() {
    let workspace = lab();
    let (code, said) = typed(&workspace, &["destroy", DATASET], "pools.tank.datasets.apps\n");
    assert_eq!(code, 0, "{said}");
    for words in
        ["goes with it: filesystem `tank/apps/db`", "it is still declared", "needed by pools.tank.datasets.\"apps/db\""]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let after = dump(&workspace);
    assert!(!holds(&after, "a dataset tank/apps") && holds(&after, "Z-apps/db"), "{after:#?}");
    let moved: Vec<&String> = after.iter().filter(|line| line.contains("labctl-trash/")).collect();
    assert_eq!(moved.len(), 2, "{after:#?}");
    assert!(
        moved.iter().all(|line| line.contains("\"canmount\": \"noauto\"") && !line.contains("labctl:lab")),
        "{moved:#?}"
    );

    // The plan makes it anew, and knows nothing of what lies in the trash.
    let (_, plan) = run(&workspace, &["plan"]);
    assert!(plan.contains("Plan: 2 to add, 0 to change, 0 to destroy.") && !plan.contains("trash"), "{plan}");
    let (code, list) = run(&workspace, &["purge"]);
    assert_eq!(code, 0, "{list}");
    assert!(list.contains("a:tank/labctl-trash/") && list.contains("-apps (was tank/apps, since 2"), "{list}");
    let name = list.lines().find(|line| line.starts_with("a:")).unwrap().split(' ').next().unwrap();
    let (code, said) = typed(&workspace, &["purge", name], "tank/apps\n");
    assert_eq!(code, 1, "{said}");
    assert_eq!(dump(&workspace), after);
    let (code, said) = typed(&workspace, &["purge", name], &format!("{name}\n"));
    assert_eq!(code, 0, "{said}");
    assert!(!holds(&dump(&workspace), "labctl-trash/"), "{:#?}", dump(&workspace));
    assert_eq!(run(&workspace, &["purge", "a:tank/apps"]).0, 1);
}

#[test]
fn a_volume_that_left_the_file_is_found_by_the_address_in_its_mark() {
    let workspace = lab();
    workspace.write("homelab.toml", LAB.split("[pools.tank.volumes.disk]").next().unwrap());
    let (code, said) = run(&workspace, &["apply", "--auto-approve"]);
    assert!(code == 0 && said.contains("1 forgotten"), "{said}");
    let (code, said) = typed(&workspace, &["destroy", "pools.tank.volumes.disk"], "pools.tank.volumes.disk\n");
    assert_eq!(code, 0, "{said}");
    let after = dump(&workspace);
    assert!(!holds(&after, "a dataset tank/disk") && holds(&after, "Z-disk: volume"), "{after:#?}");
    let (_, plan) = run(&workspace, &["plan"]);
    assert!(plan.contains("No changes. The lab matches the file."), "{plan}");
}

#[test]
fn pools_are_refused_and_what_is_not_labctls_is_not_found() {
    let workspace = lab();
    let before = dump(&workspace);
    let (code, said) = typed(&workspace, &["destroy", "pools.tank"], "pools.tank\n");
    assert_eq!(code, 8, "{said}");
    assert!(
        said.contains("`tank` is a pool; labctl destroys none") && said.contains("nothing was destroyed"),
        "{said}"
    );
    let (code, said) = typed(&workspace, &["destroy", "pools.tank.volumes.other"], "pools.tank.volumes.other\n");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("names nothing that is marked as labctl's"), "{said}");
    assert_eq!(dump(&workspace), before);
}

#[test]
fn what_is_no_data_is_removed_with_its_record() {
    let workspace = lab();
    let address = "nodes.a.files.\"/etc/one\"";
    let (code, said) = typed(&workspace, &["destroy", address], &format!("{address}\n"));
    assert_eq!(code, 0, "{said}");
    assert!(!holds(&dump(&workspace), "/etc/one"), "{:#?}", dump(&workspace));
    assert!(run(&workspace, &["plan"]).1.contains("Plan: 1 to add, 0 to change, 0 to destroy."));
}

#[test]
fn an_object_is_kept_in_a_file_before_it_is_deleted_and_a_namespace_takes_nothing_along() {
    let workspace = Workspace::new(ONE_CLUSTER);
    workspace.write(
        "web.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: web}\ndata: {index: hello}\n---\n\
         apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: web}\nspec: {accessModes: [ReadWriteOnce]}\n",
    );
    assert_eq!(run(&workspace, &["apply", "--auto-approve"]).0, 0);
    let (code, said) = typed(&workspace, &["destroy", "services.web/Namespace/web"], "services.web/Namespace/web\n");
    assert_eq!(code, 8, "{said}");
    assert!(said.contains("it holds `ConfigMap/web/page`, `PersistentVolumeClaim/web/data`"), "{said}");
    for (name, words) in [("ConfigMap/web/page", "hello"), ("PersistentVolumeClaim/web/data", "ReadWriteOnce")] {
        let address = format!("services.web/{name}");
        let (code, said) = typed(&workspace, &["destroy", &address], &format!("{address}\n"));
        assert_eq!(code, 0, "{said}");
        let kept = std::fs::read_dir(workspace.path(".labctl/destroyed")).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains(&name.replace('/', "-"))).collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        let object: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&kept[0]).unwrap()).unwrap();
        assert!(object.to_string().contains(words) && object["metadata"]["uid"].is_null(), "{object}");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(run(&workspace, &["plan"]).1.contains("Plan: 2 to add"));
}
