//! Runs the syntax: control flow, redirections, subshells, functions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::programs::Stdin;
use super::expand::nothing;
use super::pattern::matches;
use super::syntax::{Command, Form, Joint, List, Pipeline, Redirection, Statement, Target, Word};
use crate::observe::Output;

/// Commands that a script may run before it is taken for one that never ends.
const FUEL: u32 = 200_000;

/// What collects what is printed.
#[derive(Debug, Clone, Default)]
pub(super) struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    pub(super) fn push(&self, bytes: &[u8]) {
        self.0.borrow_mut().extend_from_slice(bytes);
    }

    pub(super) fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// Where a command reads from and prints to.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    pub(super) input: Rc<RefCell<Stdin>>,
    pub(super) out: Sink,
    pub(super) err: Sink,
}

impl Streams {
    /// The same with an output of its own, which is read afterwards.
    pub(super) fn capturing(&self) -> Self {
        Self { out: Sink::default(), ..self.clone() }
    }

    fn reading(&self, bytes: Vec<u8>) -> Self {
        Self { input: Rc::new(RefCell::new(Stdin::new(bytes))), ..self.clone() }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next(u32),
    Return(u32),
    Exit(u32),
    Break,
    Continue,
}

/// A shell at work on a machine.
pub(super) struct Shell<'m> {
    pub(super) machine: &'m mut Machine,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) arguments: Vec<String>,
    pub(super) zero: String,
    pub(super) no_glob: bool,
    pub(super) no_unset: bool,
    pub(super) status: u32,
    /// Commands that were run for what they print.
    pub(super) substitutions: u32,
    functions: BTreeMap<String, Arc<Command>>,
    fuel: u32,
}

impl<'m> Shell<'m> {
    pub(super) fn new(machine: &'m mut Machine, zero: &str, arguments: &[String]) -> Self {
        Self {
            machine,
            variables: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            arguments: arguments.to_vec(),
            zero: zero.to_owned(),
            no_glob: false,
            no_unset: false,
            status: 0,
            substitutions: 0,
            functions: BTreeMap::new(),
            fuel: FUEL,
        }
    }

    /// Runs a whole script.
    pub(super) fn run(&mut self, list: &List, stdin: &mut Stdin) -> Result<Output, Gap> {
        let input = Rc::new(RefCell::new(std::mem::take(stdin)));
        let streams = Streams { input, out: Sink::default(), err: Sink::default() };
        let code = match self.list(list, &streams)? {
            Flow::Next(code) | Flow::Return(code) | Flow::Exit(code) => code,
            Flow::Break | Flow::Continue => 0,
        };
        let stderr = String::from_utf8_lossy(&streams.err.take_bytes()).into_owned();
        Ok(Output { stdout: streams.out.take_bytes(), stderr, code })
    }

    /// A parameter's value, where it has one.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "@" | "*" => Some(self.arguments.join(" ")),
            "#" => Some(self.arguments.len().to_string()),
            "?" => Some(self.status.to_string()),
            "$" => Some("4242".to_owned()),
            "0" => Some(self.zero.clone()),
            digit if digit.chars().all(|c| c.is_ascii_digit()) => {
                let place: usize = digit.parse().ok()?;
                self.arguments.get(place.checked_sub(1)?).cloned()
            }
            name => self.variables.get(name).cloned(),
        }
    }

    pub(super) fn list(&mut self, statements: &List, streams: &Streams) -> Result<Flow, Gap> {
        let mut last = 0;
        for statement in statements {
            match self.statement(statement, streams)? {
                Flow::Next(code) => last = code,
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next(last))
    }

    fn statement(&mut self, statement: &Statement, streams: &Streams) -> Result<Flow, Gap> {
        let mut flow = self.pipeline(&statement.first, streams)?;
        for (joint, pipeline) in &statement.rest {
            let Flow::Next(code) = flow else { return Ok(flow) };
            if (code == 0) == (*joint == Joint::And) {
                flow = self.pipeline(pipeline, streams)?;
            }
        }
        Ok(flow)
    }

    fn pipeline(&mut self, pipeline: &Pipeline, streams: &Streams) -> Result<Flow, Gap> {
        let flow = match pipeline.commands.as_slice() {
            [command] => self.command(command, streams)?,
            [commands @ .., last] => {
                let mut input = streams.clone();
                for command in commands {
                    let stage = input.capturing();
                    self.in_subshell(|shell| shell.command(command, &stage))?;
                    input = streams.reading(stage.out.take_bytes());
                }
                Flow::Next(self.in_subshell(|shell| shell.command(last, &input))?)
            }
            [] => Flow::Next(0),
        };
        let flow = match flow {
            Flow::Next(code) if pipeline.negated => Flow::Next(u32::from(code == 0)),
            flow => flow,
        };
        if let Flow::Next(code) = flow {
            self.status = code;
        }
        Ok(flow)
    }

    /// Runs something whose variables and options don't outlive it.
    pub(super) fn in_subshell(&mut self, work: impl FnOnce(&mut Self) -> Result<Flow, Gap>) -> Result<u32, Gap> {
        let kept =
            (self.variables.clone(), self.arguments.clone(), self.no_glob, self.no_unset, self.functions.clone());
        let flow = work(self);
        (self.variables, self.arguments, self.no_glob, self.no_unset, self.functions) = kept;
        let code = match flow? {
            Flow::Next(code) | Flow::Return(code) | Flow::Exit(code) => code,
            Flow::Break | Flow::Continue => 0,
        };
        self.status = code;
        Ok(code)
    }

    fn command(&mut self, command: &Command, streams: &Streams) -> Result<Flow, Gap> {
        self.fuel = self.fuel.checked_sub(1).ok_or_else(|| Gap::new("sh ran a script that does not end"))?;
        let mut files = Vec::new();
        let streams = match self.redirected(&command.redirections, streams, &mut files)? {
            Ok(streams) => streams,
            Err(complaint) => {
                streams.err.push(format!("sh: {complaint}\n").as_bytes());
                return Ok(Flow::Next(2));
            }
        };
        let flow = self.form(&command.form, &streams)?;
        for (path, sink) in files {
            self.machine.append(&path, &sink.take_bytes());
        }
        Ok(flow)
    }

    /// The streams after redirections; files that are written are filled when the command is over.
    fn redirected(
        &mut self,
        redirections: &[Redirection],
        streams: &Streams,
        files: &mut Vec<(String, Sink)>,
    ) -> Result<Result<Streams, String>, Gap> {
        let mut streams = streams.clone();
        for redirection in redirections {
            let sink = match &redirection.to {
                Target::Read(word) => {
                    let path = self.text(word, &streams)?;
                    match self.machine.read(&path) {
                        Some(bytes) => streams.input = Rc::new(RefCell::new(Stdin::new(bytes))),
                        None => return Ok(Err(format!("cannot open {path}: No such file"))),
                    }
                    continue;
                }
                Target::Descriptor(1) => streams.out.clone(),
                Target::Descriptor(2) => streams.err.clone(),
                Target::Closed if redirection.descriptor > 2 => continue,
                Target::Closed => Sink::default(),
                Target::Descriptor(other) => return Err(Gap::new(format!("sh has no descriptor {other}"))),
                Target::Write(word) | Target::Append(word) => {
                    let path = self.text(word, &streams)?;
                    let sink = Sink::default();
                    if path != "/dev/null" {
                        let truncate = matches!(redirection.to, Target::Write(_));
                        if let Err(complaint) = self.machine.open_for_writing(&path, truncate) {
                            return Ok(Err(complaint));
                        }
                        files.push((path, sink.clone()));
                    }
                    sink
                }
            };
            match redirection.descriptor {
                1 => streams.out = sink,
                2 => streams.err = sink,
                other => return Err(Gap::new(format!("sh has no descriptor {other}"))),
            }
        }
        Ok(Ok(streams))
    }

    fn form(&mut self, form: &Form, streams: &Streams) -> Result<Flow, Gap> {
        match form {
            Form::Simple { assignments, words } => self.simple(assignments, words, streams),
            Form::Group(list) => self.list(list, streams),
            Form::Subshell(list) => Ok(Flow::Next(self.in_subshell(|shell| shell.list(list, streams))?)),
            Form::If { arms, otherwise } => {
                for (condition, body) in arms {
                    match self.list(condition, streams)? {
                        Flow::Next(0) => return self.list(body, streams),
                        Flow::Next(_) => {}
                        flow => return Ok(flow),
                    }
                }
                self.list(otherwise, streams)
            }
            Form::Loop { until, condition, body } => loop {
                match self.list(condition, streams)? {
                    Flow::Next(code) if (code == 0) == *until => return Ok(Flow::Next(0)),
                    Flow::Next(_) => {}
                    flow => return Ok(flow),
                }
                if let Some(flow) = after_round(self.list(body, streams)?) {
                    return Ok(flow);
                }
            },
            Form::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.arguments(words, streams)?,
                    None => self.arguments.clone(),
                };
                for value in values {
                    self.variables.insert(name.clone(), value);
                    if let Some(flow) = after_round(self.list(body, streams)?) {
                        return Ok(flow);
                    }
                }
                Ok(Flow::Next(0))
            }
            Form::Case { word, arms } => {
                let text = self.text(word, streams)?;
                for (patterns, body) in arms {
                    for pattern in patterns {
                        if matches(&self.pattern(pattern, streams)?, &text) {
                            return self.list(body, streams);
                        }
                    }
                }
                Ok(Flow::Next(0))
            }
            Form::Function { name, body } => {
                self.functions.insert(name.clone(), Arc::clone(body));
                Ok(Flow::Next(0))
            }
        }
    }

    fn simple(&mut self, assignments: &[(String, Word)], words: &[Word], streams: &Streams) -> Result<Flow, Gap> {
        let argv = self.arguments(words, streams)?;
        let mut before = Vec::new();
        let substitutions = self.substitutions;
        for (name, word) in assignments {
            let value = self.text(word, streams)?;
            before.push((name.clone(), self.variables.insert(name.clone(), value)));
        }
        let Some(name) = argv.first() else {
            // An assignment's status is that of the command in it.
            let status = if self.substitutions == substitutions { 0 } else { self.status };
            return Ok(Flow::Next(status));
        };
        let flow = if let Some(body) = self.functions.get(name).cloned() {
            let kept = std::mem::replace(&mut self.arguments, argv[1..].to_vec());
            let flow = self.command(&body, streams);
            self.arguments = kept;
            match flow? {
                Flow::Return(code) => Flow::Next(code),
                flow => flow,
            }
        } else if let Some(flow) = self.builtin(&argv, streams)? {
            flow
        } else {
            Flow::Next(self.program(&argv, streams)?)
        };
        for (name, value) in before {
            match value {
                Some(value) => self.variables.insert(name, value),
                None => self.variables.remove(&name),
            };
        }
        Ok(flow)
    }

    /// Runs a program of the machine.
    pub(super) fn program(&mut self, argv: &[String], streams: &Streams) -> Result<u32, Gap> {
        let mut stdin = std::mem::replace(&mut *streams.input.borrow_mut(), nothing());
        let output = self.machine.run(argv, &mut stdin);
        *streams.input.borrow_mut() = stdin;
        let output = output?;
        streams.out.push(&output.stdout);
        streams.err.push(output.stderr.as_bytes());
        if !output.stderr.is_empty() && !output.stderr.ends_with('\n') {
            streams.err.push(b"\n");
        }
        Ok(output.code)
    }

    pub(super) fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }
}

/// What a loop does after a round; nothing: another one.
fn after_round(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Next(_) | Flow::Continue => None,
        Flow::Break => Some(Flow::Next(0)),
        flow => Some(flow),
    }
}
