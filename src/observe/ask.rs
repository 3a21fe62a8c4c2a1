//! A question to a ground, as data: transport renders it to `sh` or makes a request of it, the simulated lab interprets
//! it.

use serde::{Deserialize, Serialize};

use super::ApiAsk;
use crate::lab::{Content, Ground};

/// One part of a probe. Equal asks of several resources are sent once; the answer is found by the ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// What a program prints and returns. It runs with an empty stdin and `LC_ALL=C` and must change nothing.
    Run(Vec<String>),
    /// What a program prints and returns that reads this. It must change nothing.
    Fed {
        /// Program and arguments. Never a secret.
        argv: Vec<String>,
        /// What it reads.
        stdin: Content,
    },
    /// A file's state, and its content where it has at most `limit` bytes.
    File {
        /// Path on the node.
        path: String,
        /// Bytes.
        limit: u64,
    },
    /// The regular files of one folder whose names end in `suffix`, each with state and content. No folder: no files.
    Folder {
        /// Path on the node.
        path: String,
        /// `.json`, `.yaml`, or empty for all.
        suffix: String,
    },
    /// A file's state, and whether its content is this one. The bytes that were read never leave transport.
    Same {
        /// Path on the node.
        path: String,
        /// What it is held against.
        content: Content,
    },
    /// A question to a cluster.
    Api(ApiAsk),
    /// A question to another ground, in that ground's own probe: a worker is held against the CA of its cluster.
    Elsewhere {
        /// The ground.
        ground: Ground,
        /// The question.
        ask: Box<Ask>,
    },
}

impl Ask {
    /// A program's output.
    pub fn run<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self::Run(argv.into_iter().map(Into::into).collect())
    }

    /// The same question, put to another ground.
    #[must_use]
    pub fn of(self, ground: Ground) -> Self {
        Self::Elsewhere { ground, ask: Box::new(self) }
    }

    /// A file with its content, up to 256 KiB of it: more is no configuration.
    pub fn file(path: impl Into<String>) -> Self {
        Self::File { path: path.into(), limit: 256 * 1024 }
    }
}
