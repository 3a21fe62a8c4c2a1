//! Why a host is not trusted, or does not let us in: the facts, for a person and for a program.

use std::fmt;

use super::known_hosts::Place;
use super::settings::Endpoint;

/// A host that no `known_hosts` file knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHostKey {
    /// The node in the lab file, for `labctl trust`.
    pub node: String,
    /// Where.
    pub at: Endpoint,
    /// The type of the key that was offered, `ssh-ed25519`.
    pub key_type: String,
    /// Its fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// The lines that would know the host by a certificate authority, which labctl does not check.
    pub authorities: Vec<Place>,
}

impl fmt::Display for UnknownHostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host key of {} is not known: {} {}", self.at, self.key_type, self.fingerprint)?;
        if let Some(place) = self.authorities.first() {
            write!(f, " (the `@cert-authority` in {place} is not used: labctl does not check host certificates)")?;
        }
        Ok(())
    }
}

/// A host whose recorded keys differ from the one that it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedHostKey {
    /// The node in the lab file.
    pub node: String,
    /// Where.
    pub at: Endpoint,
    /// How the host is named in the files.
    pub known_as: String,
    /// The type of the key that was offered.
    pub key_type: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// What is recorded.
    pub recorded: Vec<Recorded>,
}

/// A key in a `known_hosts` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its type.
    pub key_type: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Where it stands.
    pub place: Place,
}

impl fmt::Display for ChangedHostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host key of {} has changed: it offers {} {}", self.at, self.key_type, self.fingerprint)?;
        for (i, recorded) in self.recorded.iter().enumerate() {
            let word = if i == 0 { "; recorded is" } else { " and" };
            write!(f, "{word} {} {} in {}", recorded.key_type, recorded.fingerprint, recorded.place)?;
        }
        Ok(())
    }
}

/// A host that offers none of the keys that the lab file pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedHostKey {
    /// Where.
    pub at: Endpoint,
    /// What the lab file says.
    pub pinned: String,
    /// Type and fingerprint of every key that the host has.
    pub offered: Vec<(String, String)>,
}

impl fmt::Display for PinnedHostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host key of {} is not the pinned {}; it offers", self.at, self.pinned)?;
        for (i, (key_type, fingerprint)) in self.offered.iter().enumerate() {
            let word = if i == 0 { "" } else { " and" };
            write!(f, "{word} {key_type} {fingerprint}")?;
        }
        Ok(())
    }
}

/// A login that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRefused {
    /// Where.
    pub at: Endpoint,
    /// As whom.
    pub user: String,
    /// The methods that the server would take.
    pub methods: Vec<String>,
    /// What was tried, in order.
    pub tried: Vec<Attempt>,
}

impl AuthRefused {
    /// What to do about it.
    pub(super) fn help(&self) -> String {
        if !self.methods.is_empty() && !self.methods.iter().any(|method| method == "publickey") {
            return "labctl logs in by key: allow `PubkeyAuthentication` in the host's sshd_config".to_owned();
        }
        if self.tried.is_empty() {
            return "name a private key with `ssh.identity`, or start an agent".to_owned();
        }
        format!("the public key of one of them has to stand in `~{}/.ssh/authorized_keys` on the host", self.user)
    }
}

impl fmt::Display for AuthRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused the login as `{}`", self.at, self.user)?;
        if !self.methods.is_empty() {
            write!(f, " (it takes {})", self.methods.join(", "))?;
        }
        if self.tried.is_empty() {
            return f.write_str("; there was no key to try");
        }
        f.write_str("; tried ")?;
        for (i, attempt) in self.tried.iter().enumerate() {
            write!(f, "{}{attempt}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A key that was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which key, in words.
    pub key: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// Why a key did not open the door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outcome {
    /// The server does not take it.
    #[error("refused")]
    Refused,
    /// The server takes it and wants more than a key.
    #[error("taken, but the server wants something else besides")]
    NotEnough,
    /// The server takes it, but it is encrypted and there is nobody to ask.
    #[error("it would be taken, but is encrypted, and there is no terminal to ask for its passphrase")]
    Locked,
    /// The server takes it, but the passphrase did not fit.
    #[error("the passphrase did not fit")]
    WrongPassphrase,
    /// The agent did not sign.
    #[error("the agent did not sign: {0}")]
    NotSigned(String),
    /// It was not offered at all.
    #[error("{0}")]
    Unusable(String),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key, self.outcome)
    }
}
