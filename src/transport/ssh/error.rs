//! What can go wrong on the way to a node, with all that a person needs to act on it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::known_hosts::Place;
use super::refusal::{AuthRefused, ChangedHostKey, PinnedHostKey, UnknownHostKey};
use super::settings::Endpoint;

/// A connection or a command that failed. The message says what and where, [`SshError::help`] what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// `ssh -G` refused to print the settings.
    #[error("`{command}` failed: {message}")]
    Config {
        /// The command line.
        command: String,
        /// What it said on stderr, or why it could not be run.
        message: String,
    },
    /// The user's SSH configuration asks for something that labctl can't do.
    #[error("the SSH configuration of `{host}` asks for `{setting}`, which labctl does not support")]
    Unsupported {
        /// The host as it was looked up.
        host: String,
        /// The line of the configuration.
        setting: String,
    },
    /// A jump host that is reached through itself, or a jump that is no host.
    #[error("bad jump host `{jump}` for `{host}`: {fault}")]
    Jump {
        /// The host to be reached.
        host: String,
        /// The jump as it was written.
        jump: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The name has no address.
    #[error("the host name `{host}` was not found: {source}")]
    NameNotFound {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("{at} refused the connection")]
    Refused {
        /// Where.
        at: Endpoint,
    },
    /// The network does not lead there.
    #[error("{at} can't be reached: {source}")]
    NoRoute {
        /// Where.
        at: Endpoint,
        /// What the system said.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{at} {phase} within {}", Seconds(*.limit))]
    Timeout {
        /// Where.
        at: Endpoint,
        /// How far it had come.
        phase: Phase,
        /// The limit.
        limit: Duration,
    },
    /// The server and labctl do not understand each other, or the server hung up while they tried.
    #[error("no SSH session with {at}: {reason}")]
    Handshake {
        /// Where.
        at: Endpoint,
        /// What happened.
        reason: String,
    },
    /// A `known_hosts` file that exists and can't be read or written.
    #[error("{}: {source}", path.display())]
    KnownHosts {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No `known_hosts` file knows the host.
    #[error("{0}")]
    UnknownHostKey(Box<UnknownHostKey>),
    /// A `known_hosts` file knows the host with another key.
    #[error("{0}")]
    ChangedHostKey(Box<ChangedHostKey>),
    /// The lab file pins another key.
    #[error("{0}")]
    PinnedHostKey(Box<PinnedHostKey>),
    /// A `known_hosts` file marks the key as revoked.
    #[error("the host key of {at} ({key_type} {fingerprint}) is marked `@revoked` in {place}")]
    RevokedHostKey {
        /// Where.
        at: Endpoint,
        /// Its type.
        key_type: String,
        /// `SHA256:…`.
        fingerprint: String,
        /// The line that revokes it.
        place: Place,
    },
    /// A key file that the lab file names can't be used.
    #[error("the key {}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Every usable key is encrypted, and there is nobody to ask for the passphrase.
    #[error("the key {} is encrypted, and there is no terminal to ask for its passphrase", path.display())]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// The server took none of the keys.
    #[error("{0}")]
    AuthRefused(Box<AuthRefused>),
    /// The server hung up because it was offered too many keys.
    #[error("{at} hung up after {offered} keys: {message}")]
    TooManyKeys {
        /// Where.
        at: Endpoint,
        /// How many had been offered.
        offered: usize,
        /// What the server said.
        message: String,
    },
    /// The server would not open a channel.
    #[error("{at} refused a channel for {purpose}: {reason}")]
    ChannelRefused {
        /// Where.
        at: Endpoint,
        /// What it was for.
        purpose: String,
        /// What the server said.
        reason: String,
    },
    /// The server would not run a command.
    #[error("{at} refused to run a command for this login")]
    ExecRefused {
        /// Where.
        at: Endpoint,
    },
    /// The command did not end in time.
    #[error("the command on {at} did not end within {}", Seconds(*.limit))]
    CommandTimeout {
        /// Where.
        at: Endpoint,
        /// The limit.
        limit: Duration,
        /// What had come until then.
        partial: Box<super::exec::Output>,
    },
    /// The command said more than can be meant.
    #[error("the command on {at} printed more than {} MiB", limit / (1024 * 1024))]
    TooMuchOutput {
        /// Where.
        at: Endpoint,
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection ended while it was in use.
    #[error("the connection to {at} was lost after {received} bytes of the answer: {reason}")]
    Lost {
        /// Where.
        at: Endpoint,
        /// How much of the answer had come, in bytes.
        received: u64,
        /// What had come until then.
        partial: Box<super::exec::Output>,
        /// Why, as far as it is known.
        reason: String,
    },
    /// The connection to a jump host, or from it onwards, failed.
    #[error("jump host {hop}: {source}")]
    Hop {
        /// The jump host.
        hop: Endpoint,
        /// What happened there.
        source: Box<SshError>,
    },
}

/// How far a connection had come when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The name was being looked up.
    Resolve,
    /// No TCP connection.
    Connect,
    /// Connected, but the server never said what it is.
    Banner,
    /// The server spoke, but the key exchange did not end.
    Handshake,
    /// The login was not answered.
    Authentication,
    /// A channel was asked for.
    Channel,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "could not be looked up",
            Phase::Connect => "did not answer",
            Phase::Banner => "accepted the connection but did not speak SSH",
            Phase::Handshake => "did not finish the key exchange",
            Phase::Authentication => "did not answer the login",
            Phase::Channel => "did not open a channel",
        })
    }
}

/// What the CLI has to tell apart: exit codes and what is worth a second try follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The node could not be reached over the network, or the connection broke.
    Unreachable,
    /// It was reached, but it is not proven to be who it should be.
    HostKey,
    /// It was reached, but it does not let us in.
    Login,
    /// The settings are wrong.
    Settings,
    /// The connection stood; a command or a channel failed on it.
    Command,
}

impl SshError {
    /// Whether the node could not be reached over the network (exit code 4).
    pub fn is_unreachable(&self) -> bool {
        self.kind() == Kind::Unreachable
    }

    /// What kind of failure it is; that of a jump host is that of what happened there.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NameNotFound { .. }
            | Self::Refused { .. }
            | Self::NoRoute { .. }
            | Self::Timeout { .. }
            | Self::Handshake { .. }
            | Self::Lost { .. } => Kind::Unreachable,
            Self::UnknownHostKey(_)
            | Self::ChangedHostKey(_)
            | Self::PinnedHostKey(_)
            | Self::RevokedHostKey { .. } => Kind::HostKey,
            Self::KeyFile { .. } | Self::EncryptedKey { .. } | Self::AuthRefused(_) | Self::TooManyKeys { .. } => {
                Kind::Login
            }
            Self::Config { .. } | Self::Unsupported { .. } | Self::Jump { .. } | Self::KnownHosts { .. } => {
                Kind::Settings
            }
            Self::ChannelRefused { .. }
            | Self::ExecRefused { .. }
            | Self::CommandTimeout { .. }
            | Self::TooMuchOutput { .. } => Kind::Command,
            Self::Hop { source, .. } => source.kind(),
        }
    }

    /// What a command had said before its connection or its time ended.
    pub fn partial(&self) -> Option<&super::exec::Output> {
        match self {
            Self::CommandTimeout { partial, .. } | Self::Lost { partial, .. } => Some(partial),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unsupported { .. } => {
                "use `ProxyJump` there, or set `proxy_jump` in the node's `ssh` table, which wins".to_owned()
            }
            Self::NameNotFound { .. } => {
                "check `ssh.host` (or `HostName` in your SSH configuration), and that the name resolves here".to_owned()
            }
            Self::Refused { .. } => "check that sshd runs there, and `ssh.port`".to_owned(),
            Self::UnknownHostKey(unknown) => format!(
                "compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub` on the host, then accept \
                 it with `labctl trust {}`, or pin it with `ssh.host_key = \"{}\"`",
                key_file_word(&unknown.key_type),
                unknown.node,
                unknown.fingerprint
            ),
            Self::ChangedHostKey(changed) => match changed.recorded.first() {
                Some(recorded) => format!(
                    "find out why: the machine was installed anew, or somebody stands between. If it is right: \
                     `ssh-keygen -f {} -R {}`, then `labctl trust {}`",
                    shlex::try_quote(&recorded.place.file.to_string_lossy()).unwrap_or_default(),
                    shlex::try_quote(&changed.known_as).unwrap_or_default(),
                    changed.node
                ),
                None => return None,
            },
            Self::PinnedHostKey(_) => "find out why it differs before you change `ssh.host_key`".to_owned(),
            Self::KeyFile { .. } => "`ssh.identity` names the private key that labctl logs in with".to_owned(),
            Self::EncryptedKey { path } => format!("give it to an agent before: `ssh-add {}`", path.display()),
            Self::AuthRefused(refused) => refused.help(),
            Self::TooManyKeys { .. } => {
                "name the right key with `ssh.identity`, or set `IdentitiesOnly yes` for the host in your SSH \
                 configuration"
                    .to_owned()
            }
            Self::ChannelRefused { .. } => {
                "sshd's `MaxSessions` and `AllowTcpForwarding` limit channels; the login needs both".to_owned()
            }
            Self::ExecRefused { .. } => {
                "the login may be restricted to SFTP or to a forced command; labctl needs a shell".to_owned()
            }
            Self::CommandTimeout { .. } => "raise `ssh.command_timeout` if it needs that long".to_owned(),
            Self::Timeout { .. } => "raise `ssh.connect_timeout` if it is only slow".to_owned(),
            Self::Hop { source, .. } => return source.help(),
            _ => return None,
        })
    }
}

fn key_file_word(key_type: &str) -> &str {
    if key_type.starts_with("ecdsa") {
        "ecdsa"
    } else if key_type.contains("rsa") {
        "rsa"
    } else {
        "ed25519"
    }
}

/// A duration in words.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}
