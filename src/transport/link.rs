//! One node's end of the transport: a script in, a framed reply out, as root where the file says so.

use std::time::Duration;

use zeroize::Zeroizing;

use super::contents::Contents;
use super::outcome::{ReachError, StepOutcome};
use super::reply::{self, Frames};
use super::{local_shell, script};
use crate::observe::{Ask, Reply};
use crate::plan::Step;

/// What a script printed.
#[derive(Debug, Default)]
pub(super) struct Exec {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    /// Why it broke off, where it did.
    pub(super) broken: Option<String>,
}

/// A node's shell.
pub(super) enum Shell {
    /// `sh` on this machine.
    Local,
}

impl Shell {
    async fn exec(&self, script: &[u8], limit: Duration) -> Result<Exec, ReachError> {
        match self {
            Self::Local => local_shell::exec(script, limit).await.map_err(ReachError::Unreachable),
        }
    }
}

/// A node that can be talked to.
pub(super) struct Link {
    pub(super) shell: Shell,
    pub(super) limit: Duration,
}

impl Link {
    /// Whether it can be used again.
    pub(super) fn is_open(&self) -> bool {
        match &self.shell {
            Shell::Local => true,
        }
    }

    /// One probe.
    pub(super) async fn probe(&self, asks: &[Ask], contents: &Contents<'_>) -> Result<Reply, ReachError> {
        let nonce = nonce()?;
        let script = script::probe(&nonce, asks, contents)?;
        let exec = self.shell.exec(script.as_bytes(), self.limit).await?;
        let frames = reply::frames(&nonce, &exec.stdout);
        if frames.parts.is_empty() && !asks.is_empty() {
            return Err(no_frames(&exec));
        }
        reply::answers(&nonce, asks, frames, contents)
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
        let exec = self.shell.exec(script.as_bytes(), limit).await?;
        let frames: Frames = reply::frames(&nonce, &exec.stdout);
        if frames.parts.is_empty() {
            return Err(no_frames(&exec));
        }
        let why = exec.broken.as_deref().unwrap_or("the connection broke");
        Ok(reply::outcomes(leg, &frames, why))
    }
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
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(Zeroizing::new(format!("labctl{hex}")))
}
