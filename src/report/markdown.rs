//! A plan or a comparison as a comment on a pull request: GitHub's Markdown, to be read on a phone.
//!
//! First the line that says it all, then what goes and what is interrupted, then what needs a look, then each ground,
//! folded. The text of a file can't get out of its place: it stands in code, or its marks are escaped.

use super::comment::Comment;
use super::comparison::finding;
use super::interruption::{behind, own_way};
use super::plan_text::{by_ground, fate, obstacle};
use super::{Summary, Symbol, attributes};
use crate::plan::Change;

/// How many characters GitHub takes in a comment.
pub const LIMIT: usize = 65_536;
/// What is left free for the end.
const END: usize = 1_000;
/// What the frame of a ground takes.
const HEAD: usize = 500;
/// How many characters a list above the grounds may have: six of them fit with room to spare.
const LIST: usize = 8_000;
/// The longest line in a list, in characters.
const LINE: usize = 600;
/// Columns that sentences in a fence are wrapped to: there they are not wrapped by the browser.
const WRAPPED: usize = 44;
/// The most lines of one resource.
const LINES: usize = 400;

/// The comment, in at most `limit` characters; what does not fit is counted.
pub fn markdown(comment: &Comment<'_>, limit: usize) -> String {
    let mut text = format!("<!-- labctl {} {} -->\n", comment.command, comment.file.replace("--", "- -"));
    text += &format!("### labctl {}: {}\n\n", comment.command, inline(&comment.headline));
    for words in comment.lead.iter().filter(|words| !words.is_empty()) {
        text += &format!("{}\n\n", inline(words));
    }
    text += &list("What could not be read", comment.unread.iter().map(|words| inline(words)));
    text += &list("What goes, and what is refused", comment.grave().into_iter().map(grave));
    text += &list("Interruptions", comment.disruptions().iter().map(|words| inline(words)));
    text += &list("Findings that are new", comment.new.iter().map(|it| inline(&finding(it))));
    text += &list("Findings that are gone", comment.gone.iter().map(|it| inline(&finding(it))));
    text += &list("What labctl itself would do otherwise", comment.ways.iter().map(|way| code(way)));
    let above = length(&text);
    text + &grounds(comment, limit.saturating_sub(above + END)) + &format!("<sub>{}</sub>\n", inline(&comment.end))
}

/// Each ground, folded, as far as there is room.
fn grounds(comment: &Comment<'_>, room: usize) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for (ground, changes) in comment.plan.map(by_ground).unwrap_or_default() {
        let mut body = String::new();
        for (nth, change) in changes.iter().enumerate() {
            let block = block(change);
            if length(&text) + length(&body) + length(&block) + HEAD > room {
                left_out += changes.len() - nth;
                break;
            }
            body += &block;
        }
        if body.is_empty() {
            continue;
        }
        let fence = "`".repeat(longest_run(&body).max(2) + 1);
        let counts = Summary::of_changes(changes.iter().copied()).words();
        let ground = ground.to_string().replace('&', "&amp;").replace('<', "&lt;");
        text += &format!("<details><summary><b>{ground}</b>: {counts}</summary>\n\n");
        text += &format!("{fence}diff\n{body}{fence}\n\n</details>\n\n");
    }
    if left_out > 0 {
        let verb = if left_out == 1 { "change is" } else { "changes are" };
        text += &format!(
            "**There is no room for more: {left_out} further {verb} not shown here. `labctl {}` shows all.**\n\n",
            comment.command
        );
    }
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn list(title: &str, lines: impl ExactSizeIterator<Item = String>) -> String {
    let all = lines.len();
    if all == 0 {
        return String::new();
    }
    let mut text = format!("**{title}**\n\n");
    for (nth, line) in lines.enumerate() {
        if length(&text) + length(&line) > LIST {
            text += &format!("- and {} more\n", all - nth);
            break;
        }
        text += &format!("- {line}\n");
    }
    text + "\n"
}

fn grave(change: &Change) -> String {
    let why = obstacle(change).map(|why| format!(": {}", inline(&why))).unwrap_or_default();
    format!("**{}** {}{why}", Symbol::of(change).meaning(), code(&change.address.to_string()))
}

/// One resource, for a fence that is coloured as a diff.
fn block(change: &Change) -> String {
    let symbol = Symbol::of(change);
    let mut lines = vec![format!("@@ {} {} @@", symbol.text().trim(), printable(&change.address.to_string()))];
    // What `+`, `~` and `-` mean is known, and a line of a phone is short.
    let is_plain = matches!(symbol, Symbol::Create | Symbol::Update | Symbol::Replace | Symbol::Delete);
    let fate = (!is_plain).then(|| fate(change, symbol));
    let words = obstacle(change)
        .into_iter()
        .chain(change.disruption.clone())
        .chain(behind(change))
        .chain(own_way(change))
        .chain(change.notes.clone());
    for words in fate.into_iter().chain(words) {
        lines.extend(textwrap::wrap(&printable(&words), WRAPPED).iter().map(|line| format!("! {line}")));
    }
    for difference in &change.differences {
        lines.extend(attributes::diff_lines(difference));
    }
    lines.extend(change.released.iter().map(|name| format!("  {name}: no longer declared, it stays as it is")));
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("  … {more} more lines"));
    }
    lines.iter().map(|line| cut(line, LINE) + "\n").collect()
}

fn cut(line: &str, most: usize) -> String {
    if length(line) <= most { line.to_owned() } else { line.chars().take(most).chain(['…']).collect() }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Words with code between backticks. What stands outside of them can be no link, no tag and no mention.
fn inline(words: &str) -> String {
    let parts = cut(&printable(words), LINE);
    let parts: Vec<&str> = parts.split('`').collect();
    // Without a partner the last one is a character like any other.
    let alone = if parts.len().is_multiple_of(2) { Some(parts.len() - 1) } else { None };
    let part = |(nth, part): (usize, &&str)| match nth % 2 {
        _ if Some(nth) == alone => format!("\\`{}", escaped(part)),
        0 => escaped(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "\\*_[]<>#|~`&!".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        if c == '@' {
            // Nobody is called by a mention.
            escaped.push('\u{200b}');
        }
    }
    escaped
}

/// A code span, whatever stands in it.
fn code(text: &str) -> String {
    let text = cut(&printable(text), LINE);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, code, inline, length, markdown};
    use crate::lab::{Address, Ground};
    use crate::plan::{Action, Cause, Change, Comparison, Difference, Plan, Value};
    use crate::report::Comment;

    fn created(number: usize, text: &str) -> Change {
        let address = Address::new(["nodes", "n", "files", &format!("/etc/{number}")]);
        let difference =
            Difference { attribute: "content".into(), before: None, after: Some(Value::Text(text.into())), note: None };
        Change {
            action: Action::Create,
            cause: Cause::File,
            after: Some([("content".to_owned(), Value::Text(text.into()))].into()),
            differences: vec![difference],
            ..Change::new(address, "file", Ground::Node("n".into()), format!("/etc/{number}"))
        }
    }

    fn rendered(changes: Vec<Change>) -> String {
        let plan = Some(Plan { changes, ..Plan::default() });
        let comparison = Comparison { plan, ..Comparison::default() };
        markdown(&Comment::of_comparison("homelab.toml", &comparison), LIMIT)
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_comment_is_whole() {
        let text = rendered((0..500).map(|number| created(number, &"x".repeat(500))).collect());
        assert!(length(&text) <= LIMIT, "{}", length(&text));
        let shown = text.matches("@@ + nodes").count();
        assert!(shown > 50, "{shown}");
        assert!(text.contains(&format!("{} further changes are not shown here", 500 - shown)), "{shown}");
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert!(text.ends_with("</sub>\n"));
    }

    #[test]
    fn a_resource_without_end_is_cut_by_itself() {
        let text = rendered(vec![created(1, &"line\n".repeat(100_000)), created(2, "seen")]);
        assert!(text.contains("more lines") && text.contains("+seen") && length(&text) < LIMIT);
    }

    #[test]
    fn a_file_that_holds_fences_and_tags_stays_in_its_place() {
        let text = rendered(vec![created(1, "````\n</details><img src=x>\n")]);
        assert!(text.contains("`````diff\n"), "{text}");
        assert_eq!(inline("a <b> `x` @you `"), "a \\<b\\> `x` @\u{200b}you \\`");
        assert_eq!(code("a`b"), "``a`b``");
    }
}
