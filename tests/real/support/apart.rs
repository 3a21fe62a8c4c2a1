//! A host apart: a network namespace with nothing but a loopback interface of its own. What listens in it can be reached
//! from inside alone, or through the SSH server that stands there and is handed its connections from outside.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::tied::Tied;
use super::wait::wait_until;

pub(crate) struct Apart {
    _holder: Tied,
    namespace: PathBuf,
}

impl Apart {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("labctl-apart-").tempdir().expect("a temporary folder").keep();
        let (ready, log) = (folder.join("ready"), folder.join("log"));
        // `sh` becomes `sleep`, so that the number it writes is that of the one who holds the namespace.
        let script = "ip link set lo up && echo $$ >\"$1.new\" && mv \"$1.new\" \"$1\" && exec sleep infinity";
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sh", "-c", script, "holder"]).arg(&ready);
        let holder = Tied::spawn(&holder, &log, Some(&folder));
        wait_until(Duration::from_secs(20), || ready.exists(), || fs::read_to_string(&log).unwrap_or_default());
        let pid = fs::read_to_string(&ready).expect("a process id");
        Self { _holder: holder, namespace: format!("/proc/{}/ns/net", pid.trim()).into() }
    }

    /// What `nsenter --net=` takes.
    pub(crate) fn namespace(&self) -> &Path {
        &self.namespace
    }

    /// This program, in there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace.display())).arg(program);
        command
    }
}
