//! Patterns of `case`, of `${x#…}` and of file names: `*`, `?`, `[…]`, and `\` before what is meant as it is.

/// A text as a pattern that matches just it.
pub(super) fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A pattern without its escapes: the text that it is where it has no stars.
pub(super) fn plain(pattern: &str) -> String {
    let mut text = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    text
}

/// Whether a pattern has anything that matches more than itself.
pub(super) fn is_open(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// Whether a text as a whole is one that the pattern means.
pub(in super::super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    fits(&pattern, &text)
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], text) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        (['\\', c, rest @ ..], [first, others @ ..]) => c == first && fits(rest, others),
        (['?', rest @ ..], [_, others @ ..]) => fits(rest, others),
        (['[', rest @ ..], [first, others @ ..]) => match set(rest, *first) {
            Some((is_in, length)) => is_in && fits(&rest[length..], others),
            None => *first == '[' && fits(rest, others),
        },
        ([c, rest @ ..], [first, others @ ..]) => c == first && fits(rest, others),
        (_, []) => false,
    }
}

/// Whether the set that begins here has the character, and how long the set is.
fn set(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let (mut is_in, mut at) = (false, start);
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            is_in |= (pattern[at]..=pattern[at + 2]).contains(&c);
            at += 3;
        } else {
            is_in |= pattern[at] == c;
            at += 1;
        }
    }
    Some((is_in != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::{escaped, is_open, matches, plain};

    #[test]
    fn stars_sets_and_escapes_match_as_in_sh() {
        for (pattern, text) in [("a*c", "abbc"), ("*", ""), ("[Rr]eg*", "Regular"), ("\\*", "*"), ("[!a]?", "bc")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "abb"), ("\\*", "a"), ("[a-c]", "d"), ("?", ""), ("ab", "abc")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn an_escaped_text_is_only_itself() {
        let text = "a*[b]\\";
        assert!(matches(&escaped(text), text) && !is_open(&escaped(text)));
        assert_eq!(plain(&escaped(text)), text);
    }
}
