//! The plan as people read it: per ground, what changes and why, then the counts.

use std::collections::{BTreeMap, BTreeSet};

use super::interruption::{behind, interruptions, own_way};
use super::{Paint, Summary, Symbol, attributes, steps};
use crate::lab::Ground;
use crate::plan::{Absence, Action, Cause, Change, Obstacle, Plan};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// One line a resource.
    pub concise: bool,
    /// The very commands, too.
    pub steps: bool,
    /// Columns that sentences are wrapped to; 0 for no limit.
    pub width: usize,
}

/// The whole text, with a newline at its end.
pub fn plan(plan: &Plan, detail: Detail, paint: Paint) -> String {
    let summary = Summary::of(plan);
    let mut text = String::new();
    text += &silent_grounds(plan, paint);
    if summary.is_due() || summary.has_obstacles() || summary.held + summary.deferred > 0 {
        text += &changes(plan, detail, paint);
    }
    text + &remarks(plan, paint) + &ending(plan, &summary, paint)
}

/// The legend, what changes on each ground, what that interrupts.
pub(super) fn changes(plan: &Plan, detail: Detail, paint: Paint) -> String {
    let mut text = legend(plan, paint);
    for (ground, shown) in by_ground(plan) {
        text += &format!("\n{}\n", paint.bold(ground));
        text += &ground_changes(plan, &shown, detail, paint);
    }
    let gap = if text.ends_with("\n\n") { "" } else { "\n" };
    text + gap + &disruptions(plan, detail.width, paint)
}

/// What is to be shown of each ground, in order.
pub(super) fn by_ground(plan: &Plan) -> BTreeMap<&Ground, Vec<&Change>> {
    let mut grounds: BTreeMap<&Ground, Vec<&Change>> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| Symbol::of(change) != Symbol::None) {
        grounds.entry(&change.ground).or_default().push(change);
    }
    grounds
}

/// What there is to know of resources that are as declared: a degraded pool. Changes show theirs themselves.
fn remarks(plan: &Plan, paint: Paint) -> String {
    let unchanged = plan.changes.iter().filter(|change| Symbol::of(change) == Symbol::None);
    let lines = unchanged.flat_map(|change| change.notes.iter().map(move |note| (&change.address, note)));
    let lines: Vec<String> =
        lines.map(|(address, note)| format!("{} {address}: {note}\n", paint.yellow("Warning:"))).collect();
    if lines.is_empty() { String::new() } else { lines.concat() + "\n" }
}

/// Grounds that could not be read and have no resources in the plan: what left the file there is not known either.
fn silent_grounds(plan: &Plan, paint: Paint) -> String {
    let is_silent = |ground: &&String| !plan.changes.iter().any(|change| change.ground.to_string() == **ground);
    let lines: Vec<String> = plan
        .unreachable
        .keys()
        .filter(is_silent)
        .map(|node| format!("{} {node}: {}\n", paint.yellow("Warning:"), plan.unreachable[node]))
        .collect();
    if lines.is_empty() { String::new() } else { lines.concat() + "\n" }
}

fn legend(plan: &Plan, paint: Paint) -> String {
    let used: BTreeSet<Symbol> = plan.changes.iter().map(Symbol::of).filter(|symbol| *symbol != Symbol::None).collect();
    let mut text = "Actions are indicated with the following symbols:\n".to_owned();
    for symbol in used {
        text += &format!("{} {}\n", symbol.painted(paint), symbol.meaning());
    }
    text
}

/// Changes that say the same of many resources (a node that is down) are said once.
fn ground_changes(plan: &Plan, changes: &[&Change], detail: Detail, paint: Paint) -> String {
    let mut text = String::new();
    let down = changes.iter().find_map(|change| match &change.obstacle {
        Some(Obstacle::Unreachable(why)) => Some(why),
        _ => None,
    });
    if let Some(why) = down {
        let noun = if changes.len() == 1 { "resource is" } else { "resources are" };
        text += &format!("{} {why}\n", Symbol::Unknown.painted(paint));
        let ground = changes.first().map(|change| change.ground.to_string()).unwrap_or_default();
        let fate = match plan.not_evaluated.get(&ground) {
            None => "unknown, not missing",
            Some(Absence::Optional) => "not evaluated: the node is optional",
            Some(Absence::Skipped) => "not evaluated (`--skip-unreachable`)",
        };
        text += &format!("    {} {noun} {fate}\n", changes.len());
        return text;
    }
    let (brief, whole): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| detail.concise || is_brief(change, detail));
    for change in &brief {
        text += &concise(change, paint);
    }
    if !brief.is_empty() && !whole.is_empty() {
        text.push('\n');
    }
    for change in &whole {
        text += &full(change, detail, paint);
    }
    text
}

/// What is adopted as it is needs one line: nothing happens to it.
fn is_brief(change: &Change, detail: Detail) -> bool {
    Symbol::of(change) == Symbol::Adopt && change.notes.is_empty() && !detail.steps
}

fn concise(change: &Change, paint: Paint) -> String {
    let symbol = Symbol::of(change);
    let mut names: Vec<&str> = change.differences.iter().map(|d| d.attribute.as_str()).collect();
    if matches!(symbol, Symbol::Create | Symbol::Delete) {
        names.clear();
    }
    let names = if names.is_empty() { String::new() } else { format!(" [{}]", names.join(", ")) };
    let why = obstacle(change).map(|why| format!(": {why}")).unwrap_or_default();
    format!("{} {}{names}{why}\n", symbol.painted(paint), change.address)
}

fn full(change: &Change, detail: Detail, paint: Paint) -> String {
    let symbol = Symbol::of(change);
    let mut text = format!("  {}\n", paint.bold(format!("# {} {}", change.address, fate(change, symbol))));
    for words in reasons(change, symbol) {
        text += &comment(&words, detail.width);
    }
    text += &format!("{} {} {}\n", symbol.painted(paint), change.kind, change.name);
    for line in attributes::lines(change, paint) {
        text += &format!("{line}\n");
    }
    for name in &change.released {
        let value = change.before.as_ref().and_then(|before| before.get(name));
        let value = value.map(|value| format!(" = {}", attributes::shown(value))).unwrap_or_default();
        text += &format!("      {} {name}{value} # no longer declared: it stays as it is\n", paint.cyan("."));
    }
    if detail.steps {
        text += &steps::lines(change);
    }
    text + "\n"
}

/// Words in brackets behind `#`, wrapped.
fn comment(words: &str, width: usize) -> String {
    wrapped(&format!("{words})"), "  # (", "  #  ", width)
}

/// Words on lines of at most `width` columns (0: one line), the first behind `first` and the others behind `next`. What is to be
/// copied (a command, an address) is never broken.
fn wrapped(words: &str, first: &str, next: &str, width: usize) -> String {
    let options = textwrap::Options::new(if width == 0 { usize::MAX } else { width })
        .initial_indent(first)
        .subsequent_indent(next)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(&keep_together(words), options).replace(TIED, " ") + "\n"
}

/// A space at which no line is broken.
const TIED: &str = "\u{a0}";

/// The same words, tied together between backticks.
fn keep_together(words: &str) -> String {
    let parts = words.split('`').enumerate();
    let parts = parts.map(|(i, part)| if i % 2 == 1 { part.replace(' ', TIED) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

pub(super) fn fate(change: &Change, symbol: Symbol) -> String {
    match symbol {
        Symbol::Create => "will be created".to_owned(),
        Symbol::Update => "will be updated in-place".to_owned(),
        Symbol::Replace => "must be replaced".to_owned(),
        Symbol::Delete => "will be destroyed".to_owned(),
        Symbol::Adopt => "will be adopted as it is".to_owned(),
        Symbol::AdoptAndUpdate => "will be adopted and updated in-place".to_owned(),
        Symbol::Forget if change.after.is_none() => {
            "is no longer declared and will be forgotten, but will not be destroyed".to_owned()
        }
        Symbol::Forget => "lets go of attributes that are no longer declared".to_owned(),
        Symbol::Mark => match &change.previous_address {
            Some(previous) => format!("has moved from {previous}"),
            None => "is as declared; its mark will be renewed".to_owned(),
        },
        Symbol::Deferred => match change.later {
            Some(Action::Delete) => format!("will be destroyed in wave {}", change.wave),
            Some(Action::Update) => format!("will be updated in-place in wave {}", change.wave),
            Some(Action::Replace) => format!("must be replaced in wave {}", change.wave),
            _ => format!("will be planned in wave {}", change.wave),
        },
        Symbol::Held => "is held".to_owned(),
        Symbol::Unknown => "is unknown, not missing".to_owned(),
        Symbol::Refused => "can't be done".to_owned(),
        Symbol::None => "is as declared".to_owned(),
    }
}

fn reasons(change: &Change, symbol: Symbol) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(obstacle(change));
    if symbol == Symbol::Delete {
        reasons.push("file changed: it is no longer declared".to_owned());
    } else if symbol != Symbol::Forget {
        reasons.extend(cause(change).map(str::to_owned));
    }
    reasons.extend(
        change.previous_address.iter().filter(|_| symbol != Symbol::Mark).map(|old| format!("moved from {old}")),
    );
    reasons.extend(change.disruption.iter().cloned());
    reasons.extend(behind(change));
    reasons.extend(own_way(change));
    reasons.extend(change.notes.iter().cloned());
    reasons
}

fn cause(change: &Change) -> Option<&'static str> {
    match (change.cause, change.action) {
        (Cause::File, Action::Create) => Some("file changed: it is new there"),
        (Cause::File, Action::Adopt) => Some("it was there before labctl"),
        (Cause::Lab, Action::Create) => Some("lab changed: it was there when the file was last applied"),
        (Cause::None, _) => None,
        (Cause::File, _) => Some("file changed"),
        (Cause::Lab, _) => Some("lab changed"),
        (Cause::Both, _) => Some("file changed and lab changed"),
        (Cause::Unfinished, _) => Some("the last apply was cut off in the middle of it"),
    }
}

/// What keeps a change from being done, in words.
pub fn obstacle(change: &Change) -> Option<String> {
    change.obstacle.as_ref().map(|obstacle| match obstacle {
        Obstacle::Unknown(why) | Obstacle::Unreachable(why) | Obstacle::Refused(why) | Obstacle::Protected(why) => {
            why.clone()
        }
        Obstacle::Blocked(need) => format!("it needs {need}, which will not be as declared"),
        Obstacle::Unapproved => {
            "it was deferred when the plan was approved, and this is more than making what the file says".to_owned()
        }
        Obstacle::Held(hold) => match hold.until {
            Some(until) => format!("held until {until} because {}", hold.because),
            None => format!("held because {}", hold.because),
        },
    })
}

fn disruptions(plan: &Plan, width: usize, paint: Paint) -> String {
    let words = interruptions(plan);
    let warning = format!("{} ", paint.yellow("Warning:"));
    let line = |words: &String| wrapped(words, &warning, "  ", width);
    let lines: Vec<String> = words.iter().map(line).collect();
    if lines.is_empty() { String::new() } else { lines.concat() + "\n" }
}

/// The line that says it all.
pub(super) fn headline(plan: &Plan, summary: &Summary) -> String {
    if summary.is_due() {
        summary.line()
    } else if is_whole_but_for_the_absent(plan, summary) {
        "No changes. What could be reached matches the file.".to_owned()
    } else if summary.has_obstacles() || !plan.unreachable.is_empty() {
        "No changes can be made.".to_owned()
    } else {
        "No changes. The lab matches the file.".to_owned()
    }
}

/// Whether all that is missing of the plan are grounds that may be away.
fn is_whole_but_for_the_absent(plan: &Plan, summary: &Summary) -> bool {
    let besides = Summary { unreachable: 0, ..*summary };
    !plan.unreachable.is_empty()
        && !besides.has_obstacles()
        && plan.unreachable.keys().all(|ground| plan.may_be_away(ground))
}

fn ending(plan: &Plan, summary: &Summary, paint: Paint) -> String {
    let rest = summary.rest();
    let mut text = format!("{}\n", paint.bold(headline(plan, summary)));
    if !rest.is_empty() {
        text += &format!("{rest}\n");
    }
    if plan.partial {
        text += "Only a part of the file was planned (`--target`, `--exclude`).\n";
    }
    text
}
