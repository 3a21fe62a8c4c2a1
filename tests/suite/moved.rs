//! `moved`, where there are marks.

use crate::workspace::Workspace;

const LAB: &str = r#"
[lab]
name = "home"

[nodes.server]
address = "192.168.1.10"
ssh     = { user = "root" }
packages = { zfsutils-linux = "present" }

[pools.tank]
node = "server"
devices = ["/dev/disk/by-id/a"]

[pools.tank.volumes.data]
size = "1GiB"
"#;

const AGAINST: [&str; 2] = ["--lab", "simulated:sim"];

fn plan(workspace: &Workspace) -> crate::workspace::Run {
    workspace.labctl(&[&["plan"], AGAINST.as_slice()].concat())
}

#[test]
fn data_whose_table_moved_is_neither_forgotten_nor_made_anew() {
    let workspace = Workspace::new(LAB);
    let run = workspace.labctl(&[&["apply", "--auto-approve"], AGAINST.as_slice()].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    let renamed = LAB.replace("[pools.tank.volumes.data]", "[pools.tank.volumes.archive]");
    workspace.write("homelab.toml", &renamed);
    let run = plan(&workspace);
    assert!(run.stdout.contains("Plan: 1 to add, 0 to change, 0 to destroy, 1 to forget."), "{run:#?}");

    workspace.write("homelab.toml", &renamed.replace("size =", "moved = \"pools.tank.volumes.data\"\nsize ="));
    let run = plan(&workspace);
    assert_eq!(run.code, 8, "{run:#?}");
    for words in ["`zfs rename tank/data tank/archive`", "No changes can be made.", "1 refused, 1 blocked by those"] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
}

#[test]
fn what_is_no_data_goes_and_comes_and_says_so() {
    let lab =
        "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n[nodes.here.files.\"etc/a\"]\ncontent = \"x\"\n";
    let workspace = Workspace::new(lab);
    workspace.apply();
    let moved = lab.replace("etc/a", "etc/b") + "moved = 'nodes.here.files.\"etc/a\"'\n";
    workspace.write("homelab.toml", &moved);
    let run = workspace.labctl(&["plan"]);
    assert!(run.stdout.contains("moved from nodes.here.files.\"etc/a\""), "{}", run.stdout);
    assert!(run.stdout.contains("`etc/a` goes and `etc/b` comes"), "{}", run.stdout);
    workspace.apply();
    assert!(!workspace.exists("etc/a") && workspace.read("etc/b") == "x");
    workspace.expect_no_changes();
}
