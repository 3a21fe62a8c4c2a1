//! Commands in the VM through the system's `ssh`, independent of labctl's own SSH.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use super::qemu::Machine;

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// 255 is `ssh`'s own failure.
    pub(crate) code: i32,
}

impl Output {
    pub(crate) fn expect_success(self, script: &str) -> String {
        let Self { stdout, stderr, code } = self;
        assert!(
            code == 0,
            "exit {code} in the VM\n--- script ---\n{script}\n--- out ---\n{stdout}--- err ---\n{stderr}"
        );
        stdout
    }
}

pub(crate) struct Login {
    port: u16,
    key: PathBuf,
    pub(crate) known_hosts: PathBuf,
}

impl Login {
    pub(crate) fn new(machine: &Machine) -> Self {
        let known_hosts = machine.dir.join("known_hosts");
        let line = |port| format!("[127.0.0.1]:{port} {}\n", machine.seed.host_key);
        fs::write(&known_hosts, line(machine.port) + &line(machine.moved_port)).expect("known_hosts");
        Self { port: machine.port, key: machine.seed.key.clone(), known_hosts }
    }

    pub(crate) fn run(&self, user: &str, script: &str) -> Output {
        let output = self
            .ssh(user)
            // As one word, so that the script's commands have a standard input of their own.
            .arg(format!("exec sh -c '{}'", script.replace('\'', r"'\''")))
            .stdin(Stdio::null())
            .output()
            .expect("ssh starts");
        Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Copies a file there, as root. It becomes a program.
    pub(crate) fn send(&self, from: &Path, to: &str) {
        let file = fs::File::open(from).expect("the file");
        let mut command = self.ssh("root");
        let sent = command.arg(format!("cat >'{to}' && chmod 755 '{to}'")).stdin(file).output().expect("ssh starts");
        assert!(sent.status.success(), "{to}: {}", String::from_utf8_lossy(&sent.stderr));
    }

    fn ssh(&self, user: &str) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"])
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=5"])
            .args(["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=6"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", self.known_hosts.display()))
            .arg("-i")
            .arg(&self.key)
            .args(["-p", &self.port.to_string(), &format!("{user}@127.0.0.1")]);
        command
    }

    /// Tries until a login works; after `limit`, what the last try said.
    pub(crate) fn wait(&self, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        loop {
            let tried = self.run("root", ":");
            if tried.code == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(tried.stderr);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
