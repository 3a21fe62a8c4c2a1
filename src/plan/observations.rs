//! What a plan read of the lab, in a file: what `plan --save-observations` writes and `plan --offline` plans against.
//!
//! What not everybody on a host may read is left out, and is unknown to who reads the file. The values of Secrets never
//! leave transport; masks stand in their place.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed::{self, Broken};
use super::{Revision, Seen};
use crate::lab::Ground;
use crate::observe::{Answer, Ask, Body, FileAnswer, Reply};

/// The version of the form.
const FORMAT: u32 = 1;
/// How the first line begins.
const SIGN: &str = "labctl-observations ";
/// What stands in the place of what is left out.
const LEFT_OUT: &str = "it was left out when the observations were saved: not everybody may read it";

/// What was read of a lab at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observations {
    /// When.
    pub made_at: Timestamp,
    /// Which lab was read: `real`, or a simulated one.
    pub against: String,
    /// The lab's name.
    pub lab: String,
    /// The Git revision of the files that said what to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    grounds: Vec<(Ground, Saved)>,
}

/// What came of reading one ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Saved {
    Read(Vec<(Ask, Answer)>),
    Unreachable(String),
    NotYet(String),
}

/// Why a file holds no observations that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObservationsError {
    /// It is something else.
    #[error("it holds no observations; `labctl plan --save-observations FILE` writes them")]
    Other,
    /// A newer labctl wrote it.
    #[error("a newer labctl wrote it (format {0}, this labctl reads {FORMAT}); save them anew")]
    Newer(u32),
    /// It is not as it was written.
    #[error("it is damaged ({0}); save the observations anew")]
    Damaged(String),
}

impl Observations {
    /// What was seen, without what not everybody may read.
    pub fn new(made_at: Timestamp, against: String, lab: String, seen: &BTreeMap<Ground, Seen>) -> Self {
        let grounds = seen.iter().map(|(ground, seen)| {
            let saved = match seen {
                Seen::Unreachable(why) => Saved::Unreachable(why.clone()),
                Seen::NotYet(why) => Saved::NotYet(why.clone()),
                Seen::Read(reply) => Saved::Read(sorted(reply)),
            };
            (ground.clone(), saved)
        });
        Self { made_at, against, lab, revision: None, grounds: grounds.collect() }
    }

    /// The same, asked for by the files of this revision.
    #[must_use]
    pub fn of_revision(mut self, revision: Option<Revision>) -> Self {
        self.revision = revision;
        self
    }

    /// The file.
    pub fn to_text(&self) -> String {
        // Plain data with string keys always serializes.
        sealed::seal(SIGN, FORMAT, &(serde_json::to_string_pretty(self).unwrap_or_default() + "\n"))
    }

    /// Reads such a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ObservationsError> {
        let body = sealed::open(SIGN, FORMAT, bytes).map_err(|broken| match broken {
            Broken::Other => ObservationsError::Other,
            Broken::Newer(format) => ObservationsError::Newer(format),
            Broken::Damaged(where_) => ObservationsError::Damaged(where_),
        })?;
        serde_json::from_slice(body).map_err(|error| ObservationsError::Damaged(error.to_string()))
    }

    /// What was seen of a ground, as if it were asked this now. What was not asked then is lost, never absent.
    pub fn answers(&self, ground: &Ground, asks: &[Ask]) -> Seen {
        match self.grounds.iter().find(|(other, _)| other == ground) {
            None => Seen::Unreachable("it was not observed when the observations were saved".to_owned()),
            Some((_, Saved::Unreachable(why))) => Seen::Unreachable(format!("when the observations were saved: {why}")),
            Some((_, Saved::NotYet(why))) => Seen::NotYet(why.clone()),
            Some((_, Saved::Read(saved))) => {
                let saved: BTreeMap<String, &Answer> = saved.iter().map(|(ask, answer)| (key(ask), answer)).collect();
                let not_asked = || Answer::Lost("it was not asked when the observations were saved".to_owned());
                let answer = |ask: &Ask| saved.get(&key(ask)).map_or_else(not_asked, |answer| (*answer).clone());
                Seen::Read(asks.iter().map(|ask| (ask.clone(), answer(ask))).collect())
            }
        }
    }
}

/// An order for questions, which have none of their own.
fn key(ask: &Ask) -> String {
    serde_json::to_string(ask).unwrap_or_default()
}

fn sorted(reply: &Reply) -> Vec<(Ask, Answer)> {
    let mut all: Vec<(Ask, Answer)> =
        reply.answers().map(|(ask, answer)| (ask.clone(), shareable(answer.clone()))).collect();
    all.sort_by_cached_key(|(ask, _)| key(ask));
    all
}

/// An answer without the contents that not everybody may read.
fn shareable(answer: Answer) -> Answer {
    match answer {
        Answer::File(file) => Answer::File(shareable_file(file)),
        Answer::Folder(files) => {
            Answer::Folder(files.into_iter().map(|(name, file)| (name, shareable_file(file))).collect())
        }
        other => other,
    }
}

fn shareable_file(file: FileAnswer) -> FileAnswer {
    match file {
        FileAnswer::Regular { stat, body: Body::Bytes(_) } if stat.mode & 0o004 == 0 => {
            FileAnswer::Unreadable(LEFT_OUT.to_owned())
        }
        file => file,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Observations, ObservationsError};
    use crate::lab::Ground;
    use crate::observe::{Answer, Ask, Body, FileAnswer, Output, Reply, Stat};
    use crate::plan::Seen;

    fn file(mode: u32, bytes: &[u8]) -> Answer {
        let stat = Stat { mode, owner: "root".into(), group: "root".into(), length: 3, state: "1".into() };
        Answer::File(FileAnswer::Regular { stat, body: Body::Bytes(bytes.to_vec()) })
    }

    fn observations() -> Observations {
        let output = Answer::Output(Output { stdout: vec![0xff, 0, b'x'], ..Output::default() });
        let reply: Reply = [
            (Ask::run(["zpool", "list"]), output),
            (Ask::file("/etc/open"), file(0o644, b"open")),
            (Ask::file("/etc/shadow"), file(0o640, b"canary")),
        ]
        .into_iter()
        .collect();
        let seen: BTreeMap<Ground, Seen> = [
            (Ground::Node("n5".into()), Seen::Read(reply)),
            (Ground::Node("off".into()), Seen::Unreachable("no route".into())),
        ]
        .into();
        Observations::new("2026-01-02T03:04:05Z".parse().unwrap(), "real".into(), "t".into(), &seen)
    }

    #[test]
    fn observations_are_read_as_they_were_written_without_what_not_everybody_may_read() {
        let text = observations().to_text();
        assert!(!text.contains("canary"), "{text}");
        let read = Observations::parse(text.as_bytes()).unwrap();
        assert_eq!(read, observations());
        let asks =
            [Ask::run(["zpool", "list"]), Ask::file("/etc/open"), Ask::file("/etc/shadow"), Ask::file("/etc/new")];
        let Seen::Read(reply) = read.answers(&Ground::Node("n5".into()), &asks) else { panic!("it was read") };
        assert_eq!(reply.output(&asks[0]).unwrap().stdout, [0xff, 0, b'x']);
        assert_eq!(Answer::File(reply.file(&asks[1]).unwrap().clone()), file(0o644, b"open"));
        assert!(reply.file(&asks[2]).unwrap_err().contains("left out"));
        assert!(reply.file(&asks[3]).unwrap_err().contains("it was not asked when"));
        let off = read.answers(&Ground::Node("off".into()), &asks);
        assert!(matches!(off, Seen::Unreachable(why) if why.contains("no route")));
        let new = read.answers(&Ground::Node("new".into()), &asks);
        assert!(matches!(new, Seen::Unreachable(why) if why.contains("was not observed")));
    }

    #[test]
    fn what_is_damaged_newer_or_something_else_is_told_apart() {
        let text = observations().to_text();
        assert!(matches!(
            Observations::parse(text.replace("zpool", "zpoo1").as_bytes()),
            Err(ObservationsError::Damaged(_))
        ));
        assert_eq!(
            Observations::parse(text.replacen("format=1", "format=9", 1).as_bytes()),
            Err(ObservationsError::Newer(9))
        );
        assert_eq!(Observations::parse(b"[lab]"), Err(ObservationsError::Other));
    }
}
