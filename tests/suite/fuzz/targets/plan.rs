//! The reader of saved plans and of saved observations, and what is done with what it reads.

use labctl::apply::Limits;
use labctl::cli::drive;
use labctl::config::{Sources, sha256};
use labctl::plan::{Observations, Options, SavedPlan};
use labctl::report;

use super::super::hunt::Target;
use super::super::json;
use super::super::mutation::{self, Dice};
use super::super::scenes::{Altered, SCENES};
use super::kind;
use super::probe::told;
use crate::simulated::{Silent, wait};

pub(super) struct Plan;

/// A plan as it is saved.
pub(super) fn saved(plan: labctl::plan::Plan, sources: &Sources) -> SavedPlan {
    SavedPlan {
        made_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        against: "real".to_owned(),
        sources: sources.digests(),
        revision: None,
        options: Options::default(),
        tools: [("n5".to_owned(), [("kernel".to_owned(), "Linux 6.12".to_owned())].into())].into(),
        plan,
    }
}

impl Target for Plan {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let seed = |scene: &super::super::scenes::Scene| {
            let none = Vec::new();
            let lab = Altered { scene, instead: &none, asked: std::sync::Mutex::default() };
            let text = saved(scene.bench.plan(&lab), &scene.bench.sources).to_text();
            (scene.name.clone(), text.into_bytes())
        };
        SCENES.iter().filter(|scene| !scene.name.starts_with("homelab")).map(seed).collect()
    }

    /// Mostly the JSON changes and stays JSON, and the seal is made to fit.
    fn mutated(&self, dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
        let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        match serde_json::from_slice::<serde_json::Value>(&input[end..]) {
            Ok(mut body) if !dice.one_in(5) => {
                json::mutated(dice, &mut body, self.words());
                sealed("plan", body.to_string().as_bytes())
            }
            _ => mutation::mutated(dice, input, other, self.words()),
        }
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "labctl-plan format=1 sha256=",
            "labctl-observations format=1 sha256=",
            "format=4294967296",
            "create",
            "update",
            "deferred",
            "delete",
            "replace",
            "nodes.n5.files.\"/etc/x\"",
            "[*]",
            "\"limit\":",
            "18446744073709551615",
            "plan",
            "changes",
        ]
    }

    fn run(&self, input: &[u8]) -> String {
        let _ = Observations::parse(input);
        let mut read = SavedPlan::parse(input);
        if read.is_err() {
            // What a stranger wrote and sealed well.
            let end = input.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let _ = Observations::parse(&sealed("observations", &input[end..]));
            read = SavedPlan::parse(&sealed("plan", &input[end..]));
        }
        match read {
            Err(error) => kind(&error.to_string()),
            Ok(saved) => {
                report::saved_head(&saved);
                saved.objection("mobius", &Sources::memory([("homelab.toml", "")]));
                told(&saved.plan);
                assert!(
                    SavedPlan::parse(saved.to_text().as_bytes()) == Ok(saved.clone()),
                    "a plan that was read is written as it was read"
                );
                driven(&saved.plan)
            }
        }
    }
}

/// Whoever applies it comes to an end.
fn driven(plan: &labctl::plan::Plan) -> String {
    let none = Vec::new();
    let lab = Altered { scene: &SCENES[0], instead: &none, asked: std::sync::Mutex::default() };
    let (_sender, mut interrupts) = tokio::sync::mpsc::channel(1);
    let ended = wait(drive(plan, &lab, Limits::default(), &mut Silent, &mut interrupts));
    ended.changes.iter().map(|(change, state)| kind(&format!("{:?} {state:?}\n", change.action))).collect()
}

fn sealed(what: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("labctl-{what} format=1 sha256={}\n", sha256(body)).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
