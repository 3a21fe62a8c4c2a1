//! A control plane ends with the test process that has started it.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::support::control_plane::ControlPlane;
use crate::support::wait::wait_until;

/// Set in the second process of this test, which only holds a control plane.
const HOLDS: &str = "LABCTL_TEST_HOLDS_A_CONTROL_PLANE";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn everything_ends_with_the_test_process_also_when_that_is_killed() {
    if std::env::var_os(HOLDS).is_some() {
        let plane = ControlPlane::shared();
        writeln!(std::io::stdout(), "folder {}", plane.folder().display()).expect("the pipe");
        loop {
            std::thread::park();
        }
    }
    let name = std::thread::current().name().expect("the name of this test").to_owned();
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .args(["--include-ignored", "--exact", &name, "--nocapture", "--test-threads=1"])
        .env(HOLDS, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let output = BufReader::new(other.stdout.take().expect("a pipe"));
    let folder = output.lines().map_while(Result::ok).find_map(|line| line.split("folder ").nth(1).map(str::to_owned));
    let folder = folder.expect("the folder of a control plane");
    // Four programs and their keepers; the server's log and folder stand in its keeper's arguments as well.
    assert!(processes_of(&folder).len() >= 8, "{:?}", processes_of(&folder));

    other.kill().expect("SIGKILL");
    other.wait().expect("its end");
    let left = || processes_of(&folder).is_empty() && !Path::new(&folder).exists();
    wait_until(Duration::from_secs(20), left, || format!("{:?}", processes_of(&folder)));
}

/// The command lines with this folder in them.
fn processes_of(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(folder)).map(|line| line.chars().take(200).collect()).collect()
}
