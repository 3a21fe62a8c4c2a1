//! What others wrote, wrong in every way: files, what grounds answer, saved plans, journals. No input makes labctl panic
//! or take memory out of all proportion.
//!
//! Each target has its seeds, which the other tests keep, and a folder in `tests/corpus/` with what a hunt has found.
//! `tests/fuzz` hunts, for as long as it is told; all that is kept is replayed here.

mod hostile;
mod hunt;
mod json;
mod mutation;
pub(crate) mod scenes;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use hunt::{Budget, Hunt, Target};
use mutation::Dice;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).join(target)
}

/// The cases that were kept, by name, in order.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus(target)).map(|files| files.map(|file| file.unwrap().path()).collect());
    let mut paths: Vec<PathBuf> = files.unwrap_or_default();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn every_seed_and_every_kept_case_is_read_without_a_panic() {
    let mut wrong = Vec::new();
    for target in targets::all() {
        let (seeds, kept) = (target.seeds(), kept(target.name()));
        assert!(!seeds.is_empty() && !kept.is_empty(), "{} has seeds and a corpus", target.name());
        for (name, input) in seeds.into_iter().chain(kept) {
            if let Err(words) = hunt::guarded(&*target, &input) {
                wrong.push(format!("{}: {name}: {words}", target.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_short_hunt_finds_nothing_in_any_target() {
    let folder = tempfile::tempdir().unwrap();
    for target in targets::all() {
        let report = Hunt::new(&*target, folder.path()).run(1, &Budget::executions(40), &|| None);
        assert_eq!((report.executions, report.findings), (40, Vec::new()), "{}", target.name());
    }
}

/// Panics at a word, and knows a step on the way there.
struct Planted;

impl Target for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        vec![("a seed".to_owned(), b"one = 1\ntwo = 2\n".to_vec())]
    }

    fn run(&self, input: &[u8]) -> String {
        let ones = input.windows(3).filter(|window| window == b"one").count();
        assert!(ones < 4, "four times one");
        ones.to_string()
    }
}

#[test]
fn a_hunt_finds_what_is_planted_and_keeps_the_smallest_case_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let report = Hunt::new(&Planted, folder.path()).run(1, &Budget::executions(5000), &|| None);
    assert_eq!(report.findings.len(), 1, "the same fault is told once: {:?}", report.findings);
    assert!(report.findings[0].words.contains("four times one"), "{:?}", report.findings);
    let kept = std::fs::read(&report.findings[0].kept).unwrap();
    assert!(kept.windows(3).filter(|window| window == b"one").count() >= 4);
    assert!(kept.len() < 40, "{}", String::from_utf8_lossy(&kept));
}

#[test]
fn memory_out_of_proportion_is_a_finding() {
    let (folder, calls) = (tempfile::tempdir().unwrap(), std::cell::Cell::new(0_u64));
    // The peak after the tenth look is 300 MiB higher than before it.
    let peak = || {
        calls.set(calls.get() + 1);
        Some(if calls.get() > 10 { 400 << 20 } else { 100 << 20 })
    };
    let report = Hunt::new(&Quiet, folder.path()).run(1, &Budget::executions(100), &peak);
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].words.contains("300 MiB"), "{:?}", report.findings);
}

struct Quiet;

impl Target for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        vec![("a seed".to_owned(), b"x".to_vec())]
    }

    fn run(&self, _: &[u8]) -> String {
        String::new()
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a hunt tells how it goes")]
#[ignore = "by hand, for minutes: tests/fuzz [SECONDS] [TARGET]"]
fn hunts() {
    let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let seconds = said("LABCTL_FUZZ_SECONDS").map_or(600, |text| text.parse().expect("LABCTL_FUZZ_SECONDS: a number"));
    let seed = said("LABCTL_FUZZ_SEED").map(|text| text.parse().expect("LABCTL_FUZZ_SEED: a number"));
    let seed = seed.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    });
    let wanted = said("LABCTL_FUZZ_TARGET");
    let targets: Vec<_> = targets::all()
        .into_iter()
        .filter(|target| wanted.as_deref().is_none_or(|name| name == target.name()))
        .collect();
    assert!(!targets.is_empty(), "no such target: {wanted:?}");
    let mut found = 0;
    for target in targets {
        println!("{}: seed {seed}, {seconds} s", target.name());
        let folder = corpus(target.name());
        let hunt = Hunt::new(&*target, &folder).from(kept(target.name()));
        let report = hunt.run(seed, &Budget::time(Duration::from_secs(seconds)), &hunt::peak);
        for finding in &report.findings {
            println!("{}: FOUND {}: {}", target.name(), finding.kept.display(), finding.words);
        }
        println!(
            "{}: {} executions, {} ways to end, {} findings, memory peaked at {} MiB",
            target.name(),
            report.executions,
            report.ways,
            report.findings.len(),
            hunt::peak().unwrap_or_default() >> 20
        );
        found += report.findings.len();
    }
    assert_eq!(found, 0, "what was found is kept in tests/corpus/ and replayed by `cargo test --test suite fuzz::`");
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let inputs = |seed| {
        let mut dice = Dice::new(seed);
        (0..50).map(|_| mutation::mutated(&mut dice, b"[lab]\nname = \"t\"\n", b"other", &[])).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
}
