//! What was told in a scenario, without what no two hosts can have in common.
//!
//! Left out are:
//! - what tells one state of a file from the next (inode, time): a guard relies on it, and only the host knows it;
//! - the words in which a connection fails: the emulated host is reached through a forwarded port;
//! - how many bytes stand before a table in the file: the line that says how `n5` is reached is longer on one of them.
//!
//! Nothing else is.

#![allow(clippy::format_collect, reason = "a transcript is put together line by line, and is never large")]

use serde_json::Value as Json;

use super::Stage;
use crate::workspace::Run;

/// All acts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Transcript {
    pub(crate) scenes: Vec<Scene>,
}

/// One act.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scene {
    words: String,
    code: i32,
    /// The plan as JSON: every observation, difference, obstacle, note, guard and step.
    plan: Option<Json>,
    /// What apply said after the plan.
    outcome: String,
    looks: Vec<(String, String)>,
    said: Said,
}

/// The messages of a run: for people who look for a mistake; they tell of times.
#[derive(Debug, Default)]
struct Said(String);

impl PartialEq for Said {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Said {}

impl Transcript {
    /// For people, and to be kept.
    pub(crate) fn told(&self) -> String {
        let scenes = self.scenes.iter().enumerate();
        scenes.map(|(at, scene)| format!("== act {}\n{}", at + 1, scene.told())).collect()
    }

    /// All that must be equal, line by line.
    pub(crate) fn whole(&self) -> String {
        let plan = |scene: &Scene| scene.plan.as_ref().map(|plan| format!("{plan:#}\n")).unwrap_or_default();
        let scenes = self.scenes.iter().enumerate();
        scenes.map(|(at, scene)| format!("== act {}\n{}{}", at + 1, scene.told(), plan(scene))).collect()
    }
}

impl Scene {
    pub(crate) fn code(&self) -> i32 {
        self.code
    }

    /// The messages of the last run.
    pub(crate) fn said(&self) -> &str {
        &self.said.0
    }

    /// What somebody did or looked at on the host, and what was printed.
    pub(crate) fn look(&mut self, command: &str, printed: &str) {
        self.looks.push((command.trim().to_owned(), printed.to_owned()));
    }

    /// `plan` or `apply` with options.
    pub(crate) fn run(&mut self, stage: &mut impl Stage, words: &[&str]) {
        self.words = words.join(" ");
        match words {
            ["plan", options @ ..] => {
                let run = self.plan(stage, options);
                self.end(&run);
            }
            ["apply", options @ ..] => {
                let of_plan: Vec<&str> = options.iter().filter(|option| **option != "--adopt-only").copied().collect();
                let _ = self.plan(stage, &of_plan);
                let run = stage.labctl(&[&["apply", "--auto-approve"], options].concat());
                // What stands before it is the plan, which is there as JSON already.
                let lines = run.stdout.lines().skip_while(|line| !line.starts_with("Plan: ")).skip(1);
                let lines = lines.filter(|line| !line.starts_with("Besides: ") && !line.is_empty());
                self.outcome = lines.map(|line| format!("{line}\n")).collect();
                self.end(&run);
            }
            _ => panic!("a scenario runs plan or apply, not {words:?}"),
        }
    }

    fn plan(&mut self, stage: &mut impl Stage, options: &[&str]) -> Run {
        let run = stage.labctl(&[&["plan", "--json"], options].concat());
        let plan = serde_json::from_str(&run.stdout);
        let mut plan: Json = plan.unwrap_or_else(|error| panic!("{error}: {run:#?}"));
        comparable(&mut plan);
        self.plan = Some(plan);
        run
    }

    fn end(&mut self, run: &Run) {
        self.code = run.code;
        self.said = Said(format!("{}{}", run.stdout, run.stderr));
    }

    /// For people.
    pub(crate) fn told(&self) -> String {
        let mut text = String::new();
        if !self.words.is_empty() {
            text += &format!("labctl {}: exit {}\n", self.words, self.code);
        }
        if let Some(plan) = &self.plan {
            text += &plan["changes"].as_array().into_iter().flatten().map(change).collect::<String>();
            text += &plan["unreachable"]
                .as_object()
                .into_iter()
                .flatten()
                .fold(String::new(), |text, (node, _)| text + &format!("unreachable {node}\n"));
            let counts = plan["summary"].as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
            let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
            text +=
                &format!("summary: {}\n", if counts.is_empty() { "no changes".to_owned() } else { counts.join(", ") });
        }
        text += &self.outcome;
        for (command, printed) in &self.looks {
            text += &format!("$ {}\n{}", command.replace('\n', "\n  "), indented(printed, "| "));
        }
        text
    }
}

/// Takes out what two hosts can't have in common.
fn comparable(json: &mut Json) {
    match json {
        Json::Object(map) => {
            if map.contains_key("path") && map.get("state").is_some_and(|state| state.is_string() && state != "absent")
            {
                map.insert("state".to_owned(), "as it was seen".into());
            }
            if map.contains_key("unreachable") {
                for words in map["unreachable"].as_object_mut().into_iter().flatten() {
                    *words.1 = "(words of the connection)".into();
                }
                if map["unreachable"].is_string() {
                    map.insert("unreachable".to_owned(), "(words of the connection)".into());
                }
            }
            if let Some(place) = map.get_mut("place").and_then(Json::as_object_mut) {
                place.retain(|name, _| !["start", "end"].contains(&name.as_str()));
            }
            map.values_mut().for_each(comparable);
        }
        Json::Array(items) => items.iter_mut().for_each(comparable),
        _ => {}
    }
}

fn indented(text: &str, before: &str) -> String {
    text.lines().map(|line| format!("  {before}{line}").trim_end().to_owned() + "\n").collect()
}

fn word(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn change(change: &Json) -> String {
    let cause = word(&change["cause"]);
    let cause = if cause == "none" { String::new() } else { format!(" ({cause})") };
    let mut text = format!("{} {}{cause}\n", word(&change["action"]), word(&change["address"]));
    let list = |name: &str| change[name].as_array().cloned().unwrap_or_default();
    for difference in list("differences").iter().filter(|_| change["action"] != "create") {
        let (before, after) = (value(&difference["before"]), value(&difference["after"]));
        text += &format!("  {}: {before} -> {after}\n", word(&difference["attribute"]));
    }
    if let Some(obstacle) = change.get("obstacle") {
        text += &match obstacle.as_object().and_then(|obstacle| obstacle.iter().next()) {
            Some((kind, why)) => format!("  {kind}: {}\n", word(why)),
            None => format!("  {}\n", word(obstacle)),
        };
    }
    for name in list("released") {
        text += &format!("  released: {}\n", word(&name));
    }
    for note in list("notes") {
        text += &format!("  note: {}\n", word(&note));
    }
    if let Some(disruption) = change.get("disruption") {
        text += &format!("  disrupts: {}\n", word(disruption));
    }
    text + &list("steps").iter().map(step).collect::<String>()
}

fn value(value: &Json) -> String {
    match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, inner)) if kind == "plain" || kind == "text" => inner.to_string(),
        Some((kind, _)) => kind.clone(),
        None => word(value),
    }
}

/// Contents and marks are compared as JSON; here they would hide the rest.
fn step(step: &Json) -> String {
    format!("  - {}\n", word(&step["about"]))
}
