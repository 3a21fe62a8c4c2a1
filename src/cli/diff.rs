//! `labctl diff`: what one state of the files declares otherwise than another. It needs no lab.

use std::path::{Path, PathBuf};

use super::args::{Cli, DiffArgs};
use super::exit::{Exit, Failure};
use super::output;
use super::plan::obstacles;
use super::stage::{self, Checked};
use super::terminal::Terminal;
use crate::config::Severity;
use crate::graph::Graph;
use crate::kinds;
use crate::local;
use crate::local::sources::SourceError;
use crate::plan::{self, Comparison, Findings};
use crate::report::{self, Detail, diagnostics};

pub(super) fn run(cli: &Cli, args: &DiffArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let base = State::load(cli, Some(&args.base))?;
    let head = State::load(cli, args.head.as_deref())?;
    let Some(new) = &head.checked else {
        let words = format!("there is no `{}` in {}", cli.file.display(), head.name);
        return Err(Failure::new(Exit::Invalid, words));
    };
    let is_bad = is_bad(new);
    if is_bad {
        let text = diagnostics::render(&new.diagnostics, &new.sources, terminal.width, terminal.paint_messages.color);
        terminal.say(&text);
    }
    let comparison = compare(&base, &head, new);
    let file = output::in_repository(&cli.file);
    output::write(
        &args.output,
        terminal,
        &output::Told {
            comment: report::Comment::of_comparison(&file, &comparison),
            json: &|| report::comparison_json(&comparison),
            text: &|| {
                let detail = Detail { concise: args.concise, steps: false, width: terminal.width };
                report::comparison(&comparison, detail, terminal.paint)
            },
        },
    )?;
    let pending = if args.detailed_exitcode && comparison.is_due() { Exit::Pending } else { Exit::Done };
    let invalid = if is_bad { Exit::Invalid } else { Exit::Done };
    Ok(comparison.plan.as_ref().map_or(Exit::Done, obstacles).and(invalid).and(pending))
}

/// The files at one time.
struct State {
    name: String,
    /// Nothing where the lab's file was not there.
    checked: Option<Checked>,
    /// Why it is not known what the services desire.
    unfetched: Option<String>,
}

impl State {
    /// A file where there is one of that name, else a Git revision; the files as they lie here where nothing is named.
    fn load(cli: &Cli, what: Option<&str>) -> Result<Self, Failure> {
        let path = what.map(PathBuf::from).filter(|path| path.is_file() || is_named_as_file(path));
        if cli.untrusted {
            // Git, too, is only run where no link has led.
            read(local::sources::check_untrusted(&cli.file))?;
        }
        let load = if cli.untrusted { local::sources::load_untrusted } else { local::sources::load };
        let (name, sources) = match (what, path) {
            (None, _) => ("the working tree".to_owned(), Some(read(load(&cli.file))?)),
            (Some(what), Some(path)) => (format!("`{what}`"), Some(read(load(&path))?)),
            (Some(what), None) => (format!("`{what}`"), read(local::sources::load_revision(&cli.file, what))?),
        };
        let Some(mut sources) = sources else { return Ok(Self { name, checked: None, unfetched: None }) };
        let missing = stage::cache(cli).fill(&mut sources);
        let unfetched = missing.first().map(|pin| {
            format!("what {} holds is not known: it was never fetched here; `labctl plan` fetches it", pin.url.value)
        });
        Ok(Self { name, checked: Some(stage::check_sources(sources)), unfetched })
    }
}

/// Whether a file is meant although there is none.
fn is_named_as_file(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml")
}

fn read<T>(read: Result<T, SourceError>) -> Result<T, Failure> {
    read.map_err(|error| match error {
        SourceError::Git(error) => Failure::error(error.to_string()),
        error => Failure::new(Exit::Invalid, error.to_string()),
    })
}

fn is_bad(checked: &Checked) -> bool {
    checked.lab.is_none() || checked.diagnostics.iter().any(|it| it.severity == Severity::Error)
}

fn compare(base: &State, head: &State, new: &Checked) -> Comparison {
    let old = base.checked.as_ref();
    let before = old.map(|old| old.diagnostics.as_slice()).unwrap_or_default();
    let comparison = Comparison {
        base: if old.is_some() { base.name.clone() } else { format!("{}, which has no such file", base.name) },
        head: head.name.clone(),
        findings: Findings::between(before, &new.diagnostics),
        ..Comparison::default()
    };
    let why_not = |name: &str| format!("Nothing can be compared: {name} is invalid.");
    if is_bad(new) {
        return Comparison { obstacle: Some(why_not(&head.name)), ..comparison };
    }
    if old.is_some_and(is_bad) {
        return Comparison { obstacle: Some(why_not(&base.name)), ..comparison };
    }
    let old = old.and_then(|old| Some((old.lab.as_ref()?, base.unfetched.as_deref())));
    let (declared_before, declared) =
        (old.map(|(lab, _)| kinds::declare(lab)).unwrap_or_default(), new.lab.as_ref().map(kinds::declare));
    let graph_before = Graph::new(&declared_before);
    let (Some(lab), Some(declared)) = (&new.lab, declared) else { return comparison };
    let graph = Graph::new(&declared);
    let base =
        old.map(|(lab, unfetched)| plan::Side { lab, declared: &declared_before, graph: &graph_before, unfetched });
    let head = plan::Side { lab, declared: &declared, graph: &graph, unfetched: head.unfetched.as_deref() };
    let (plan, ways) = plan::between(base, head);
    Comparison { plan: Some(plan), ways, ..comparison }
}
