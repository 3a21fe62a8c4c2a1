//! One resource: declared beside observed, and its mark.

use super::attributes::shown;
use super::{Paint, Symbol, obstacle};
use crate::plan::{Change, Mark, Origin};

/// The text of `labctl show ADDRESS`.
pub fn resource(change: &Change, mark: Option<&Mark>, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.bold(&change.address));
    let mut line = |name: &str, value: String| text += &format!("  {name:9} {value}\n");
    line("kind", change.kind.clone());
    line("name", change.name.clone());
    line("on", change.ground.to_string());
    line("declared", change.place.as_ref().map_or_else(|| "no longer".to_owned(), ToString::to_string));
    line("state", obstacle(change).unwrap_or_else(|| Symbol::of(change).meaning().replace("nothing", "as declared")));
    line("mark", mark.map_or_else(|| "none".to_owned(), describe));
    for note in &change.notes {
        line("note", note.clone());
    }
    let empty = crate::plan::Attributes::new();
    let (before, after) = (change.before.as_ref().unwrap_or(&empty), change.after.as_ref().unwrap_or(&empty));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    if !names.is_empty() {
        text += &format!("  {:width$}  declared / observed\n", "attribute");
    }
    for name in names {
        let value = |side: &crate::plan::Attributes| side.get(name).map_or_else(|| "-".to_owned(), shown);
        text += &format!("    {name:width$}  {} / {}\n", value(after), value(before));
    }
    text + "\n"
}

fn describe(mark: &Mark) -> String {
    let origin = match mark.origin {
        Origin::Made => "made by labctl",
        Origin::Adopted => "adopted",
        Origin::Released => "released",
    };
    let owns: Vec<&str> = mark.owns.iter().map(String::as_str).collect();
    let pending = if mark.pending { ", the last change was not finished" } else { "" };
    format!("{origin} in the lab `{}` as {}, owns {}{pending}", mark.lab, mark.address, owns.join(", "))
}
