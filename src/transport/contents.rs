//! Contents resolved: the one place where a secret's value meets the text around it.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::outcome::ReachError;
use crate::lab::{Content, Ground, Part, SecretName};
use crate::observe::Output;
use crate::plan::{Act, Step, shell_line};

/// Where values and blobs come from. Implemented by `local`, and by tests.
pub trait Source: Send + Sync {
    /// A secret's value; why there is none, in words that don't hold it.
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String>;

    /// The bytes of a file of the source tree.
    fn blob(&self, path: &str) -> Result<Vec<u8>, String>;

    /// What a program printed on another ground, where it was run for what is being sent.
    fn output(&self, ground: &Ground, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
        Err(format!("`{}` was not run on {ground}", shell_line(argv)))
    }
}

/// What leads to clusters from the machine that labctl runs on. Implemented by `local`, and by tests.
pub trait Outside: Send + Sync {
    /// A path as a person writes it: `~` is the user's home.
    fn path(&self, text: &str) -> Result<PathBuf, String>;

    /// What a program prints; why there is nothing, in words that don't hold it.
    fn command(&self, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// Resolves contents.
pub struct Contents<'a>(pub &'a dyn Source);

impl Contents<'_> {
    /// The bytes that a content stands for.
    pub fn bytes(&self, content: &Content) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        match content {
            Content::Blob { source, .. } => self.0.blob(source).map(Zeroizing::new).map_err(ReachError::Secret),
            Content::Parts(parts) => {
                let mut bytes = Zeroizing::new(Vec::new());
                for part in parts {
                    match part {
                        Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                        Part::Secret(name) => {
                            let value = self.0.secret(name).map_err(ReachError::Secret)?;
                            bytes.extend_from_slice(&value);
                        }
                        Part::Output { ground, argv } => {
                            let value = self.0.output(ground, argv).map_err(ReachError::Secret)?;
                            bytes.extend_from_slice(&value);
                        }
                    }
                }
                Ok(bytes)
            }
        }
    }
}

/// Where an output comes from: the ground, and the program with its arguments.
pub(super) type Origin<'a> = (&'a Ground, &'a [String]);

/// What the steps take from other grounds, each once, in order.
pub(super) fn outputs(leg: &[Step]) -> Vec<Origin<'_>> {
    let contents = leg.iter().filter_map(|step| match &step.act {
        Act::Put { content, .. } | Act::Run { stdin: Some(content), .. } => Some(content),
        _ => None,
    });
    let mut found: Vec<Origin<'_>> = Vec::new();
    for output in contents.flat_map(Content::outputs) {
        if !found.contains(&output) {
            found.push(output);
        }
    }
    found
}

/// A source that knows, besides, what programs printed on other grounds. It lives as long as one leg.
pub(super) struct WithOutputs<'a> {
    source: &'a dyn Source,
    outputs: Vec<(Origin<'a>, Zeroizing<Vec<u8>>)>,
}

impl<'a> WithOutputs<'a> {
    /// Nothing is known yet.
    pub(super) fn new(source: &'a dyn Source) -> Self {
        Self { source, outputs: Vec::new() }
    }

    /// Adds what a program printed and returned; why it is of no use.
    pub(super) fn add(&mut self, ground: &'a Ground, argv: &'a [String], output: Output) -> Result<(), String> {
        let mut bytes = Zeroizing::new(output.stdout);
        while bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        let fails = |why: &str| Err(format!("`{}` on {ground}: {why}", shell_line(argv)));
        match output.code {
            0 if bytes.is_empty() => fails("it printed nothing"),
            0 => {
                self.outputs.push(((ground, argv), bytes));
                Ok(())
            }
            code => fails(&Output { stdout: Vec::new(), stderr: output.stderr, code }.complaint()),
        }
    }
}

impl Source for WithOutputs<'_> {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        self.source.secret(name)
    }

    fn blob(&self, path: &str) -> Result<Vec<u8>, String> {
        self.source.blob(path)
    }

    fn output(&self, ground: &Ground, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
        let known = self.outputs.iter().find(|(origin, _)| *origin == (ground, argv));
        known.map_or_else(|| self.source.output(ground, argv), |(_, bytes)| Ok(bytes.clone()))
    }
}
