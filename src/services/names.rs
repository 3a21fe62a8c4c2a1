//! Names of objects that a table says, and those that are made up.

use super::Expansion;
use crate::config::{Code, Located};

/// Whether a text can be the name of any object: RFC 1123's label, which is what the strictest kinds ask for.
pub(super) fn is_label(text: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63
        && is_edge(text.chars().next())
        && is_edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A text as a label: `enp197s0.8` is `enp197s0-8`.
pub(super) fn label(text: &str) -> String {
    let plain = text.to_ascii_lowercase();
    let label: String = plain.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    label.trim_matches('-').chars().take(63).collect()
}

/// The name that the table says, else the one that is made up.
pub(super) fn said_or(said: Option<&Located<String>>, made_up: &Located<String>, expansion: &mut Expansion) -> String {
    check_name(said, made_up, expansion);
    said.unwrap_or(made_up).value.clone()
}

/// A fault where a name that the table says, else the one that is made up, is none that an object can have.
pub(super) fn check_name(said: Option<&Located<String>>, made_up: &Located<String>, expansion: &mut Expansion) {
    let name = said.unwrap_or(made_up);
    if is_label(name) {
        return;
    }
    let summary = format!("`{}` can't be the name of an object", name.value);
    let rule = "use up to 63 lower-case letters, digits and `-`, a letter or digit at both ends";
    let help = match said {
        Some(_) => rule.to_owned(),
        None => format!("{rule}; or keep it, and say another one for the object: `name = \"{}\"`", label(name)),
    };
    expansion.fault(Code::Name, summary, &name.place, "this name", help);
}
