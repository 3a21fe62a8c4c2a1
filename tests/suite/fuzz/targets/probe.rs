//! What the kinds read in the answers of grounds: of hosts and of clusters, for a plan and for a survey.

use labctl::cli::read_grounds;
use labctl::config::Sources;
use labctl::kinds::KINDS;
use labctl::lab::{Ground, Site};
use labctl::observe::{Answer, ApiAnswer, Ask, Body, FileAnswer};
use labctl::plan::{Change, Observations, Plan, Seen, build};
use labctl::report::{self, Comment, Detail, Paint};
use labctl::transport::plain_script;
use serde::{Deserialize, Serialize};

use super::super::hunt::Target;
use super::super::json;
use super::super::mutation::{self, Dice};
use super::super::scenes::{Altered, Instead, SCENES, Scene};
use super::kind;
use super::plan::saved;
use crate::simulated::wait;

pub(super) struct Probe;

/// A scene, and the answers that are others in it.
#[derive(Serialize, Deserialize)]
struct Input {
    scene: String,
    answers: Instead,
}

impl Target for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let seed = |scene: &Scene| {
            let input = Input { scene: scene.name.clone(), answers: Vec::new() };
            (scene.name.clone(), serde_json::to_vec(&input).unwrap())
        };
        SCENES.iter().map(seed).collect()
    }

    fn mutated(&self, dice: &mut Dice, input: &[u8], _: &[u8]) -> Vec<u8> {
        let Ok(mut input) = serde_json::from_slice::<Input>(input) else { return input.to_vec() };
        let Some(scene) = SCENES.iter().find(|scene| scene.name == input.scene) else { return Vec::new() };
        for _ in 0..=dice.below(3) {
            let (ground, ask, answer) = dice.of(&scene.asked).clone();
            let other = dice.of(&scene.asked).2.clone();
            let known = input.answers.iter().position(|(where_, question, _)| *where_ == ground && *question == ask);
            let mut answer = known.map_or(answer, |at| input.answers.swap_remove(at).2);
            change(dice, &mut answer, &other);
            input.answers.push((ground, ask, answer));
        }
        serde_json::to_vec_pretty(&input).unwrap()
    }

    fn run(&self, input: &[u8]) -> String {
        let Ok(input) = serde_json::from_slice::<Input>(input) else { return "no input".to_owned() };
        let Some(scene) = SCENES.iter().find(|scene| scene.name == input.scene) else { return "no scene".to_owned() };
        let bench = &scene.bench;
        let lab = Altered { scene, instead: &input.answers, asked: std::sync::Mutex::default() };
        let seen = wait(read_grounds(&bench.lab, &bench.declared, bench.lab.sites(), &lab, 10));
        let everything = labctl::lab::Address::new(Vec::<String>::new());
        let adopting = labctl::plan::Options { adopt: vec![everything], ..labctl::plan::Options::default() };
        let mut way = scene.name.clone();
        for options in [adopting, labctl::plan::Options::default()] {
            let plan = build(&bench.lab, &bench.declared, &bench.graph, &seen, &options);
            told(&plan);
            let saved = saved(plan, &bench.sources);
            let read = labctl::plan::SavedPlan::parse(saved.to_text().as_bytes());
            assert!(
                read.as_ref() == Ok(&saved),
                "a saved plan is read as it was written: {}",
                first_difference(&saved.plan, read)
            );
            way += &saved.plan.changes.iter().map(ending).collect::<String>();
        }
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let observations = Observations::new(at, "real".to_owned(), bench.lab.name.clone(), &seen);
        assert!(
            Observations::parse(observations.to_text().as_bytes()).as_ref() == Ok(&observations),
            "observations are read as they were written"
        );
        survey(scene, &input.answers, &seen);
        way
    }
}

/// All ways of telling a plan.
pub(super) fn told(plan: &Plan) {
    for (concise, steps, width) in [(false, true, 80), (true, false, 0)] {
        report::plan(plan, Detail { concise, steps, width }, Paint { color: steps });
    }
    let _ = (report::json(plan), plain_script(plan));
    let comment = Comment::of_plan("homelab.toml", plan, &[], "the end");
    let _ = (report::markdown(&comment, 2000), report::annotations(&comment));
    for change in &plan.changes {
        report::resource(change, None, Paint { color: false });
    }
}

/// How a change ended.
fn ending(change: &Change) -> String {
    let obstacle = change.obstacle.as_ref().map(|obstacle| kind(&format!("{obstacle:?}"))).unwrap_or_default();
    format!("\n{} {:?} {obstacle} {}", change.kind, change.action, change.differences.len())
}

fn survey(scene: &Scene, instead: &Instead, seen: &std::collections::BTreeMap<Ground, Seen>) {
    for site in scene.bench.lab.sites().filter(|site| seen.contains_key(&site.ground())) {
        let Site::Node(node) = site else { continue };
        let reply = scene.survey(site, instead);
        let found = KINDS
            .iter()
            .filter(|kind| kind.fits(site))
            .filter_map(|kind| kind.survey(&scene.bench.lab, node, &reply).ok());
        let found: Vec<_> = found.flatten().collect();
        let text = report::lab_file(&scene.bench.sources, &node.name, &found);
        labctl::lab::load(&Sources::memory([("homelab.toml", text.as_str())]));
    }
}

fn first_difference(plan: &Plan, read: Result<labctl::plan::SavedPlan, labctl::plan::saved::SavedError>) -> String {
    match read {
        Err(error) => error.to_string(),
        Ok(read) => {
            let differing = plan.changes.iter().zip(&read.plan.changes).find(|(a, b)| a != b);
            differing.map(|(a, b)| format!("{a:#?}\n{b:#?}")).unwrap_or_default()
        }
    }
}

/// An answer like this one.
fn change(dice: &mut Dice, answer: &mut Answer, other: &Answer) {
    match answer {
        _ if dice.one_in(30) => *answer = Answer::Lost("the connection broke".to_owned()),
        _ if dice.one_in(40) => *answer = other.clone(),
        Answer::Output(output) => match dice.below(8) {
            0 => output.code = *dice.of(&[0, 1, 2, 4, 100, 127, 255, u32::MAX]),
            1 => output.stderr = text(dice, &output.stderr),
            _ => output.stdout = mutation::mutated(dice, &output.stdout, bytes(other), WORDS),
        },
        Answer::File(answer) => file(dice, answer, other),
        Answer::Folder(files) => {
            if let Some(at) = (!files.is_empty()).then(|| dice.below(files.len())) {
                match dice.below(5) {
                    0 => files[at].0 = text(dice, &files[at].0),
                    1 => files.push(files[at].clone()),
                    _ => file(dice, &mut files[at].1, other),
                }
            }
        }
        Answer::Api(ApiAnswer::Objects(objects)) if !objects.is_empty() => {
            let at = dice.below(objects.len());
            json::mutated(dice, &mut objects[at], WORDS);
        }
        Answer::Api(ApiAnswer::Object(object)) => json::mutated(dice, object, WORDS),
        Answer::Api(_) | Answer::Lost(_) => *answer = other.clone(),
    }
}

fn file(dice: &mut Dice, answer: &mut FileAnswer, other: &Answer) {
    match answer {
        FileAnswer::Regular { stat, body } => match (dice.below(8), body) {
            (0, _) => *answer = FileAnswer::Absent,
            (1, _) => stat.mode = *dice.of(&[0, 0o7777, u32::MAX]),
            (2, _) => stat.owner = text(dice, &stat.owner),
            (3, _) => stat.length = u64::MAX,
            (4, body) => *body = Body::TooLong,
            (_, Body::Bytes(content)) => *content = mutation::mutated(dice, content, bytes(other), WORDS),
            (_, body) => *body = Body::Bytes(bytes(other).to_vec()),
        },
        _ if dice.one_in(3) => *answer = FileAnswer::Other("fifo".to_owned()),
        _ => {
            let stat = labctl::observe::Stat {
                mode: 0o644,
                owner: "root".into(),
                group: "root".into(),
                length: 3,
                state: "1".into(),
            };
            *answer =
                FileAnswer::Regular { stat, body: Body::Bytes(mutation::mutated(dice, b"", bytes(other), WORDS)) };
        }
    }
}

fn text(dice: &mut Dice, text: &str) -> String {
    String::from_utf8_lossy(&mutation::mutated(dice, text.as_bytes(), b"", WORDS)).into_owned()
}

fn bytes(answer: &Answer) -> &[u8] {
    match answer {
        Answer::Output(output) => &output.stdout,
        Answer::File(FileAnswer::Regular { body: Body::Bytes(bytes), .. }) => bytes,
        _ => b"",
    }
}

/// Words of what programs print.
const WORDS: &[&str] = &[
    "\t",
    "\tlocal\t",
    "none",
    "-",
    "available",
    "yes",
    "no",
    "on",
    "off",
    "100%",
    "ONLINE",
    "DEGRADED",
    "active",
    "inactive",
    "failed",
    "LoadState=not-found\n",
    "masked",
    "enabled",
    "generated",
    "network:\n  version: 2\n",
    "ethernets:\n",
    "vlans:\n",
    "dhcp4: true\n",
    "&a [*a, *a]\n",
    "<<: *a\n",
    "!!binary ",
    "install ok installed",
    "Inst x (1 Debian:13 [all])\n",
    "Remv x [1]\n",
    "E: ",
    "labctl:lab",
    "{\"format\":1,",
    "\"mark\":",
    "default via 192.168.4.1 dev eth0\n",
    "\"ifname\":",
    "v1.34.4+k0s.0",
    "f:metadata",
    "k:{\"name\":\"a\"}",
    "v:\"x\"",
    "managedFields",
    "192.168.4.5/24",
    "fe80::1/64",
    "1Ti",
    "1e3",
    "100m",
];

/// Only asks that the scene knows can be answered otherwise.
#[test]
fn every_scene_asks_something_and_its_answers_can_be_others() {
    for scene in SCENES.iter() {
        assert!(!scene.asked.is_empty(), "{}", scene.name);
    }
    let has = |is_such: fn(&Ask, &Answer) -> bool| {
        SCENES.iter().any(|scene| scene.asked.iter().any(|(_, ask, answer)| is_such(ask, answer)))
    };
    assert!(has(|_, answer| matches!(answer, Answer::Api(ApiAnswer::Objects(objects)) if !objects.is_empty())));
    assert!(has(|_, answer| matches!(answer, Answer::Folder(files) if !files.is_empty())));
    assert!(has(|ask, _| matches!(ask, Ask::Run(argv) if argv[0] == "zfs")));
    assert!(has(|_, answer| matches!(answer, Answer::File(FileAnswer::Regular { body: Body::Bytes(_), .. }))));
}
