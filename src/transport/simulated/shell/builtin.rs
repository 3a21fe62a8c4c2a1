//! What the simulated shell does itself.

use super::super::gap::Gap;
use super::run::{Flow, Shell, Streams};

/// Programs that are part of the shell, by name.
const NAMES: [&str; 20] = [
    ":", "true", "false", "echo", "printf", "[", "test", "read", "set", "shift", "return", "exit", "break", "continue",
    "export", "umask", "command", "unset", "trap", "cd",
];

impl Shell<'_> {
    /// Runs a builtin; nothing where the name is none.
    pub(super) fn builtin(&mut self, argv: &[String], streams: &Streams) -> Result<Option<Flow>, Gap> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let next = |code: bool| Ok(Some(Flow::Next(u32::from(!code))));
        match words.as_slice() {
            [":" | "true", ..] => next(true),
            ["false", ..] => next(false),
            ["read", names @ ..] => {
                let is_line = self.read(names, streams)?;
                next(is_line)
            }
            ["set", options @ ..] => {
                self.set(options)?;
                next(true)
            }
            ["shift"] => {
                let is_there = !self.arguments.is_empty();
                self.arguments.drain(..usize::from(is_there));
                next(is_there)
            }
            ["return"] => Ok(Some(Flow::Return(self.status))),
            ["return", code] => Ok(Some(Flow::Return(number(code)?))),
            ["exit"] => Ok(Some(Flow::Exit(self.status))),
            ["exit", code] => Ok(Some(Flow::Exit(number(code)?))),
            ["break"] => Ok(Some(Flow::Break)),
            ["continue"] => Ok(Some(Flow::Continue)),
            ["export", names @ ..] => {
                for assignment in names.iter().filter_map(|name| name.split_once('=')) {
                    self.variables.insert(assignment.0.to_owned(), assignment.1.to_owned());
                }
                next(true)
            }
            ["unset", names @ ..] => {
                names.iter().for_each(|name| drop(self.variables.remove(*name)));
                next(true)
            }
            ["umask", _] => next(true),
            ["command", "-v", rest @ ..] => {
                let Some(name) = rest.iter().find(|word| **word != "--") else { return next(false) };
                let is_there = NAMES.contains(name) || self.has_function(name) || self.machine.has_program(name);
                if is_there {
                    streams.out.push(format!("{name}\n").as_bytes());
                }
                Ok(Some(Flow::Next(if is_there { 0 } else { 127 })))
            }
            ["trap" | "cd" | "command" | "umask" | "shift" | "return" | "exit", ..] => {
                Err(Gap::new(format!("sh has no `{}`", words.join(" "))))
            }
            _ => Ok(None),
        }
    }

    /// `read -r NAME…`: a line's words, the last name taking all that is left. False at the end of the input.
    fn read(&mut self, names: &[&str], streams: &Streams) -> Result<bool, Gap> {
        let ["-r", names @ ..] = names else { return Err(Gap::new("sh reads with `-r` alone")) };
        let line = streams.input.borrow_mut().line();
        let is_split = self.variables.get("IFS").is_none_or(|separators| !separators.is_empty());
        let mut rest = line.clone().unwrap_or_default();
        if is_split {
            rest = rest.trim().to_owned();
        }
        for (i, name) in names.iter().enumerate() {
            let value = if i + 1 == names.len() || !is_split {
                std::mem::take(&mut rest)
            } else {
                let end = rest.find([' ', '\t']).unwrap_or(rest.len());
                let value = rest[..end].to_owned();
                rest = rest[end..].trim_start().to_owned();
                value
            };
            self.variables.insert((*name).to_owned(), value);
        }
        Ok(line.is_some())
    }

    fn set(&mut self, options: &[&str]) -> Result<(), Gap> {
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                "-f" => self.no_glob = true,
                "+f" => self.no_glob = false,
                "-u" => self.no_unset = true,
                "+u" => self.no_unset = false,
                "--" => {
                    self.arguments = options.map(|word| (*word).to_owned()).collect();
                    return Ok(());
                }
                other => return Err(Gap::new(format!("sh has no `set {other}`"))),
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<u32, Gap> {
    text.parse().map_err(|_| Gap::new(format!("sh takes `{text}` for no number")))
}
