//! One node's end of the transport: a script in, a framed reply out, as root where the file says so.

use std::time::Duration;

use zeroize::Zeroizing;

use super::contents::Contents;
use super::outcome::{ReachError, StepOutcome};
use super::reply;
use super::ssh::{self, Session, SshError};
use super::ssh_shell::{SshShell, reach};
use super::{Access, local_shell, script};
use crate::lab::{Connection, Node, Ssh};
use crate::observe::{Ask, Reply};
use crate::plan::Step;

/// Limit for one script on the machine that labctl runs on.
const LOCAL_LIMIT: Duration = Duration::from_mins(10);

/// What a script printed.
#[derive(Debug, Default)]
pub(super) struct Exec {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    /// Why it broke off, where it did.
    pub(super) broken: Option<String>,
}

/// A node's shell.
enum Shell {
    /// `sh` on this machine.
    Local,
    /// Over SSH.
    Ssh(Box<SshShell>),
}

/// Where a node may be reached while its address is being changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Only where the file says that it is.
    AsDeclared,
    /// Also where it was before (`ssh.previous`).
    Anywhere,
}

/// A node that can be talked to.
pub(super) struct Link {
    shell: Shell,
    limit: Duration,
}

impl Link {
    /// Connects to a node.
    pub(super) async fn connect(
        node: &Node,
        access: &Access,
        reached: Reached,
        contents: &Contents<'_>,
    ) -> Result<Self, ReachError> {
        let ssh = match &node.connection {
            Connection::Local => return Ok(Self { shell: Shell::Local, limit: LOCAL_LIMIT }),
            Connection::Ssh(ssh) => ssh,
        };
        let session = session(node, ssh, access, reached).await;
        let shell = SshShell::new(&node.name, session.map_err(|error| reach(&error))?, ssh, access, contents)?;
        Ok(Self { shell: Shell::Ssh(Box::new(shell)), limit: ssh.command_timeout })
    }

    /// Whether it can be used again.
    pub(super) fn is_open(&self) -> bool {
        match &self.shell {
            Shell::Local => true,
            Shell::Ssh(shell) => !shell.session.is_closed(),
        }
    }

    /// Ends it.
    pub(super) async fn close(&self) {
        if let Shell::Ssh(shell) = &self.shell {
            shell.session.clone().close().await;
        }
    }

    async fn exec(&self, nonce: &str, script: &[u8], limit: Duration) -> Result<Exec, ReachError> {
        match &self.shell {
            Shell::Local => local_shell::exec(script, limit, ssh::OUTPUT_LIMIT).await.map_err(ReachError::Unreachable),
            Shell::Ssh(shell) => shell.exec(nonce, script, limit).await,
        }
    }

    /// One probe. A part of an answer over a connection that broke is none: the node is to be asked again, or is away.
    pub(super) async fn probe(&self, asks: &[Ask], contents: &Contents<'_>) -> Result<Reply, ReachError> {
        let nonce = nonce()?;
        let script = script::probe(&nonce, asks, contents)?;
        let exec = self.exec(&nonce, script.as_bytes(), self.limit).await?;
        let reply = reply::read_reply(&nonce, asks, &exec.stdout, contents)?;
        match &exec.broken {
            Some(why) if !self.is_open() && !reply.as_ref().is_some_and(Reply::is_whole) => {
                Err(ReachError::Unreachable(why.clone()))
            }
            _ => reply.ok_or_else(|| no_frames(&exec)),
        }
    }

    /// One leg.
    pub(super) async fn act(&self, leg: &[Step], contents: &Contents<'_>) -> Vec<StepOutcome> {
        let limit = leg.iter().filter_map(|step| step.limit).map(Duration::from_secs).max();
        match self.try_act(leg, limit.unwrap_or(self.limit), contents).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![StepOutcome::Lost(error.to_string())],
        }
    }

    async fn try_act(
        &self,
        leg: &[Step],
        limit: Duration,
        contents: &Contents<'_>,
    ) -> Result<Vec<StepOutcome>, ReachError> {
        let nonce = nonce()?;
        let script = script::leg(&nonce, leg, contents)?;
        let exec = self.exec(&nonce, script.as_bytes(), limit).await?;
        let why = exec.broken.as_deref().unwrap_or("the connection broke");
        reply::read_outcomes(&nonce, leg, &exec.stdout, why).ok_or_else(|| no_frames(&exec))
    }
}

/// A session with a node, at one of the places where it may be reached.
pub(super) async fn session(node: &Node, ssh: &Ssh, access: &Access, reached: Reached) -> Result<Session, SshError> {
    match (session_at(node, ssh, access).await, &ssh.previous) {
        (Err(error), Some(previous)) if error.is_unreachable() && reached == Reached::Anywhere => {
            session_at(node, &before(ssh, previous), access).await
        }
        (result, _) => result,
    }
}

async fn session_at(node: &Node, ssh: &Ssh, access: &Access) -> Result<Session, SshError> {
    let settings = ssh::resolve(&node.name, ssh).await?;
    Session::connect(&settings, &*access.prompt).await
}

/// The same node where it was before its address was changed: `host[:port]`.
fn before(ssh: &Ssh, previous: &str) -> Ssh {
    let (host, port) = match previous.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()),
        _ => (previous, None),
    };
    Ssh { host: host.to_owned(), port: port.or(ssh.port), ..ssh.clone() }
}

/// Why a script printed nothing of its own.
fn no_frames(exec: &Exec) -> ReachError {
    let words = exec.stderr.trim();
    let last = words.lines().last().unwrap_or_default();
    if let Some(why) = sudo_refusal(words) {
        return ReachError::Denied(why.to_owned());
    }
    match (&exec.broken, last) {
        (Some(why), _) => ReachError::Unreachable(why.clone()),
        (None, "") => ReachError::Garbled("the shell there answered nothing".to_owned()),
        (None, last) => ReachError::Garbled(format!("the shell there answered: {last}")),
    }
}

/// What sudo means, in words that name the remedy (`facts`: the same text for a user who may not use sudo at all).
fn sudo_refusal(words: &str) -> Option<&'static str> {
    if words.contains("a password is required") {
        Some(
            "sudo wants a password there; give `ssh.sudo_password = { secret = \"…\" }`, run labctl on a terminal to be \
             asked for it, or let the login use sudo without one",
        )
    } else if words.contains("incorrect password") || words.contains("Sorry, try again") {
        Some("sudo there does not take the password")
    } else if words.contains("must have a tty") {
        Some("sudo there wants a terminal (`requiretty`); take that line out of its sudoers")
    } else if words.contains("not in the sudoers") || words.contains("not allowed to") {
        Some("the login may not use sudo there")
    } else if words.contains("sudo") && words.contains("not found") {
        Some("there is no sudo there; log in as root, or set `ssh.sudo = false` and plan with `--read-only`")
    } else {
        None
    }
}

/// What frames begin with: 128 random bits, so that no program prints it by accident or on purpose.
fn nonce() -> Result<Zeroizing<String>, ReachError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| ReachError::Garbled(format!("no random numbers here: {error}")))?;
    Ok(Zeroizing::new(format!("labctl{:032x}", u128::from_be_bytes(bytes))))
}
