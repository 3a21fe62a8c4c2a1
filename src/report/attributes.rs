//! Attribute diffs: `old -> new`, texts line by line, hidden values as `differs`.

use similar::TextDiff;

use super::Paint;
use crate::plan::{Change, Difference, Value};

/// How long a plain value may be on a line before it is cut.
const WIDTH: usize = 120;

/// What stands before the lines of a text.
const SET_IN: &str = "          ";

/// The lines of a change's attributes, below its head.
pub(super) fn lines(change: &Change, paint: Paint) -> Vec<String> {
    let width = change.differences.iter().map(|difference| difference.attribute.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for difference in &change.differences {
        lines.extend(one(difference, width, paint));
        lines.extend(difference.note.iter().map(|note| format!("        # {note}")));
    }
    let declared = change.after.as_ref().map_or(0, std::collections::BTreeMap::len);
    let hidden = declared.saturating_sub(change.differences.len());
    if hidden > 0 && !change.differences.is_empty() {
        let noun = if hidden == 1 { "attribute" } else { "attributes" };
        lines.push(paint.dim(format!("      # ({hidden} unchanged {noun} hidden)")));
    }
    lines
}

fn one(difference: &Difference, width: usize, paint: Paint) -> Vec<String> {
    let name = format!("{:width$}", difference.attribute);
    let (before, after) = (&difference.before, &difference.after);
    if let (Some(Value::Text(before)), Some(Value::Text(after))) = (before, after) {
        let mut lines = vec![format!("      {} {}", paint.yellow("~"), name.trim_end())];
        lines.extend(unified(before, after, paint));
        return lines;
    }
    if let (None, Some(Value::Text(after))) = (before, after) {
        let mut lines = vec![format!("      {} {}", paint.green("+"), name.trim_end())];
        // Nothing is there to compare with: the lines alone say it.
        let added = after.lines().map(|line| paint.green(format!("          +{}", printable(line))));
        lines.extend(added);
        return lines;
    }
    vec![match (before, after) {
        (None, Some(after)) => format!("      {} {name} = {}", paint.green("+"), shown(after)),
        (Some(before), None) => format!("      {} {name} = {} -> null", paint.red("-"), shown(before)),
        (Some(before), Some(after)) if is_hidden(before) || is_hidden(after) => {
            format!("      {} {name}   (differs)", paint.yellow("~"))
        }
        (Some(before), Some(after)) => {
            format!("      {} {name} = {} -> {}", paint.yellow("~"), shown(before), shown(after))
        }
        (None, None) => format!("        {name}"),
    }]
}

/// The lines of one attribute in a text that is coloured as a diff: what goes behind `-`, what comes behind `+`.
pub(super) fn diff_lines(difference: &Difference) -> Vec<String> {
    const PLAIN: Paint = Paint { color: false };
    let name = &difference.attribute;
    let mut lines = match (&difference.before, &difference.after) {
        (Some(Value::Text(before)), Some(Value::Text(after))) => {
            let set_in = unified(before, after, PLAIN);
            let lines = set_in.iter().map(|line| line.strip_prefix(SET_IN).unwrap_or(line).to_owned());
            std::iter::once(format!("  {name}:")).chain(lines).collect()
        }
        (None, Some(Value::Text(after))) => {
            let added = after.lines().map(|line| format!("+{}", printable(line)));
            std::iter::once(format!("  {name}:")).chain(added).collect()
        }
        (Some(before), Some(after)) if is_hidden(before) || is_hidden(after) => vec![format!("! {name} differs")],
        (before, after) => {
            let before = before.iter().map(|value| format!("- {name} = {}", shown(value)));
            before.chain(after.iter().map(|value| format!("+ {name} = {}", shown(value)))).collect::<Vec<_>>()
        }
    };
    lines.extend(difference.note.iter().map(|note| format!("  # {note}")));
    lines
}

fn is_hidden(value: &Value) -> bool {
    matches!(value, Value::Hidden(_) | Value::Differs)
}

/// A value on one line.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Plain(value) => plain(value),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Hidden(_) | Value::Differs => return "(hidden)".to_owned(),
        Value::From { address, attribute } => return format!("(known after apply: {attribute} of {address})"),
    };
    if text.chars().count() <= WIDTH { text } else { text.chars().take(WIDTH).chain(['…']).collect() }
}

/// JSON on one line, with a space after each comma.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}

/// A unified diff without its file names, set in below the attribute.
fn unified(before: &str, after: &str, paint: Paint) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(2).missing_newline_hint(true).to_string();
    text.lines()
        .map(|line| {
            let set_in = format!("{SET_IN}{}", printable(line));
            match line.as_bytes().first() {
                Some(b'+') => paint.green(set_in),
                Some(b'-') => paint.red(set_in),
                Some(b'@') => paint.cyan(set_in),
                _ => set_in,
            }
        })
        .collect()
}

/// What a file holds must not steer the terminal that shows it.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
