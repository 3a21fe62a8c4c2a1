//! The hunt: inputs are changed at random, and those that end in a way not seen before are changed further.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use labctl::config::sha256;

use super::mutation::{self, Dice};

/// Something that reads what others wrote.
pub(super) trait Target {
    /// The name of its folder in `tests/corpus/`.
    fn name(&self) -> &'static str;

    /// Where a hunt begins: name and bytes.
    fn seeds(&self) -> Vec<(String, Vec<u8>)>;

    /// An input like this one.
    fn mutated(&self, dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
        mutation::mutated(dice, input, other, self.words())
    }

    /// Words of its language.
    fn words(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads the input. How that ended, in words that tell kinds of ends apart.
    fn run(&self, input: &[u8]) -> String;
}

/// How long a hunt goes on.
pub(super) struct Budget {
    executions: Option<u64>,
    time: Option<Duration>,
}

impl Budget {
    pub(super) fn executions(number: u64) -> Self {
        Self { executions: Some(number), time: None }
    }

    pub(super) fn time(time: Duration) -> Self {
        Self { executions: None, time: Some(time) }
    }

    fn is_spent(&self, executions: u64, began: Instant) -> bool {
        self.executions.is_some_and(|most| executions >= most) || self.time.is_some_and(|most| began.elapsed() >= most)
    }
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What the panic said, or how much memory was taken.
    pub(super) words: String,
    /// The file of its case.
    pub(super) kept: PathBuf,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) executions: u64,
    /// Ends that differ.
    pub(super) ways: usize,
    pub(super) findings: Vec<Finding>,
}

/// Inputs that are kept for further changes.
const POOL: usize = 2000;
/// Findings after which a hunt ends.
const ENOUGH: usize = 8;
/// How much higher one input may push the peak of the process's memory.
const MEMORY: u64 = 192 << 20;
/// Executions that making a case smaller may take.
const SMALLER: usize = 400;

pub(super) struct Hunt<'a> {
    target: &'a dyn Target,
    keep: &'a Path,
    pool: Vec<Vec<u8>>,
}

impl<'a> Hunt<'a> {
    /// Findings are kept in the folder `keep`.
    pub(super) fn new(target: &'a dyn Target, keep: &'a Path) -> Self {
        let pool = target.seeds().into_iter().map(|(_, input)| input).collect();
        Self { target, keep, pool }
    }

    /// The same, beginning with these cases, too.
    pub(super) fn from(mut self, cases: Vec<(String, Vec<u8>)>) -> Self {
        self.pool.extend(cases.into_iter().map(|(_, input)| input));
        self
    }

    /// Hunts. `peak` is the highest memory of the process so far, in bytes, where it can be known.
    pub(super) fn run(mut self, seed: u64, budget: &Budget, peak: &dyn Fn() -> Option<u64>) -> Report {
        let (mut dice, began) = (Dice::new(seed), Instant::now());
        let (mut report, mut ways, mut faults) = (Report::default(), BTreeSet::new(), BTreeSet::new());
        let last = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}.last", self.target.name()));
        let mut before = peak();
        while !budget.is_spent(report.executions, began) && report.findings.len() < ENOUGH {
            let (input, other) = (dice.of(&self.pool).clone(), dice.of(&self.pool).clone());
            let input = self.target.mutated(&mut dice, &input, &other);
            // What ends the whole process (a full stack, no memory left) is found there.
            if before.is_some() {
                let _ = std::fs::write(&last, &input);
            }
            report.executions += 1;
            let end = guarded(self.target, &input);
            let now = peak();
            if let (Some(before), Some(now)) = (before, now)
                && now > before + MEMORY
            {
                let words = format!("{} bytes took {} MiB", input.len(), (now - before) >> 20);
                report.findings.push(Finding { words, kept: self.keep(&input) });
            }
            before = now;
            match end {
                Ok(way) => {
                    if ways.insert(way) {
                        if self.pool.len() >= POOL {
                            let at = dice.below(self.pool.len());
                            self.pool.swap_remove(at);
                        }
                        self.pool.push(input);
                    }
                }
                Err(words) if faults.insert(kind(&words)) => {
                    let input = self.smaller(input, &kind(&words));
                    report.findings.push(Finding { words, kept: self.keep(&input) });
                }
                Err(_) => {}
            }
        }
        report.ways = ways.len();
        report
    }

    fn keep(&self, input: &[u8]) -> PathBuf {
        let path = self.keep.join(format!("found-{}", &sha256(input)[..8]));
        std::fs::write(&path, input).expect("the corpus can be written");
        path
    }

    /// The input without what the fault doesn't need.
    fn smaller(&self, mut input: Vec<u8>, fault: &str) -> Vec<u8> {
        let (mut tries, mut piece) = (0, input.len() / 2);
        while piece > 0 && tries < SMALLER {
            let mut at = 0;
            while at < input.len() && tries < SMALLER {
                let mut shorter = input[..at].to_vec();
                shorter.extend_from_slice(&input[(at + piece).min(input.len())..]);
                tries += 1;
                match guarded(self.target, &shorter) {
                    Err(words) if kind(&words) == fault => input = shorter,
                    _ => at += piece,
                }
            }
            piece /= 2;
        }
        input
    }
}

/// What a panic says, without the numbers and names of the one input.
fn kind(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_ascii_digit()).take(60).collect()
}

/// Runs a target; what it panics with is the error.
pub(super) fn guarded(target: &dyn Target, input: &[u8]) -> Result<String, String> {
    catch_unwind(AssertUnwindSafe(|| target.run(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// The most memory that this process ever had in use: `VmHWM` of `proc_pid_status(5)`.
pub(super) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
