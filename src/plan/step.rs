//! The smallest thing that apply does, as data.

use serde::{Deserialize, Serialize};

use super::{ApiGuard, Call};
use crate::lab::{Content, Mode};

/// One command, one file, one wait. The plan shows it, a saved plan holds it, transport and the simulated lab run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does, in a few words: `write /etc/x.conf`.
    pub about: String,
    /// What to do.
    pub act: Act,
    /// What must still be so, checked in the same exec that acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// Limit in seconds; the node's `command_timeout` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Steps of one ground with the same key never run at the same time (`apt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<String>,
    /// Steps of one ground with the same key run once for all changes that are ready for it (`systemctl daemon-reload`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Runs a program without a shell in between.
    Run {
        /// Program and arguments. Never a secret.
        argv: Vec<String>,
        /// What it reads; nothing where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stdin: Option<Content>,
    },
    /// Writes a file: beside its place, with its mode from the first byte, flushed to the disk, then renamed. Folders
    /// above it are made. A mode, owner or group that is absent is taken from the file that is there.
    Put {
        /// Path on the node.
        path: String,
        /// What to write.
        content: Content,
        /// Permissions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Mode>,
        /// Owner's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Group's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// Copies a file, if it is there, to `below` under its own path and the time, for its owner alone. Copies that have lain
    /// there for thirty days go.
    Keep {
        /// Path on the node.
        path: String,
        /// The folder of all copies.
        below: String,
    },
    /// Removes a file. One that is gone already is no failure.
    Remove {
        /// Path on the node.
        path: String,
    },
    /// Closes the connection and waits until a fresh one stands, at the address that the file declares. Everything
    /// before it in the change has run by then; everything after it runs over the new connection. That the old
    /// connection is lost at the end of the leg before it is no failure.
    Reconnect {
        /// Seconds. Fresh connections are tried until then, each with a time limit of its own.
        within: u64,
        /// A program that must succeed over the fresh connection; until it does, that connection is closed and
        /// another one is tried. Empty: any connection will do.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        until: Vec<String>,
        /// Whether the address before a change of it (`ssh.previous`) will do as well: to put things back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        anywhere: bool,
    },
    /// Calls a cluster's API.
    Api(Call),
}

/// What a step relies on. If it is not so, nothing is done and the plan is stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The program still prints exactly this (newlines at the end apart).
    Output {
        /// Program and arguments; it changes nothing.
        argv: Vec<String>,
        /// Its standard output.
        stdout: String,
    },
    /// The file is still in the state that [`crate::observe::Stat::state`] gave.
    File {
        /// Path on the node.
        path: String,
        /// The state; `absent` where there was none.
        state: String,
    },
    /// The cluster or an object of it is as the plan saw it.
    Api(ApiGuard),
}

impl Guard {
    /// What it looks at, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Output { argv, .. } => super::shell_line(argv),
            Self::File { path, .. } => path.clone(),
            Self::Api(guard) => guard.words(),
        }
    }
}

impl Step {
    /// A step without guards, limits or company.
    pub fn new(about: impl Into<String>, act: Act) -> Self {
        Self { about: about.into(), act, guards: Vec::new(), limit: None, exclusive: None, shared: None }
    }

    /// Runs a program.
    pub fn run<S: Into<String>>(about: impl Into<String>, argv: impl IntoIterator<Item = S>) -> Self {
        Self::new(about, Act::Run { argv: argv.into_iter().map(Into::into).collect(), stdin: None })
    }

    /// The same, checked against what the plan saw.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// The same with a limit in seconds.
    #[must_use]
    pub fn limit(mut self, seconds: u64) -> Self {
        self.limit = Some(seconds);
        self
    }

    /// The same, alone among the steps of its ground with this key.
    #[must_use]
    pub fn exclusive(mut self, key: impl Into<String>) -> Self {
        self.exclusive = Some(key.into());
        self
    }

    /// The same, run once for all changes of its ground that are ready for it.
    #[must_use]
    pub fn shared(mut self, key: impl Into<String>) -> Self {
        self.shared = Some(key.into());
        self
    }
}
