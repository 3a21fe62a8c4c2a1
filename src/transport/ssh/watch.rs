//! What russh tells of a session: the host's key as it is offered, and why the session ended.

use russh::client::{DisconnectReason, Handler};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use tokio::sync::watch;

use super::error::SshError;
use super::host_key::HostKeyCheck;

/// Why a session ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// The server said goodbye.
    Disconnected(String),
    /// The connection broke, or the protocol was violated.
    Broken(String),
    /// The session's task panicked.
    Panicked,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disconnected(message) => write!(f, "the server closed it: {message}"),
            Self::Broken(reason) => f.write_str(reason),
            Self::Panicked => f.write_str("an internal error in the SSH session (this is a bug)"),
        }
    }
}

/// What a failing callback hands to russh, and gets back from it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Of russh's own.
    Russh(russh::Error),
    /// The host key is not accepted.
    HostKey(Box<(SshError, PublicKey)>),
    /// The host key was only to be seen.
    Shown(Box<PublicKey>),
}

/// What to do with the host key.
pub(super) enum Judge {
    /// Go on if it passes.
    Check(Box<HostKeyCheck>),
    /// Take it and leave.
    Show,
}

impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        Self::Russh(error)
    }
}

/// One session's callbacks.
pub(super) struct Watch {
    judge: Judge,
    end: watch::Sender<Option<End>>,
}

impl Watch {
    /// With the receiver of why the session will have ended.
    pub(super) fn new(judge: Judge) -> (Self, watch::Receiver<Option<End>>) {
        let (end, ended) = watch::channel(None);
        (Self { judge, end }, ended)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end.send_replace(Some(End::Panicked));
        }
    }
}

impl Handler for Watch {
    type Error = Fault;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        let key = offered.public_key();
        match &self.judge {
            Judge::Show => Err(Fault::Shown(Box::new(key))),
            Judge::Check(check) => match check.check(&key) {
                Ok(()) => Ok(true),
                Err(error) => Err(Fault::HostKey(Box::new((error, key)))),
            },
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        let end = match &reason {
            DisconnectReason::ReceivedDisconnect(info) => End::Disconnected(info.message.clone()),
            DisconnectReason::Error(Fault::Russh(error)) => End::Broken(say(error)),
            DisconnectReason::Error(Fault::HostKey(refusal)) => End::Broken(refusal.0.to_string()),
            DisconnectReason::Error(Fault::Shown(_)) => {
                End::Broken("its host key was all that was asked for".to_owned())
            }
        };
        self.end.send_replace(Some(end));
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

/// russh's errors, in the words of this program.
pub(super) fn say(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect | russh::Error::HUP => "the server closed the connection".to_owned(),
        russh::Error::KeepaliveTimeout => "it answered none of the keepalive messages".to_owned(),
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".to_owned()
        }
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            format!("no common algorithm ({kind:?}); the server has {}", theirs.join(", "))
        }
        other => {
            let mut text = other.to_string();
            if let Some(first) = text.get(..1) {
                let lower = first.to_lowercase();
                text.replace_range(..1, &lower);
            }
            text
        }
    }
}
