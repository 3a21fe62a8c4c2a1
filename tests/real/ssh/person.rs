//! Somebody who uses labctl: a home folder, an SSH configuration, an agent or none.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use labctl::lab;
use labctl::transport::ssh::Client;
use labctl::transport::ssh::Prompt;
use labctl::transport::ssh::Settings;
use labctl::transport::ssh::SshError;
use labctl::transport::ssh::resolve_with;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::support::sshd::Sshd;

pub(crate) struct Person {
    home: TempDir,
    pub(crate) agent: Option<PathBuf>,
}

impl Person {
    pub(crate) fn new() -> Self {
        let home = TempDir::with_prefix("labctl-home-").expect("a home folder");
        fs::create_dir(home.path().join(".ssh")).expect(".ssh");
        fs::write(home.path().join(".ssh/config"), "").expect("config");
        Self { home, agent: None }
    }

    /// Has the server's present host key in the `known_hosts` file.
    pub(crate) fn knows(self, sshd: &Sshd) -> Self {
        let mut known = fs::read_to_string(self.known_hosts()).unwrap_or_default();
        known.push_str(&sshd.known_hosts_line());
        fs::write(self.known_hosts(), known).expect("known_hosts");
        self
    }

    /// Has this in the SSH configuration.
    pub(crate) fn configures(self, config: &str) -> Self {
        fs::write(self.path(".ssh/config"), config).expect("config");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.path(".ssh/known_hosts")
    }

    /// What a lab file would say of this server.
    pub(crate) fn ssh(&self, sshd: &Sshd) -> lab::Ssh {
        lab::Ssh {
            port: Some(sshd.port()),
            user: Some(Sshd::user()),
            identity: Some(sshd.key().display().to_string()),
            known_hosts: Some(self.known_hosts().display().to_string()),
            ..lab::Ssh::to("127.0.0.1")
        }
    }

    /// Whether the real ssh logs in with this `known_hosts` file.
    pub(crate) fn can_ssh(sshd: &Sshd, known_hosts: &Path) -> bool {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o"]);
        command.arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        command.arg("-p").arg(sshd.port().to_string()).arg("-i").arg(sshd.key()).args(["127.0.0.1", "true"]);
        command.status().expect("ssh").success()
    }

    pub(crate) async fn resolve(&self, ssh: &lab::Ssh) -> Result<Settings, SshError> {
        let client = Client {
            program: Some("ssh".into()),
            config: Some(self.path(".ssh/config")),
            home: self.home().to_owned(),
            user: Sshd::user(),
            agent: self.agent.clone(),
        };
        resolve_with(&client, "n5", ssh).await
    }
}

/// Makes a key pair of this type.
pub(crate) fn make_key(dir: &Path, name: &str, kind: &str, passphrase: &str) -> PathBuf {
    let path = dir.join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"]).arg(&path);
    assert!(command.status().expect("ssh-keygen").success());
    path
}

/// Answers passphrases from a list.
pub(crate) struct Scripted {
    answers: Mutex<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new<const N: usize>(answers: [&'static str; N]) -> Self {
        let answers = answers.into_iter().rev().collect();
        Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Prompt for Scripted {
    fn passphrase(&self, _key: &Path, attempt: usize) -> Option<Zeroizing<String>> {
        assert_eq!(attempt, self.asked.fetch_add(1, Ordering::Relaxed) + 1);
        self.answers.lock().expect("a lock").pop().map(|answer| Zeroizing::new(answer.to_owned()))
    }

    fn password(&self, _question: &str) -> Option<Zeroizing<String>> {
        None
    }
}

/// A real agent with a socket of its own.
pub(crate) struct Agent {
    home: TempDir,
    process: Child,
}

impl Agent {
    pub(crate) fn start() -> Self {
        let home = TempDir::with_prefix("labctl-agent-").expect("a folder");
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a"]).arg(home.path().join("socket")).stdout(Stdio::null());
        let agent = Self { process: command.spawn().expect("ssh-agent"), home };
        let deadline = Instant::now() + Duration::from_secs(5);
        while !agent.socket().exists() {
            assert!(Instant::now() < deadline, "the agent does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        agent
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("socket")
    }

    pub(crate) fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(key).env("SSH_AUTH_SOCK", self.socket());
        assert!(command.status().expect("ssh-add").success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
