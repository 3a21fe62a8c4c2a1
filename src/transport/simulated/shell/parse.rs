//! Text to syntax. What the simulated shell does not know is said with the words that it stumbled over.

use std::sync::Arc;

use super::super::gap::Gap;
use super::syntax::{Command, Form, Joint, List, Operation, Piece, Pipeline, Redirection, Statement, Target, Word};

/// Reads a script.
pub(super) fn parse(text: &str) -> Result<List, Gap> {
    let mut parser = Parser { text: text.chars().collect(), at: 0 };
    let list = parser.list(&[])?;
    match parser.peek() {
        None => Ok(list),
        Some(_) => Err(parser.stumble()),
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

const RESERVED: [&str; 13] =
    ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "for", "case", "esac", "}"];

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn starts(&self, words: &str) -> bool {
        words.chars().enumerate().all(|(i, c)| self.text.get(self.at + i) == Some(&c))
    }

    fn take(&mut self, words: &str) -> bool {
        let is_there = self.starts(words);
        if is_there {
            self.at += words.chars().count();
        }
        is_there
    }

    fn stumble(&self) -> Gap {
        let words: String = self.text[self.at.min(self.text.len())..].iter().take(30).collect();
        Gap::new(format!("sh does not understand `{}`", words.trim()))
    }

    fn expect(&mut self, words: &str) -> Result<(), Gap> {
        if self.take(words) { Ok(()) } else { Err(self.stumble()) }
    }

    fn blanks(&mut self) {
        loop {
            if self.take("\\\n") {
                continue;
            }
            match self.peek() {
                Some(' ' | '\t') => self.at += 1,
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn lines(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some('\n') {
                return;
            }
            self.at += 1;
        }
    }

    /// The word of letters that begins here, without taking it.
    fn next_word(&self) -> String {
        let is_end = |c: char| c.is_whitespace() || ";&|<>()".contains(c);
        self.text[self.at..].iter().take_while(|c| !is_end(**c)).collect()
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.lines();
        self.next_word() == word && self.take(word)
    }

    fn need(&mut self, word: &str) -> Result<(), Gap> {
        if self.keyword(word) { Ok(()) } else { Err(self.stumble()) }
    }

    /// Statements until one of the words that end them, a `)`, `;;` or the end of the text.
    fn list(&mut self, ends: &[&str]) -> Result<List, Gap> {
        let mut list = Vec::new();
        loop {
            self.lines();
            let next = self.next_word();
            if self.peek().is_none() || self.starts(")") || self.starts(";;") || ends.contains(&next.as_str()) {
                return Ok(list);
            }
            list.push(self.statement()?);
            self.blanks();
            if !self.starts(";;") && !self.take(";") && self.peek() != Some('\n') {
                self.blanks();
                let next = self.next_word();
                let is_end = self.peek().is_none() || self.starts(")") || ends.contains(&next.as_str());
                if !is_end {
                    return Err(self.stumble());
                }
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, Gap> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let joint = if self.take("&&") {
                Joint::And
            } else if self.take("||") {
                Joint::Or
            } else {
                return Ok(Statement { first, rest });
            };
            self.lines();
            rest.push((joint, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Gap> {
        self.blanks();
        let negated = self.next_word() == "!" && self.take("!");
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.starts("||") || !self.take("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.lines();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command, Gap> {
        self.blanks();
        let next = self.next_word();
        let form = match next.as_str() {
            "{" => {
                self.expect("{")?;
                let list = self.list(&["}"])?;
                self.need("}")?;
                Form::Group(list)
            }
            "if" => self.conditional()?,
            "while" | "until" => {
                self.expect(&next)?;
                let condition = self.list(&["do"])?;
                let body = self.block()?;
                Form::Loop { until: next == "until", condition, body }
            }
            "for" => self.iteration()?,
            "case" => self.cases()?,
            _ if self.take("(") => {
                let list = self.list(&[])?;
                self.expect(")")?;
                Form::Subshell(list)
            }
            word if RESERVED.contains(&word) => return Err(self.stumble()),
            word if is_name(word) && self.text[self.at + word.len()..].starts_with(&['(', ')']) => {
                let name = word.to_owned();
                self.expect(&format!("{name}()"))?;
                self.lines();
                let body = Arc::new(self.command()?);
                return Ok(Command { form: Form::Function { name, body }, redirections: Vec::new() });
            }
            _ => return self.simple(),
        };
        let mut redirections = Vec::new();
        while let Some(redirection) = self.redirection()? {
            redirections.push(redirection);
        }
        Ok(Command { form, redirections })
    }

    fn block(&mut self) -> Result<List, Gap> {
        self.need("do")?;
        let body = self.list(&["done"])?;
        self.need("done")?;
        Ok(body)
    }

    fn conditional(&mut self) -> Result<Form, Gap> {
        self.expect("if")?;
        let mut arms = Vec::new();
        loop {
            let condition = self.list(&["then"])?;
            self.need("then")?;
            arms.push((condition, self.list(&["elif", "else", "fi"])?));
            if !self.keyword("elif") {
                break;
            }
        }
        let otherwise = if self.keyword("else") { self.list(&["fi"])? } else { Vec::new() };
        self.need("fi")?;
        Ok(Form::If { arms, otherwise })
    }

    fn iteration(&mut self) -> Result<Form, Gap> {
        self.expect("for")?;
        self.blanks();
        let name = self.next_word();
        self.expect(&name)?;
        self.lines();
        let words = if self.keyword("in") {
            let mut words = Vec::new();
            self.blanks();
            while let Some(word) = self.word()? {
                words.push(word);
                self.blanks();
            }
            Some(words)
        } else {
            None
        };
        self.blanks();
        self.take(";");
        Ok(Form::For { name, words, body: self.block()? })
    }

    fn cases(&mut self) -> Result<Form, Gap> {
        self.expect("case")?;
        self.blanks();
        let word = self.word()?.ok_or_else(|| self.stumble())?;
        self.need("in")?;
        let mut arms = Vec::new();
        while !self.keyword("esac") {
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?.ok_or_else(|| self.stumble())?);
                self.blanks();
                if !self.take("|") {
                    break;
                }
            }
            self.expect(")")?;
            let list = self.list(&["esac"])?;
            self.lines();
            self.take(";;");
            arms.push((patterns, list));
        }
        Ok(Form::Case { word, arms })
    }

    fn simple(&mut self) -> Result<Command, Gap> {
        let (mut assignments, mut words, mut redirections) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            if words.is_empty()
                && let Some((name, _)) = self.next_word().split_once('=')
                && is_name(name)
            {
                self.expect(&format!("{name}="))?;
                let value = self.word()?.unwrap_or_default();
                assignments.push((name.to_owned(), value));
                continue;
            }
            match self.word()? {
                Some(word) => words.push(word),
                None if assignments.is_empty() && words.is_empty() && redirections.is_empty() => {
                    return Err(self.stumble());
                }
                None => return Ok(Command { form: Form::Simple { assignments, words }, redirections }),
            }
        }
    }

    fn redirection(&mut self) -> Result<Option<Redirection>, Gap> {
        self.blanks();
        let start = self.at;
        let digits: String = self.text[self.at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        self.at += digits.len();
        let default = match self.peek() {
            Some('<') => 0,
            Some('>') => 1,
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        let descriptor = digits.parse().unwrap_or(default);
        if self.starts("<<") {
            return Err(self.stumble());
        }
        let to = if self.take(">&") || self.take("<&") {
            let word = self.next_word();
            self.expect(&word)?;
            match word.as_str() {
                "-" => Target::Closed,
                number => Target::Descriptor(number.parse().map_err(|_| self.stumble())?),
            }
        } else {
            let (read, append) = (self.starts("<"), self.starts(">>"));
            self.at += if append { 2 } else { 1 };
            self.blanks();
            let word = self.word()?.ok_or_else(|| self.stumble())?;
            match (read, append) {
                (true, _) => Target::Read(word),
                (_, true) => Target::Append(word),
                _ => Target::Write(word),
            }
        };
        Ok(Some(Redirection { descriptor, to }))
    }

    /// The word that begins here; none where an operator or the end does.
    fn word(&mut self) -> Result<Option<Word>, Gap> {
        let start = self.at;
        let word = self.pieces(&|c: char| c.is_whitespace() || ";&|<>()".contains(c), false)?;
        Ok((self.at > start).then_some(word))
    }

    /// Pieces until a character that ends them, unquoted or within double quotes.
    fn pieces(&mut self, is_end: &dyn Fn(char) -> bool, quoted: bool) -> Result<Word, Gap> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if is_end(c) {
                break;
            }
            match c {
                '$' if self.begins_expansion() => {
                    flush(&mut text, quoted, &mut pieces);
                    pieces.push(self.expansion(quoted)?);
                }
                '`' => return Err(self.stumble()),
                '\'' if !quoted => {
                    flush(&mut text, quoted, &mut pieces);
                    self.at += 1;
                    let end = self.text[self.at..].iter().position(|c| *c == '\'').ok_or_else(|| self.stumble())?;
                    let inner = self.text[self.at..self.at + end].iter().collect();
                    pieces.push(Piece::Text { text: inner, quoted: true });
                    self.at += end + 1;
                }
                '"' => {
                    flush(&mut text, quoted, &mut pieces);
                    self.at += 1;
                    let inner = self.pieces(&|c: char| c == '"', true)?;
                    self.expect("\"")?;
                    if inner.is_empty() {
                        pieces.push(Piece::Text { text: String::new(), quoted: true });
                    }
                    pieces.extend(inner);
                }
                '\\' => self.backslash(quoted, &mut text, &mut pieces),
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        flush(&mut text, quoted, &mut pieces);
        Ok(pieces)
    }

    fn backslash(&mut self, quoted: bool, text: &mut String, pieces: &mut Word) {
        self.at += 1;
        let Some(next) = self.peek() else { return text.push('\\') };
        self.at += 1;
        match next {
            '\n' => {}
            next if quoted && !"$`\"\\".contains(next) => text.extend(['\\', next]),
            next => {
                flush(text, quoted, pieces);
                pieces.push(Piece::Text { text: next.to_string(), quoted: true });
            }
        }
    }

    fn begins_expansion(&self) -> bool {
        self.text.get(self.at + 1).is_some_and(|c| c.is_ascii_alphanumeric() || "_({#@*?$".contains(*c))
    }

    fn expansion(&mut self, quoted: bool) -> Result<Piece, Gap> {
        self.expect("$")?;
        if self.take("((") {
            let mut sum = Vec::new();
            while !self.starts("))") {
                // A bracket of the sum itself is no end: only the pair is.
                let mut part = self.pieces(&|c: char| c == ')', true)?;
                sum.append(&mut part);
                if !self.starts("))") {
                    self.expect(")")?;
                    sum.push(Piece::Text { text: ")".to_owned(), quoted: true });
                }
            }
            self.expect("))")?;
            return Ok(Piece::Sum(sum));
        }
        if self.take("(") {
            let list = self.list(&[])?;
            self.expect(")")?;
            return Ok(Piece::Output { list, quoted });
        }
        if self.take("{") {
            return self.braced(quoted);
        }
        let name = self.parameter_name();
        if name.is_empty() { Err(self.stumble()) } else { Ok(Piece::Parameter { name, operation: None, quoted }) }
    }

    fn parameter_name(&mut self) -> String {
        let first = self.peek().unwrap_or(' ');
        let length = if first.is_ascii_alphabetic() || first == '_' {
            self.text[self.at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count()
        } else {
            usize::from("@*#?$".contains(first) || first.is_ascii_digit())
        };
        let name = self.text[self.at..self.at + length].iter().collect();
        self.at += length;
        name
    }

    fn braced(&mut self, quoted: bool) -> Result<Piece, Gap> {
        if self.starts("#") && !self.starts("#}") {
            self.at += 1;
            let name = self.parameter_name();
            self.expect("}")?;
            return Ok(Piece::Parameter { name, operation: Some((Operation::Length, Vec::new())), quoted });
        }
        let name = self.parameter_name();
        if self.take("}") {
            return Ok(Piece::Parameter { name, operation: None, quoted });
        }
        let also_empty = self.take(":");
        let operation = if self.take("-") {
            Operation::Default { also_empty }
        } else if self.take("+") {
            Operation::Alternative { also_empty }
        } else if self.take("?") {
            Operation::Needed { also_empty }
        } else if !also_empty && self.take("##") {
            Operation::CutStart { longest: true }
        } else if !also_empty && self.take("#") {
            Operation::CutStart { longest: false }
        } else if !also_empty && self.take("%%") {
            Operation::CutEnd { longest: true }
        } else if !also_empty && self.take("%") {
            Operation::CutEnd { longest: false }
        } else {
            return Err(self.stumble());
        };
        let is_cut = matches!(operation, Operation::CutStart { .. } | Operation::CutEnd { .. });
        let word = self.pieces(&|c: char| c == '}', quoted && !is_cut)?;
        self.expect("}")?;
        Ok(Piece::Parameter { name, operation: Some((operation, word)), quoted })
    }
}

fn flush(text: &mut String, quoted: bool, pieces: &mut Word) {
    if !text.is_empty() {
        pieces.push(Piece::Text { text: std::mem::take(text), quoted });
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
