//! No shell text is ever built from values: what every kind asks and does is words, and each word comes through a real `sh`
//! as it is. The shell texts that there are stand in the source as they are sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use labctl::kinds::KINDS;
use labctl::lab::{ApiKind, Ground, Manifest, ObjectKey};
use labctl::observe::Ask;
use labctl::plan::{Act, Call, Change, Guard, Options, Plan, Step, build};
use labctl::transport::plain_script;

use crate::fuzz::scenes::{Altered, SCENES, Scene};
use crate::simulated::wait;

/// What breaks out of any text that is not quoted: each runs a program, ends a word, or is more than one.
const HOSTILE: [&str; 12] = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "a\ntouch pwned\n",
    "&& touch pwned",
    "-n\t--help *",
    "\\",
    "\\'",
    "ä {{ x }} ~ $HOME ${x:?}",
    "%s%n|",
    "!! #",
];

/// Plans of all scenes: with and without leave to adopt, and after all was asked.
fn plans(scene: &Scene) -> Vec<Plan> {
    let bench = &scene.bench;
    let none = Vec::new();
    let lab = Altered { scene, instead: &none, asked: std::sync::Mutex::default() };
    let seen = wait(labctl::cli::read_grounds(&bench.lab, &bench.declared, bench.lab.sites(), &lab, 10));
    let everything = labctl::lab::Address::new(Vec::<String>::new());
    let adopting = Options { adopt: vec![everything], ..Options::default() };
    [adopting, Options::default()]
        .iter()
        .map(|options| build(&bench.lab, &bench.declared, &bench.graph, &seen, options))
        .collect()
}

fn steps(change: &Change) -> impl Iterator<Item = &Step> {
    change.steps.iter().chain(&change.put_back)
}

/// The command lines of a step and of its guards.
fn commands(step: &Step) -> Vec<&[String]> {
    let guards = step.guards.iter().filter_map(|guard| match guard {
        Guard::Output { argv, .. } => Some(argv.as_slice()),
        Guard::File { .. } | Guard::Api(_) => None,
    });
    let act = match &step.act {
        Act::Run { argv, .. } => Some(argv.as_slice()),
        Act::Reconnect { until, .. } => Some(until.as_slice()),
        _ => None,
    };
    guards.chain(act).collect()
}

/// Those of an ask.
fn asked(ask: &Ask) -> Option<&[String]> {
    match ask {
        Ask::Run(argv) | Ask::Fed { argv, .. } => Some(argv),
        Ask::Elsewhere { ask, .. } => asked(ask),
        _ => None,
    }
}

/// The shell texts in a command line.
fn texts(argv: &[String]) -> impl Iterator<Item = &String> {
    argv.windows(3)
        .filter(|words| words[0].ends_with("sh") && words[1].starts_with('-') && words[1].ends_with('c'))
        .map(|words| &words[2])
}

fn source(folder: &Path, text: &mut String) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            source(&path, text);
        } else {
            *text += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn every_shell_text_of_every_kind_stands_in_the_source_as_it_is() {
    let mut all = String::new();
    source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let mut found = BTreeSet::new();
    for scene in SCENES.iter() {
        found.extend(scene.asked.iter().filter_map(|(_, ask, _)| asked(ask)).flat_map(texts).cloned());
        for plan in plans(scene) {
            let commands = plan.changes.iter().flat_map(steps).flat_map(commands);
            found.extend(commands.flat_map(texts).cloned());
        }
    }
    assert!(found.len() >= 4, "{found:?}");
    let made: Vec<&String> = found.iter().filter(|text| !all.contains(text.as_str())).collect();
    assert!(made.is_empty(), "made of values: {made:#?}");
}

/// Kinds that call an API and nothing else: no shell ever sees what is theirs but in a script that is read by people.
const API_ALONE: [&str; 2] = ["cluster", "object"];

#[test]
fn every_kind_is_looked_at_with_its_commands() {
    let (mut kinds, mut with_commands) = (BTreeSet::new(), BTreeSet::new());
    for plan in SCENES.iter().flat_map(plans) {
        for change in &plan.changes {
            kinds.insert(change.kind.clone());
            if steps(change).flat_map(commands).next().is_some() {
                with_commands.insert(change.kind.clone());
            }
        }
    }
    let all: BTreeSet<String> = KINDS.iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(kinds, all, "each kind of the table is in a scene");
    let without: Vec<&String> = all.difference(&with_commands).collect();
    assert_eq!(without, API_ALONE, "a kind without commands in any scene is not looked at");
}

#[test]
fn an_object_is_handed_to_kubectl_as_it_is_whatever_stands_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let stub = folder.path().join("bin/kubectl");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::write(&stub, "#!/bin/sh\nprintf '%s|' \"$@\"\nexec cat\n").unwrap();
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    for word in HOSTILE {
        let json = serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": word, "namespace": word }, "data": { word: word } });
        let key = ObjectKey::new(ApiKind::new("v1", "ConfigMap"), Some(word), word);
        let calls = [
            Call::Apply { manifest: Manifest::plain(json), force: true },
            Call::Delete { object: key.clone() },
            Call::Release { object: key.clone() },
            Call::TakeOver { object: key.clone(), managers: vec![word.to_owned()] },
            Call::Ready { object: key.clone(), within: 1 },
            Call::Gone { object: key, within: 1 },
        ];
        let mut change = Change::new("services.x".parse().unwrap(), "object", Ground::Cluster("c".to_owned()), word);
        change.action = labctl::plan::Action::Update;
        change.steps = calls.into_iter().map(|call| Step::new(word, Act::Api(call))).collect();
        let plan = Plan { lab: word.to_owned(), changes: vec![change], ..Plan::default() };
        std::fs::write(folder.path().join("script"), plain_script(&plan)).unwrap();
        let mut command = Command::new("sh");
        command.args(["script", "c"]).current_dir(folder.path());
        let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
        let output = command.env("PATH", path).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains('|'), "{word:?}: {output:?}");
        assert!(!folder.path().join("pwned").exists(), "{word:?}: {}", plain_script(&plan));
    }
}

#[test]
fn every_word_of_every_kind_comes_through_a_real_sh_as_it_is_whatever_stands_in_it() {
    let mut number = 0;
    let mut words: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    for plan in SCENES.iter().flat_map(plans) {
        for change in &plan.changes {
            let commands = steps(change).flat_map(commands).filter(|argv| !argv.is_empty());
            let hostile = commands.map(|argv| {
                let word = |word: &String| {
                    number += 1;
                    format!("{word}{}", HOSTILE[number % HOSTILE.len()])
                };
                argv.iter().map(word).collect::<Vec<_>>()
            });
            words.entry(change.kind.clone()).or_default().extend(hostile);
        }
    }
    assert!(words.len() > 8, "{:?}", words.keys());
    for (kind, commands) in words {
        let folder = tempfile::tempdir().unwrap();
        let step = |argv: &Vec<String>| {
            Step::run("say", ["printf", "%s|"].map(str::to_owned).into_iter().chain(argv.iter().cloned()))
        };
        let mut change = Change::new("nodes.n5".parse().unwrap(), kind.as_str(), Ground::Node("n5".to_owned()), "x");
        change.action = labctl::plan::Action::Update;
        change.steps = commands.iter().map(step).collect();
        let plan = Plan { lab: HOSTILE.concat(), changes: vec![change], ..Plan::default() };
        std::fs::write(folder.path().join("script"), plain_script(&plan)).unwrap();
        let output = Command::new("sh").args(["script", "n5"]).current_dir(folder.path()).output().unwrap();
        let words = commands.iter().flatten();
        let expected = words.fold(String::new(), |said, word| said + word + "|");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&expected), "{kind}: {output:?}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["script"], "{kind}");
    }
}
