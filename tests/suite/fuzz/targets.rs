//! What reads what others wrote.

mod file;
mod journal;
mod plan;
mod probe;
mod reply;

use super::hunt::Target;

/// Every target.
pub(super) fn all() -> Vec<Box<dyn Target>> {
    vec![
        Box::new(file::File),
        Box::new(reply::Reply),
        Box::new(probe::Probe),
        Box::new(plan::Plan),
        Box::new(journal::Journal),
    ]
}

/// Words without their numbers and quoted names, so that ends of one kind are equal.
fn kind(words: &str) -> String {
    let mut is_quoted = false;
    let outside = words.chars().filter(|letter| {
        is_quoted ^= matches!(letter, '`' | '"');
        !is_quoted && !letter.is_ascii_digit()
    });
    outside.take(80).collect()
}
