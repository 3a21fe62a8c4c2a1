//! Programs that print and sift text.

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

pub(super) fn echo(_: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["-n", words @ ..] => said(words.join(" ")),
        words => said(words.join(" ") + "\n"),
    }
}

pub(super) fn printf(_: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let [format, values @ ..] = arguments else { return unknown("printf", arguments) };
    let mut text = String::new();
    let mut values = values.iter();
    loop {
        let before = values.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('\\') => text.push('\\'),
                    _ => return unknown("printf", arguments),
                },
                '%' => match chars.next() {
                    Some('s') => text += values.next().copied().unwrap_or_default(),
                    Some('%') => text.push('%'),
                    _ => return unknown("printf", arguments),
                },
                c => text.push(c),
            }
        }
        if values.len() == 0 || values.len() == before {
            return said(text);
        }
    }
}

/// `grep` with literal patterns (`-F`) and the few regular expressions of labctl's own scripts.
pub(super) fn grep(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let (mut flags, mut pattern, mut paths) = (String::new(), None, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "-e" => pattern = words.next().copied(),
            "--" => {}
            word if word.starts_with('-') && pattern.is_none() && paths.is_empty() => {
                let letters = word.trim_start_matches('-');
                flags += letters.trim_end_matches('e');
                if letters.ends_with('e') {
                    pattern = words.next().copied();
                }
            }
            word if pattern.is_none() => pattern = Some(word),
            word => paths.push(word),
        }
    }
    let (Some(pattern), true) = (pattern, flags.chars().all(|flag| "EFHnqsxv".contains(flag))) else {
        return unknown("grep", arguments);
    };
    let Some(choices) = choices(pattern, flags.contains('F'), flags.contains('E')) else {
        return unknown("grep", arguments);
    };
    let mut texts = Vec::new();
    let mut complaints = String::new();
    if paths.is_empty() {
        texts.push((None, String::from_utf8_lossy(&stdin.rest()).into_owned()));
    }
    for path in paths {
        match machine.read(path) {
            Some(bytes) => texts.push((Some(path), String::from_utf8_lossy(&bytes).into_owned())),
            None if flags.contains('s') => complaints.push(' '),
            None => complaints += &format!("grep: {path}: No such file or directory\n"),
        }
    }
    let mut found = String::new();
    for (path, text) in &texts {
        for (number, line) in text.lines().enumerate() {
            if choices.iter().any(|choice| choice.fits(line, flags.contains('x'))) != flags.contains('v') {
                found += &path.filter(|_| flags.contains('H')).map(|path| format!("{path}:")).unwrap_or_default();
                found += &if flags.contains('n') { format!("{}:", number + 1) } else { String::new() };
                found += &format!("{line}\n");
            }
        }
    }
    let code = match (found.is_empty(), complaints.is_empty()) {
        (_, false) => 2,
        (false, true) => 0,
        (true, true) => 1,
    };
    let stdout = if flags.contains('q') { Vec::new() } else { found.into_bytes() };
    Ok(Output { stdout, stderr: complaints.trim().to_owned(), code })
}

/// A pattern that `grep` was given, as far as the simulation knows such.
enum Choice<'a> {
    Text(&'a str),
    Anything,
    /// `^[[:space:]]*[^#;[:space:]]`: a line that says something.
    Content,
}

impl Choice<'_> {
    fn fits(&self, line: &str, whole: bool) -> bool {
        match self {
            Self::Text(text) if whole => line == *text,
            Self::Text(text) => line.contains(text),
            Self::Anything => !line.is_empty(),
            Self::Content => line.trim_start().chars().next().is_some_and(|c| !"#;".contains(c)),
        }
    }
}

fn choices(pattern: &str, literal: bool, extended: bool) -> Option<Vec<Choice<'_>>> {
    match pattern {
        _ if literal => Some(vec![Choice::Text(pattern)]),
        "." => Some(vec![Choice::Anything]),
        "^[[:space:]]*[^#;[:space:]]" => Some(vec![Choice::Content]),
        _ => {
            let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_ /:=,@".contains(c));
            let words: Vec<&str> = if extended { pattern.split('|').collect() } else { vec![pattern] };
            words.iter().all(|word| is_plain(word)).then(|| words.into_iter().map(Choice::Text).collect())
        }
    }
}

/// `tail -n N`.
pub(super) fn tail(_: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let ["-n", number] = arguments else { return unknown("tail", arguments) };
    let Ok(number) = number.parse::<usize>() else { return unknown("tail", arguments) };
    let text = String::from_utf8_lossy(&stdin.rest()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(number)..];
    said(last.iter().map(|line| format!("{line}\n")).collect::<String>())
}

/// `cut -d C -f N [FILE]`.
pub(super) fn cut(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let (mut delimiter, mut field, mut path) = ("\t", None, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.strip_prefix("-d"), word.strip_prefix("-f")) {
            (Some(rest), _) => delimiter = if rest.is_empty() { words.next().copied().unwrap_or(" ") } else { rest },
            (_, Some(rest)) => field = if rest.is_empty() { words.next().copied() } else { Some(rest) },
            _ if path.is_none() && !word.starts_with('-') => path = Some(*word),
            _ => return unknown("cut", arguments),
        }
    }
    let number = |field: &str| field.parse::<usize>().ok().filter(|field| *field > 0);
    let Some(fields) = field.and_then(|list| list.split(',').map(number).collect::<Option<Vec<_>>>()) else {
        return unknown("cut", arguments);
    };
    let text = match path {
        None => stdin.rest(),
        Some(path) => match machine.read(path) {
            Some(bytes) => bytes,
            None => return failed(1, format!("cut: {path}: No such file or directory")),
        },
    };
    let pick = |line: &str| {
        let all: Vec<&str> = line.split(delimiter).collect();
        let chosen = || all.iter().enumerate().filter(|(at, _)| fields.contains(&(at + 1))).map(|(_, field)| *field);
        if all.len() == 1 { line.to_owned() } else { chosen().collect::<Vec<_>>().join(delimiter) }
    };
    said(String::from_utf8_lossy(&text).lines().map(|line| pick(line) + "\n").collect::<String>())
}

/// `tr -s C`, `tr -d C`, `tr A B`, of single characters.
pub(super) fn tr(_: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let one = |word: &str| match word {
        "\\n" => Some('\n'),
        "\\t" => Some('\t'),
        word => Some(word.chars().next()?).filter(|_| word.chars().count() == 1),
    };
    let text = String::from_utf8_lossy(&stdin.rest()).into_owned();
    match arguments {
        ["-s", set] if one(set).is_some() => {
            let c = one(set);
            let mut last = None;
            let kept = text.chars().filter(|next| {
                let is_more = Some(*next) == c && last == c;
                last = Some(*next);
                !is_more
            });
            said(kept.collect::<String>())
        }
        ["-d", set] if one(set).is_some() => said(text.chars().filter(|c| Some(*c) != one(set)).collect::<String>()),
        [from, to] => match (one(from), one(to)) {
            (Some(from), Some(to)) => said(text.replace(from, &to.to_string())),
            _ => unknown("tr", arguments),
        },
        [] => done(),
        _ => unknown("tr", arguments),
    }
}
