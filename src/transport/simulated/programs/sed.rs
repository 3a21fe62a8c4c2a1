//! `sed` with the few `s` commands of labctl's own scripts.

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::{Stdin, failed, said, unknown};
use crate::observe::Output;

/// The left side of a substitution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern<'a> {
    /// `^`
    Start,
    /// A plain text, at the end of the line where it ends in `$`.
    Text { text: &'a str, is_at_end: bool },
    /// One or more of a character: `cc*`.
    Run(char),
}

/// One command.
#[derive(Debug, Clone, Copy)]
struct Substitution<'a> {
    from: Pattern<'a>,
    to: &'a str,
    is_global: bool,
}

impl<'a> Substitution<'a> {
    /// Nothing where it is beyond the simulation.
    fn parse(command: &'a str) -> Option<Self> {
        let rest = command.trim().strip_prefix('s')?;
        let separator = rest.chars().next()?;
        let fields: Vec<&str> = rest[separator.len_utf8()..].split(separator).collect();
        let [from, to, flags @ ("" | "g")] = fields[..] else { return None };
        if to.contains(['&', '\\']) {
            return None;
        }
        Some(Self { from: Pattern::parse(from)?, to, is_global: flags == "g" })
    }

    fn on(&self, line: &str) -> String {
        match self.from {
            Pattern::Start => format!("{}{line}", self.to),
            Pattern::Text { text, is_at_end: true } => {
                line.strip_suffix(text).map_or_else(|| line.to_owned(), |start| format!("{start}{}", self.to))
            }
            Pattern::Text { text, .. } if self.is_global => line.replace(text, self.to),
            Pattern::Text { text, .. } => line.replacen(text, self.to, 1),
            Pattern::Run(c) => {
                let (mut changed, mut rest) = (String::new(), line);
                while let Some(at) = rest.find(c) {
                    changed += &rest[..at];
                    changed += self.to;
                    rest = rest[at..].trim_start_matches(c);
                    if !self.is_global {
                        break;
                    }
                }
                changed + rest
            }
        }
    }
}

impl<'a> Pattern<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        if text == "^" {
            return Some(Self::Start);
        }
        if let [one, same, '*'] = letters.as_slice()
            && one == same
            && !".[]^$*\\".contains(*one)
        {
            return Some(Self::Run(*one));
        }
        let (plain, is_at_end) = text.strip_suffix('$').map_or((text, false), |plain| (plain, true));
        let is_plain = !plain.is_empty() && !plain.contains(['*', '[', '^', '$', '\\', '.']);
        is_plain.then_some(Self::Text { text: plain, is_at_end })
    }
}

pub(super) fn sed(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let (script, text) = match arguments {
        [script] => (script, stdin.rest()),
        [script, path] => match machine.read(path) {
            Some(bytes) => (script, bytes),
            None => return failed(2, format!("sed: can't read {path}: No such file or directory")),
        },
        _ => return unknown("sed", arguments),
    };
    let Some(commands) = script.split(';').map(Substitution::parse).collect::<Option<Vec<_>>>() else {
        return unknown("sed", arguments);
    };
    let line = |line: &str| commands.iter().fold(line.to_owned(), |line, command| command.on(&line)) + "\n";
    said(String::from_utf8_lossy(&text).lines().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::Substitution;

    #[test]
    fn substitutions_are_those_that_are_known_and_no_guesses() {
        let on = |command, line| Substitution::parse(command).map(|it| it.on(line));
        assert_eq!(on("s/  */ /g", "a   b  c").as_deref(), Some("a b c"));
        assert_eq!(on("s/  */ /", "a   b  c").as_deref(), Some("a b  c"));
        assert_eq!(on(" s/ $//", "a b ").as_deref(), Some("a b"));
        assert_eq!(on("s,^,> ,", "a").as_deref(), Some("> a"));
        assert_eq!(on("s/b/x/g", "abcb").as_deref(), Some("axcx"));
        assert_eq!((on("s/a.b/x/", "a.b"), on("s/[a]/x/", "a"), on("d", "a")), (None, None, None));
    }
}
