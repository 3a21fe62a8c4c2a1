//! The host kinds, case by case: a lab and what a node answers in, the plan out.
//!
//! Each file in `kinds/` is one case. `programs` are found by the longest key that an ask's command line begins with;
//! what is not among them is not on the node. `applied` is the lab whose marks the node carries. `expect` is compared
//! as a whole (what `only` covers of it); `host` names a file in `kinds/hosts/` with further programs and files. With `LABCTL_WRITE_GENERATED` set it is written anew, to be read before it is committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use labctl::config::Sources;
use labctl::graph::Graph;
use labctl::kinds::{self, Declared, Resource};
use labctl::lab::{Ground, Lab, Site, load};
use labctl::observe::{Answer, Ask, Body, FileAnswer, Output, Reply, Stat};
use labctl::plan::record::Record;
use labctl::plan::{
    Act, Action, Change, Guard, Mark, Obstacle, Options, Origin, Seen, Step, Value, build, marks, shell_line,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    about: String,
    /// The host that the case is about: its file's programs and files are those of the case, too.
    host: Option<String>,
    /// The address that what is told lies below.
    #[serde(default)]
    only: String,
    pub(crate) lab: String,
    applied: Option<String>,
    #[serde(default)]
    adopted: bool,
    /// Whether the apply that left the marks was cut off.
    #[serde(default)]
    pending: bool,
    #[serde(default)]
    programs: BTreeMap<String, Program>,
    #[serde(default)]
    files: BTreeMap<String, Existing>,
    #[serde(default)]
    expect: String,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Program {
    stdout: String,
    stderr: String,
    code: u32,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Existing {
    content: String,
    mode: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
    unreadable: Option<String>,
}

pub(crate) const HEAD: &str =
    "[lab]\nname = \"mobius\"\n[nodes.n5]\naddress = \"192.168.4.5\"\nssh = { user = \"jax\", sudo = true }\n";

fn lab(text: &str) -> Lab {
    let loaded = load(&Sources::memory([("homelab.toml", &format!("{HEAD}{text}") as &str)]));
    let faults: Vec<String> = loaded.diagnostics.into_iter().map(|fault| fault.summary).collect();
    loaded.lab.unwrap_or_else(|| panic!("{faults:?}"))
}

/// What a host has whatever the case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    #[serde(default)]
    programs: BTreeMap<String, Program>,
    #[serde(default)]
    files: BTreeMap<String, Existing>,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut case: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let host = case.host.as_ref().map(|host| path.with_file_name("hosts").join(host).with_extension("toml"));
        if let Some(host) = host.map(|path| std::fs::read_to_string(path).unwrap()) {
            let host: Host = toml::from_str(&host).unwrap();
            // What the case has of its own stands over the host's.
            let (own, files) = (std::mem::take(&mut case.programs), std::mem::take(&mut case.files));
            case.programs = host.programs.into_iter().chain(own).collect();
            case.files = host.files.into_iter().chain(files).collect();
        }
        case
    }

    pub(crate) fn answer(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::Run(argv) | Ask::Fed { argv, .. } => Answer::Output(self.output(argv)),
            Ask::File { path, limit } => {
                Answer::File(self.file(path, |text| {
                    if text.len() as u64 > *limit { Body::TooLong } else { Body::Bytes(text.into()) }
                }))
            }
            Ask::Same { path, content } => {
                Answer::File(self.file(path, |text| Body::Same(text == "SECRET" || content.as_text() == Some(text))))
            }
            Ask::Folder { .. } => Answer::Folder(self.records()),
            Ask::Elsewhere { ask, .. } => self.answer(ask),
            Ask::Api(_) => panic!("a node is not asked for a cluster"),
        }
    }

    fn output(&self, argv: &[String]) -> Output {
        let line = shell_line(argv);
        let known =
            self.programs.iter().filter(|(words, _)| line.starts_with(*words)).max_by_key(|(words, _)| words.len());
        match known {
            Some((_, Program { stdout, stderr, code })) => {
                Output { stdout: stdout.clone().into(), stderr: stderr.trim_end().to_owned(), code: *code }
            }
            None => Output { stderr: format!("{}: not found", argv[0]), code: 127, ..Output::default() },
        }
    }

    fn file(&self, path: &str, body: impl Fn(&str) -> Body) -> FileAnswer {
        match self.files.get(path) {
            None => FileAnswer::Absent,
            Some(Existing { kind: Some(kind), .. }) => FileAnswer::Other(kind.clone()),
            Some(Existing { unreadable: Some(why), .. }) => FileAnswer::Unreadable(why.clone()),
            Some(file) => FileAnswer::Regular {
                stat: Stat {
                    mode: u32::from_str_radix(file.mode.as_deref().unwrap_or("644"), 8).unwrap(),
                    owner: file.owner.clone().unwrap_or("root".into()),
                    group: "root".into(),
                    length: file.content.len() as u64,
                    state: "17 1".into(),
                },
                body: body(&file.content),
            },
        }
    }

    fn records(&self) -> Vec<(String, FileAnswer)> {
        let Some(applied) = &self.applied else { return Vec::new() };
        let lab = lab(applied);
        let origin = if self.adopted { Origin::Adopted } else { Origin::Made };
        let mark = |lab: &Lab, resource: &Resource| {
            let mark = Mark::new(&lab.name, &resource.address, origin, &resource.body.desired());
            let mark = mark.taking(resource.body.inputs());
            if self.pending { mark.pending() } else { mark }
        };
        let record = |Declared { kind, resource }: Declared| Record {
            format: 1,
            kind: kind.name().into(),
            mark: mark(&lab, &resource),
            name: resource.name,
        };
        let here = |declared: &Declared| declared.resource.ground == Ground::Node("n5".into());
        let files = kinds::declare(&lab).into_iter().filter(here).map(record).enumerate().map(|(i, record)| {
            let content = serde_json::to_string(&record).unwrap();
            let stat = Stat { mode: 0o644, owner: "root".into(), group: "root".into(), length: 1, state: "1".into() };
            (format!("mobius/{i}.json"), FileAnswer::Regular { stat, body: Body::Bytes(content.into()) })
        });
        files.collect()
    }

    fn plan(&self) -> String {
        let lab = lab(&self.lab);
        let declared = kinds::declare(&lab);
        let site = Site::Node(&lab.nodes["n5"]);
        let ask_all =
            |asks: Vec<Ask>| -> Reply { asks.into_iter().map(|ask| (ask.clone(), self.answer(&ask))).collect() };
        let mut reply = ask_all(marks::asks(&lab, site, &declared));
        let more = ask_all(marks::further_asks(&lab, site, &declared, &reply));
        reply.extend(more);
        let seen = [(Ground::Node("n5".into()), Seen::Read(reply))].into();
        let plan = build(&lab, &declared, &Graph::new(&declared), &seen, &Options::default());
        let is_told = |change: &&Change| change.address.to_string().starts_with(&self.only);
        plan.changes.iter().filter(is_told).map(told).collect()
    }
}

fn told(change: &Change) -> String {
    let mut text = format!("{} {}\n", serde_json::json!(change.action).as_str().unwrap(), change.address);
    let value = |value: &Option<Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::Plain(value)) => value.to_string(),
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Hidden(_)) => "hidden".to_owned(),
        Some(other) => format!("{other:?}"),
    };
    for difference in &change.differences {
        if change.action != Action::Create {
            let _ = writeln!(
                text,
                "  {}: {} -> {}",
                difference.attribute,
                value(&difference.before),
                value(&difference.after)
            );
        }
    }
    match &change.obstacle {
        Some(Obstacle::Refused(why)) => text += &format!("  refused: {why}\n"),
        Some(Obstacle::Unknown(why)) => text += &format!("  unknown: {why}\n"),
        Some(Obstacle::Blocked(need)) => text += &format!("  blocked by {need}\n"),
        Some(other) => text += &format!("  {other:?}\n"),
        None => {}
    }
    change.notes.iter().for_each(|note| text += &format!("  note: {note}\n"));
    change.disruption.iter().for_each(|what| text += &format!("  disrupts: {what}\n"));
    change.behind.iter().for_each(|what| text += &format!("  behind it: {what}\n"));
    change.steps.iter().filter_map(step).for_each(|step| text += &step);
    text
}

fn step(step: &Step) -> Option<String> {
    let guards: String = step.guards.iter().map(guard).collect();
    match &step.act {
        Act::Put { path, .. } | Act::Remove { path } if path.starts_with("/var/lib/labctl/") => None,
        // Of a script, what it says of itself.
        Act::Run { argv, .. } if argv.len() > 3 && argv[1] == "-c" && argv[2].starts_with('#') => {
            let about = argv[2].lines().next().unwrap_or_default();
            Some(format!("{guards}  $ sh -c '{about}' {}\n", shell_line(&argv[3..])))
        }
        Act::Run { argv, .. } => Some(format!("{guards}  $ {}\n", shell_line(argv))),
        Act::Put { path, content, mode, .. } => {
            let mode = mode.map(|mode| mode.to_string()).unwrap_or_default();
            let text = content.as_text().unwrap_or("hidden").trim_end().replace('\n', "\n  | ");
            Some(format!("{guards}  > {path} {mode}\n  | {text}\n"))
        }
        // It relies on what the step after it relies on.
        Act::Keep { path, .. } => Some(format!("  keep {path}\n")),
        Act::Remove { path } => Some(format!("{guards}  rm {path}\n")),
        Act::Reconnect { .. } => Some("  reconnect\n".to_owned()),
        Act::Api(call) => Some(format!("  {call:?}\n")),
    }
}

fn guard(guard: &Guard) -> String {
    match guard {
        Guard::File { path, state } => format!("  ? {path} is {state:?}\n"),
        Guard::Output { argv, stdout } => format!("  ? {} says {stdout:?}\n", shell_line(argv)),
        Guard::Api(guard) => format!("  ? {}\n", guard.words()),
    }
}

pub(crate) fn cases() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/kinds");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

#[test]
fn every_case_has_its_plan() {
    let mut wrong = String::new();
    let cases = cases();
    assert!(cases.len() > 20, "the cases are there");
    for path in cases {
        let case = Case::read(&path);
        let plan = case.plan();
        if std::env::var_os("LABCTL_WRITE_GENERATED").is_some() {
            let text = std::fs::read_to_string(&path).unwrap();
            let head = text.split("expect = '''").next().unwrap();
            std::fs::write(&path, format!("{head}expect = '''\n{plan}'''\n")).unwrap();
        } else if plan != case.expect {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let _ = writeln!(wrong, "{name} ({})\n--- expected\n{}--- found\n{plan}", case.about, case.expect);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
