//! Faults as data: what goes wrong, on which node, at which step or probe.
//!
//! As text: `n5@12=drop-during`, `n5@probe2=half-answer`, `n5@3=operator mode /etc/x 0600`; several with commas.

use std::fmt;
use std::str::FromStr;

use super::mischief::Mischief;

/// Something that goes wrong at a place that can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The node.
    pub node: String,
    /// When.
    pub at: Moment,
    /// What.
    pub what: Trouble,
}

/// A moment of a run on one node, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The step that apply runs there as its k-th.
    Step(u32),
    /// The probe that is the k-th there.
    Probe(u32),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The connection drops and the step never began.
    DropBefore,
    /// The connection drops while it is at work: it is done, and nobody learns of it.
    DropDuring,
    /// The connection drops when it is done: what follows in the same exec is not.
    DropAfter,
    /// It fails and does nothing.
    Fail,
    /// It never ends, and does nothing.
    Hang,
    /// It is done, and half of the answer comes back.
    HalfAnswer,
    /// From here on nothing more can be written.
    DiskFull,
    /// The node starts anew.
    Reboot,
    /// The node is switched off.
    Down,
    /// Its wall clock jumps by so many seconds.
    ClockJump(i64),
    /// labctl itself is killed: no node hears of it from here on.
    Kill,
    /// Somebody changes something there just before.
    Operator(Mischief),
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fault: {why}")]
pub struct FaultError {
    text: String,
    why: String,
}

const WORDS: [(&str, Trouble); 10] = [
    ("drop-before", Trouble::DropBefore),
    ("drop-during", Trouble::DropDuring),
    ("drop-after", Trouble::DropAfter),
    ("fail", Trouble::Fail),
    ("hang", Trouble::Hang),
    ("half-answer", Trouble::HalfAnswer),
    ("disk-full", Trouble::DiskFull),
    ("reboot", Trouble::Reboot),
    ("down", Trouble::Down),
    ("kill", Trouble::Kill),
];

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let error = |why: &str| FaultError { text: text.to_owned(), why: why.to_owned() };
        let parts = text.trim().split_once('@').and_then(|(node, rest)| Some((node, rest.split_once('=')?)));
        let (node, (at, what)) = parts.ok_or_else(|| error("write `NODE@STEP=WHAT`, as in `n5@12=drop-during`"))?;
        let (number, make): (&str, fn(u32) -> Moment) = match at.strip_prefix("probe") {
            Some(number) => (number, Moment::Probe),
            None => (at, Moment::Step),
        };
        let number = number.parse().ok().filter(|number| *number > 0);
        let at = make(number.ok_or_else(|| error("the step is a number from 1 on, or `probe1`, `probe2`, …"))?);
        let what = match (WORDS.iter().find(|(word, _)| *word == what), what.split_once([' ', ':'])) {
            (Some((_, what)), _) => what.clone(),
            (None, Some(("clock-jump", seconds))) => {
                Trouble::ClockJump(seconds.trim().parse().map_err(|_| error("a clock jumps by whole seconds"))?)
            }
            (None, Some(("operator", words))) => {
                let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
                Trouble::Operator(Mischief::parse(&words).map_err(|why| error(&why.to_string()))?)
            }
            (None, _) => {
                let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                return Err(error(&format!("known are {}, clock-jump:SECONDS and operator WHAT", words.join(", "))));
            }
        };
        Ok(Self { node: node.to_owned(), at, what })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = match self.at {
            Moment::Step(number) => number.to_string(),
            Moment::Probe(number) => format!("probe{number}"),
        };
        let word = WORDS.iter().find(|(_, what)| *what == self.what).map(|(word, _)| (*word).to_owned());
        let what = word.unwrap_or_else(|| match &self.what {
            Trouble::ClockJump(seconds) => format!("clock-jump:{seconds}"),
            Trouble::Operator(mischief) => format!("operator {mischief}"),
            other => format!("{other:?}"),
        });
        write!(f, "{}@{at}={what}", self.node)
    }
}

/// Reads a list with commas.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, FaultError> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::{Moment, Trouble, parse_faults};

    #[test]
    fn a_list_of_faults_is_read_and_printed() {
        let text = "n5@12=drop-during,m1@probe2=half-answer,n5@1=clock-jump:-3600,n5@3=operator mode /etc/x 0600";
        let faults = parse_faults(text).unwrap();
        assert_eq!((faults[0].at, &faults[0].what), (Moment::Step(12), &Trouble::DropDuring));
        assert_eq!(faults[1].at, Moment::Probe(2));
        let printed: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(printed.join(","), text);
    }

    #[test]
    fn what_is_no_fault_is_said_with_the_remedy() {
        for (text, words) in [
            ("n5", "NODE@STEP=WHAT"),
            ("n5@0=fail", "from 1 on"),
            ("n5@1=explode", "known are drop-before"),
            ("n5@1=operator dance", "known are"),
        ] {
            let said = parse_faults(text).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }
}
