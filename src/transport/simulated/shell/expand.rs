//! Words to what they stand for: parameters, outputs of commands, sums, splitting, file names.

use super::super::gap::Gap;
use super::super::programs::Stdin;
use super::pattern::{escaped, is_open, matches, plain};
use super::run::{Shell, Streams};
use super::syntax::{List, Operation, Piece, Word};

/// A word on the way to its fields: patterns in which what is quoted is escaped.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
}

impl Fields {
    fn literal(&mut self, text: &str) {
        self.open.get_or_insert_default().push_str(text);
    }

    fn close(&mut self) {
        self.done.extend(self.open.take());
    }

    /// An unquoted value: white space in it ends a field.
    fn split(&mut self, value: &str) {
        if value.starts_with([' ', '\t', '\n']) {
            self.close();
        }
        let mut words = value.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            self.literal(&word.replace('\\', "\\\\"));
            if words.peek().is_some() || value.ends_with([' ', '\t', '\n']) {
                self.close();
            }
        }
    }
}

impl Shell<'_> {
    /// The arguments that words stand for.
    pub(super) fn arguments(&mut self, words: &[Word], streams: &Streams) -> Result<Vec<String>, Gap> {
        let mut arguments = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            for piece in word {
                self.piece(piece, &mut fields, streams)?;
            }
            fields.close();
            for field in fields.done {
                let found = if !self.no_glob && is_open(&field) { self.glob(&field) } else { Vec::new() };
                if found.is_empty() { arguments.push(plain(&field)) } else { arguments.extend(found) }
            }
        }
        Ok(arguments)
    }

    fn piece(&mut self, piece: &Piece, fields: &mut Fields, streams: &Streams) -> Result<(), Gap> {
        match piece {
            Piece::Text { text, quoted: true } => fields.literal(&escaped(text)),
            Piece::Text { text, quoted: false } => fields.literal(text),
            Piece::Parameter { name, operation: None, quoted: true } if name == "@" => {
                for (i, argument) in self.arguments.clone().iter().enumerate() {
                    if i > 0 {
                        fields.close();
                    }
                    fields.literal(&escaped(argument));
                }
            }
            // The word of an operation keeps its own quotes: `${metric:+metric "$metric"}`.
            Piece::Parameter { name, operation: Some((operation, word)), quoted: false }
                if self.takes_word(name, *operation) =>
            {
                for piece in word {
                    match piece {
                        Piece::Text { text, quoted: false } => fields.split(text),
                        piece => self.piece(piece, fields, streams)?,
                    }
                }
            }
            piece => {
                let (value, quoted) = self.value(piece, streams)?;
                if quoted { fields.literal(&escaped(&value)) } else { fields.split(&value) }
            }
        }
        Ok(())
    }

    fn takes_word(&self, name: &str, operation: Operation) -> bool {
        let value = self.parameter(name);
        match operation {
            Operation::Default { also_empty } => value.is_none_or(|value| also_empty && value.is_empty()),
            Operation::Alternative { also_empty } => value.is_some_and(|value| !also_empty || !value.is_empty()),
            _ => false,
        }
    }

    /// A word as one text, as in assignments.
    pub(super) fn text(&mut self, word: &Word, streams: &Streams) -> Result<String, Gap> {
        let mut text = String::new();
        for piece in word {
            text += &match piece {
                Piece::Text { text, .. } => text.clone(),
                piece => self.value(piece, streams)?.0,
            };
        }
        Ok(text)
    }

    /// A word as a pattern.
    pub(super) fn pattern(&mut self, word: &Word, streams: &Streams) -> Result<String, Gap> {
        let mut pattern = String::new();
        for piece in word {
            pattern += &match piece {
                Piece::Text { text, quoted: false } => text.clone(),
                Piece::Text { text, quoted: true } => escaped(text),
                piece => match self.value(piece, streams)? {
                    (value, true) => escaped(&value),
                    (value, false) => value,
                },
            };
        }
        Ok(pattern)
    }

    fn value(&mut self, piece: &Piece, streams: &Streams) -> Result<(String, bool), Gap> {
        match piece {
            Piece::Text { text, quoted } => Ok((text.clone(), *quoted)),
            Piece::Output { list, quoted } => Ok((self.output(list, streams)?, *quoted)),
            Piece::Sum(word) => {
                let text = self.text(word, streams)?;
                let sum = sum(&text, |name| self.parameter(name))
                    .ok_or_else(|| Gap::new(format!("sh can't work out `$(({text}))`")))?;
                Ok((sum.to_string(), true))
            }
            Piece::Parameter { name, operation, quoted } => {
                Ok((self.substituted(name, operation.as_ref(), streams)?, *quoted))
            }
        }
    }

    fn substituted(
        &mut self,
        name: &str,
        operation: Option<&(Operation, Word)>,
        streams: &Streams,
    ) -> Result<String, Gap> {
        let value = self.parameter(name);
        let Some((operation, word)) = operation else {
            return match value {
                None if self.no_unset => Err(Gap::new(format!("sh has no parameter `{name}` here"))),
                value => Ok(value.unwrap_or_default()),
            };
        };
        Ok(match operation {
            Operation::Default { .. } | Operation::Alternative { .. } if self.takes_word(name, *operation) => {
                self.text(word, streams)?
            }
            Operation::Default { .. } => value.unwrap_or_default(),
            Operation::Alternative { .. } => String::new(),
            Operation::Needed { also_empty } => match value {
                Some(value) if !also_empty || !value.is_empty() => value,
                _ => return Err(Gap::new(format!("sh has no parameter `{name}` here"))),
            },
            Operation::Length => value.unwrap_or_default().chars().count().to_string(),
            Operation::CutStart { longest } => {
                let pattern = self.pattern(word, streams)?;
                cut(&value.unwrap_or_default(), &pattern, true, *longest)
            }
            Operation::CutEnd { longest } => {
                let pattern = self.pattern(word, streams)?;
                cut(&value.unwrap_or_default(), &pattern, false, *longest)
            }
        })
    }

    /// What a list prints, without the newlines at its end.
    fn output(&mut self, list: &List, streams: &Streams) -> Result<String, Gap> {
        let inner = streams.capturing();
        self.in_subshell(|shell| shell.list(list, &inner))?;
        self.substitutions += 1;
        let bytes = inner.out.take_bytes();
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    fn glob(&mut self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        let is_absolute = pattern.starts_with('/');
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            found = found.iter().flat_map(|folder| self.glob_part(folder, part, is_absolute)).collect();
        }
        found
    }

    fn glob_part(&mut self, folder: &str, part: &str, is_absolute: bool) -> Vec<String> {
        let join = |name: &str| match (folder.is_empty(), is_absolute) {
            (true, false) => name.to_owned(),
            _ => format!("{folder}/{name}"),
        };
        if !is_open(part) {
            let path = join(&plain(part));
            return if self.machine.exists(&path) { vec![path] } else { Vec::new() };
        }
        let place = if folder.is_empty() { if is_absolute { "/" } else { "." } } else { folder };
        let names = self.machine.names(place);
        let is_meant = |name: &&String| matches(part, name) && (part.starts_with('.') || !name.starts_with('.'));
        names.iter().filter(is_meant).map(|name| join(name)).collect()
    }
}

fn cut(value: &str, pattern: &str, at_start: bool, longest: bool) -> String {
    let ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    let fits = |at: &&usize| if at_start { matches(pattern, &value[..**at]) } else { matches(pattern, &value[**at..]) };
    // At the start the longest match ends last, at the end it begins first.
    let at = if at_start == longest { ends.iter().rev().find(fits) } else { ends.iter().find(fits) };
    match (at, at_start) {
        (None, _) => value.to_owned(),
        (Some(at), true) => value[*at..].to_owned(),
        (Some(at), false) => value[..*at].to_owned(),
    }
}

/// Sums and differences of whole numbers.
fn sum(text: &str, variable: impl Fn(&str) -> Option<String>) -> Option<i64> {
    let spaced = text.replace('+', " + ").replace('-', " - ");
    let mut words = spaced.split_whitespace();
    let number = |word: &str| word.parse().ok().or_else(|| variable(word)?.trim().parse::<i64>().ok());
    let mut total = number(words.next()?)?;
    while let Some(operator) = words.next() {
        let operand = number(words.next()?)?;
        total = match operator {
            "+" => total.checked_add(operand)?,
            "-" => total.checked_sub(operand)?,
            _ => return None,
        };
    }
    Some(total)
}

/// Standard input that has nothing.
pub(super) fn nothing() -> Stdin {
    Stdin::default()
}
