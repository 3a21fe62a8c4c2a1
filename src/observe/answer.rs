//! What came back for an [`Ask`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{ApiAnswer, ApiAsk, Ask};

/// The answer to one ask. That it could not be had is an answer of its own, never an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Ask::Run`] and [`Ask::Fed`].
    Output(Output),
    /// To [`Ask::File`] and [`Ask::Same`].
    File(FileAnswer),
    /// To [`Ask::Folder`]: by file name, in order.
    Folder(Vec<(String, FileAnswer)>),
    /// To [`Ask::Api`].
    Api(ApiAnswer),
    /// The part was not answered, or its answer is not whole.
    Lost(String),
}

/// What a program printed and returned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    #[serde(with = "super::bytes")]
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
    /// Exit status; 127 where the node has no such program.
    pub code: u32,
}

impl Output {
    /// Standard output as text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Whether the node has no such program (POSIX: 127).
    pub fn is_missing_program(&self) -> bool {
        self.code == 127
    }

    /// Why the program failed, in one line: its last words, or its status where it had none.
    pub fn complaint(&self) -> String {
        match self.stderr.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => line.trim().to_owned(),
            None => format!("exit status {}", self.code),
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileAnswer {
    /// Nothing.
    Absent,
    /// A regular file.
    Regular {
        /// Permissions and owners.
        stat: Stat,
        /// What stands in it.
        body: Body,
    },
    /// A folder, a link, a device: named in the words of `stat`.
    Other(String),
    /// It may be there and can't be read: why.
    Unreadable(String),
}

/// Permissions and owners of a file, and what tells one state of it from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Permission bits.
    pub mode: u32,
    /// Owner's name, or number where it has none.
    pub owner: String,
    /// Group's name, or number.
    pub group: String,
    /// Bytes.
    pub length: u64,
    /// Inode, time of the last change of state, length: equal as long as nobody touched the file.
    pub state: String,
}

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Its bytes.
    Bytes(#[serde(with = "super::bytes")] Vec<u8>),
    /// Longer than the limit of the ask.
    TooLong,
    /// Whether it is the content that was asked for.
    Same(bool),
}

/// All answers of one ground.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    answers: HashMap<Ask, Answer>,
}

impl Reply {
    /// The answer to `ask`. A question that was never sent is lost, too: it must not pass for an absence.
    pub fn answer(&self, ask: &Ask) -> Answer {
        self.answers.get(ask).cloned().unwrap_or_else(|| Answer::Lost("it was not asked".to_owned()))
    }

    /// Whether no answer is lost.
    pub fn is_whole(&self) -> bool {
        self.answers.values().all(|answer| !matches!(answer, Answer::Lost(_)))
    }

    /// The answer to `ask`, taken out.
    pub fn into_answer(mut self, ask: &Ask) -> Answer {
        self.answers.remove(ask).unwrap_or_else(|| Answer::Lost("it was not asked".to_owned()))
    }

    /// The output of [`Ask::Run`] or [`Ask::Fed`], or why there is none.
    pub fn output(&self, ask: &Ask) -> Result<&Output, String> {
        match self.answers.get(ask) {
            Some(Answer::Output(output)) => Ok(output),
            Some(Answer::Lost(why)) => Err(why.clone()),
            Some(_) | None => Err("it was not asked".to_owned()),
        }
    }

    /// The state of the file of [`Ask::File`] or [`Ask::Same`], or why it isn't known.
    pub fn file(&self, ask: &Ask) -> Result<&FileAnswer, String> {
        match self.answers.get(ask) {
            Some(Answer::File(FileAnswer::Unreadable(why)) | Answer::Lost(why)) => Err(why.clone()),
            Some(Answer::File(file)) => Ok(file),
            Some(_) | None => Err("it was not asked".to_owned()),
        }
    }

    /// The files of [`Ask::Folder`], or why they aren't known.
    pub fn folder(&self, ask: &Ask) -> Result<&[(String, FileAnswer)], String> {
        match self.answers.get(ask) {
            Some(Answer::Folder(files)) => Ok(files),
            Some(Answer::Lost(why)) => Err(why.clone()),
            Some(_) | None => Err("it was not asked".to_owned()),
        }
    }

    /// What the cluster answered, or why that isn't known.
    pub fn api(&self, ask: &ApiAsk) -> Result<&ApiAnswer, String> {
        match self.answers.get(&Ask::Api(ask.clone())) {
            Some(Answer::Api(answer)) => Ok(answer),
            Some(Answer::Lost(why)) => Err(why.clone()),
            Some(_) | None => Err("it was not asked".to_owned()),
        }
    }

    /// Everything that the cluster was asked, and what it answered.
    pub fn api_answers(&self) -> impl Iterator<Item = (&ApiAsk, &ApiAnswer)> {
        self.answers.iter().filter_map(|(ask, answer)| match (ask, answer) {
            (Ask::Api(ask), Answer::Api(answer)) => Some((ask, answer)),
            _ => None,
        })
    }

    /// Every question to the cluster, answered or not.
    pub fn api_asks(&self) -> impl Iterator<Item = &ApiAsk> {
        self.answers.keys().filter_map(|ask| match ask {
            Ask::Api(ask) => Some(ask),
            _ => None,
        })
    }

    /// Everything that was asked, and what came back, in no order.
    pub fn answers(&self) -> impl Iterator<Item = (&Ask, &Answer)> {
        self.answers.iter()
    }

    /// Whether it was asked.
    pub fn has(&self, ask: &Ask) -> bool {
        self.answers.contains_key(ask)
    }

    /// Adds what came back.
    pub fn insert(&mut self, ask: Ask, answer: Answer) {
        self.answers.insert(ask, answer);
    }

    /// Adds all of another reply.
    pub fn extend(&mut self, other: Self) {
        self.answers.extend(other.answers);
    }
}

impl FromIterator<(Ask, Answer)> for Reply {
    fn from_iter<I: IntoIterator<Item = (Ask, Answer)>>(answers: I) -> Self {
        Self { answers: answers.into_iter().collect() }
    }
}
