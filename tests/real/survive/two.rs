//! Two whole programs at one node, each on a machine of its own: an own name, an own boot id, an own space of process numbers.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::sshd::Sshd;
use crate::support::wait::wait_until;
use crate::workspace::Workspace;

/// Stands on the node for the program that brings a file to the disk: the first who calls it waits until it may go on.
const WAITING_SYNC: &str = r#"#!/bin/sh
folder=${0%/*}
mkdir "$folder/begun" 2>/dev/null || exit 0
while [ ! -e "$folder/go" ]; do sleep 0.05; done
"#;

/// How long a dead holder's lock is respected elsewhere, in seconds, by the node's own clock.
const DEAD_AFTER: u64 = 300;

/// A node, and the folder where its files are.
struct Node {
    sshd: Sshd,
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("labctl-two-").tempdir().unwrap();
        let sync = folder.path().join("sync");
        std::fs::write(&sync, WAITING_SYNC).unwrap();
        std::fs::set_permissions(&sync, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let sshd = Sshd::with(&format!("SetEnv PATH={}:{path}", folder.path().display()));
        Self { sshd, folder }
    }

    /// Whoever has this file and no other of the same node.
    fn operator(&self) -> Workspace {
        let folder = self.folder.path().display();
        let text = format!(
            r#"
[lab]
name = "two-{}"
[nodes.box]
address = "127.0.0.1"
ssh = {{ port = {}, user = {:?}, identity = {:?}, known_hosts = "known_hosts" }}
[nodes.box.files."{folder}/first"]
content = "1\n"
[nodes.box.files."{folder}/second"]
content = "2\n"
after = ['nodes.box.files."{folder}/first"']
"#,
            self.folder.path().file_name().unwrap().to_string_lossy().to_lowercase().replace('.', ""),
            self.sshd.port(),
            Sshd::user(),
            self.sshd.key().to_str().unwrap(),
        );
        let workspace = Workspace::new(&text);
        workspace.write("known_hosts", &self.sshd.known_hosts_line());
        workspace
    }

    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    fn go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

/// The program on a machine of that name.
fn on(machine: &str, workspace: &Workspace, arguments: &[&str]) -> Command {
    let labctl = workspace.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", "-c"]);
    let boot = workspace.path("boot");
    std::fs::write(&boot, format!("00000000-0000-4000-8000-{machine:0>12}\n")).unwrap();
    let script = "hostname \"$0\" && mount --bind \"$1\" /proc/sys/kernel/random/boot_id && shift && exec \"$@\"";
    command.arg(script).arg(machine).arg(boot).arg(labctl.get_program()).args(labctl.get_args());
    command.envs(labctl.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(labctl.get_current_dir().unwrap()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// An apply on that machine that is in the middle of its first file.
fn at_work(machine: &str, node: &Node, workspace: &Workspace) -> Child {
    let child = on(machine, workspace, &["apply", "--auto-approve"]).spawn().unwrap();
    wait_until(Duration::from_mins(1), || node.has("begun"), || node.sshd.log());
    child
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn of_two_applies_at_once_one_says_who_is_at_work_and_one_that_may_wait_goes_on_afterwards() {
    let node = Node::new();
    let (desk, sofa) = (node.operator(), node.operator());
    let first = at_work("desk", &node, &desk);

    let (code, words) = said(on("sofa", &sofa, &["apply", "--auto-approve"]).spawn().unwrap());
    assert_eq!(code, Some(6), "{words}");
    assert!(words.contains("root@desk") && words.contains("labctl unlock "), "{words}");
    let (code, words) = said(on("sofa", &sofa, &["plan"]).spawn().unwrap());
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("root@desk"), "a plan warns of it: {words}");
    assert!(!node.has("second"), "the second program has done something");

    let second = on("sofa", &sofa, &["apply", "--auto-approve", "--lock-timeout", "60"]).spawn().unwrap();
    let commands = node.sshd.commands();
    // It has looked, and asks for the lock again and again.
    wait_until(Duration::from_mins(1), || node.sshd.commands() > commands + 2, || node.sshd.log());
    assert!(!node.has("second"));
    node.go();
    let (code, words) = said(first);
    assert_eq!(code, Some(0), "{words}");
    let (code, words) = said(second);
    assert_eq!(code, Some(0), "{words}");
    for workspace in [desk, sofa] {
        workspace.expect_no_changes();
    }
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_killed_holder_is_respected_elsewhere_until_its_time_is_over_by_the_clock_of_the_node() {
    let node = Node::new();
    let (desk, sofa) = (node.operator(), node.operator());
    let mut first = at_work("desk", &node, &desk);
    first.kill().unwrap();
    first.wait().unwrap();
    node.go();

    let (code, words) = said(on("sofa", &sofa, &["apply", "--auto-approve"]).spawn().unwrap());
    assert_eq!(code, Some(6), "{words}");
    let pass = |seconds: u64| {
        let mut touch = Command::new("touch");
        touch.args(["-c", "-d", &format!("{seconds} seconds ago")]).arg(node.sshd.records().join("lock"));
        assert!(touch.status().unwrap().success());
    };
    pass(DEAD_AFTER - 60);
    let (code, words) = said(on("sofa", &sofa, &["apply", "--auto-approve"]).spawn().unwrap());
    assert_eq!(code, Some(6), "{words}");
    pass(DEAD_AFTER + 1);
    let (code, words) = said(on("sofa", &sofa, &["apply", "--auto-approve"]).spawn().unwrap());
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("root@desk"), "whose lock it took over is told: {words}");
    sofa.expect_no_changes();
}
