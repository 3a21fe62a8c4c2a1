//! A plan in a file: what `plan --out` writes, `show` prints and `apply` carries out.
//!
//! The first line says what it is, in which format, and the SHA-256 of all that follows; the rest is JSON. It holds no
//! secret and no digest of one: contents name secrets, and `apply` has them filled in anew.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed::{self, Broken};
use super::{Action, Options, Plan};
use crate::config::Sources;

/// The version of the form.
pub const FORMAT: u32 = 1;

/// How the first line begins.
const SIGN: &str = "labctl-plan ";

/// A plan, what it was made from and for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// When it was made.
    pub made_at: Timestamp,
    /// Which lab was read: `real`, or a simulated one.
    pub against: String,
    /// Every file that the lab was read from: path, and SHA-256 of its bytes.
    pub sources: BTreeMap<String, String>,
    /// The Git revision of these files, where they lie in a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// What the run was asked for.
    pub options: Options,
    /// The versions of what works on each ground, by ground and tool.
    pub tools: BTreeMap<String, BTreeMap<String, String>>,
    /// The plan.
    pub plan: Plan,
}

/// A Git revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit, in full.
    pub commit: String,
    /// Whether files differ from that commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dirty: bool,
}

/// Why a file is no plan that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It is something else.
    #[error("it is no saved plan; `labctl plan --out FILE` writes one")]
    NotAPlan,
    /// A newer labctl wrote it.
    #[error("a newer labctl wrote it (format {0}, this labctl reads {FORMAT}); apply it with that one, or plan again")]
    Newer(u32),
    /// It is not as it was written.
    #[error("it is damaged ({0}); plan again")]
    Damaged(String),
}

impl SavedPlan {
    /// The file.
    pub fn to_text(&self) -> String {
        // Plans are plain data with string keys: they always serialize.
        sealed::seal(SIGN, FORMAT, &(serde_json::to_string_pretty(self).unwrap_or_default() + "\n"))
    }

    /// Reads such a file. What was cut, edited or written by a newer labctl is told apart and never used.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedError> {
        let body = sealed::open(SIGN, FORMAT, bytes).map_err(|broken| match broken {
            Broken::Other => SavedError::NotAPlan,
            Broken::Newer(format) => SavedError::Newer(format),
            Broken::Damaged(what) => SavedError::Damaged(what),
        })?;
        serde_json::from_slice(body).map_err(|error| SavedError::Damaged(error.to_string()))
    }

    /// Why it can't be applied with these files any more: what was changed since it was made.
    pub fn objection(&self, lab: &str, sources: &Sources) -> Option<String> {
        if self.plan.lab != lab {
            return Some(format!("it is a plan of the lab `{}`, and the file is that of `{lab}`", self.plan.lab));
        }
        // What is planned later is planned by this labctl, and was approved as the other one would make it.
        let is_deferred = self.plan.changes.iter().any(|change| change.action == Action::Deferred);
        let this = env!("CARGO_PKG_VERSION");
        if is_deferred && self.plan.labctl_version != this {
            let other = &self.plan.labctl_version;
            return Some(format!(
                "labctl {other} made it, this is {this}, and a part of it is still to be planned; plan again"
            ));
        }
        let now = sources.digests();
        let is_other = |path: &&String| self.sources.get(*path) != now.get(*path);
        let all: std::collections::BTreeSet<&String> = self.sources.keys().chain(now.keys()).collect();
        let changed: Vec<String> = all.into_iter().filter(is_other).map(|path| format!("`{path}`")).collect();
        if changed.is_empty() {
            return None;
        }
        let verb = if changed.len() == 1 { "is" } else { "are" };
        Some(format!("{} {verb} not as when the plan was made; plan again", changed.join(", ")))
    }
}

/// Whether a file says of itself that it is a saved plan.
pub fn is_saved_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGN.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::{SavedError, SavedPlan};
    use crate::config::Sources;
    use crate::plan::{Options, Plan};

    fn saved() -> SavedPlan {
        let sources = Sources::memory([("homelab.toml", "[lab]\nname = \"t\"\n"), ("files/a", "a")]);
        SavedPlan {
            made_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            against: "real".to_owned(),
            sources: sources.digests(),
            revision: None,
            options: Options::default(),
            tools: [("n5".to_owned(), [("kernel".to_owned(), "Linux 6.12".to_owned())].into())].into(),
            plan: Plan { lab: "t".to_owned(), format_version: "1.0".to_owned(), ..Plan::default() },
        }
    }

    #[test]
    fn a_saved_plan_is_read_as_it_was_written() {
        assert_eq!(SavedPlan::parse(saved().to_text().as_bytes()), Ok(saved()));
    }

    #[test]
    fn what_is_cut_or_edited_at_any_byte_is_damaged_and_never_used() {
        let text = saved().to_text();
        for end in 0..text.len() {
            assert!(SavedPlan::parse(&text.as_bytes()[..end]).is_err(), "cut at {end}");
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(SavedPlan::parse(&bytes).is_err(), "edited at {at}");
        }
    }

    #[test]
    fn a_plan_of_a_newer_labctl_is_told_from_a_damaged_one() {
        let text = saved().to_text().replacen("format=1", "format=2", 1);
        assert_eq!(SavedPlan::parse(text.as_bytes()), Err(SavedError::Newer(2)));
        assert_eq!(SavedPlan::parse(b"[lab]\nname = \"t\"\n"), Err(SavedError::NotAPlan));
    }

    #[test]
    fn a_changed_file_and_another_lab_are_named() {
        let now = Sources::memory([("homelab.toml", "[lab]\nname = \"t\"\n"), ("files/a", "b")]);
        assert_eq!(
            saved().objection("t", &now),
            Some("`files/a` is not as when the plan was made; plan again".to_owned())
        );
        assert!(saved().objection("u", &now).unwrap().contains("a plan of the lab `t`"));
        let same = Sources::memory([("homelab.toml", "[lab]\nname = \"t\"\n"), ("files/a", "a")]);
        assert_eq!(saved().objection("t", &same), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_bytes_make_the_reader_panic(rest in proptest::collection::vec(proptest::num::u8::ANY, 0..200), head in "labctl-plan (format=[0-9]{0,12})?( sha256=)?[a-f0-9]{0,64}\n?") {
            let mut bytes = head.into_bytes();
            bytes.extend(rest);
            prop_assert!(SavedPlan::parse(&bytes).is_err());
        }
    }
}
