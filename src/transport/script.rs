//! Asks and steps, rendered to one `sh` script that is sent on stdin: no argument of it is seen in a process list but
//! those of the programs it names.
//!
//! Every part is framed by lines that begin with a number nobody can guess, so that what a program prints, or a login
//! script before it, is never taken for a frame.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::contents::Contents;
use super::outcome::ReachError;
use crate::lab::Content;
use crate::observe::Ask;
use crate::plan::{Act, Guard, Step, quote, shell_line};

/// The functions that the parts are made of.
pub(super) const PRELUDE: &str = include_str!("prelude.sh");

/// A script, whose text may hold secrets.
pub(super) type Script = Zeroizing<String>;

fn head(nonce: &str) -> String {
    format!("N={nonce}\n{PRELUDE}")
}

/// A script that asks; part `i` is `asks[i]`.
pub(super) fn probe(nonce: &str, asks: &[Ask], contents: &Contents<'_>) -> Result<Script, ReachError> {
    let mut script = Zeroizing::new(head(nonce));
    for (part, ask) in asks.iter().enumerate() {
        let words = match ask {
            Ask::Run(argv) => format!("run {}", shell_line(argv)),
            Ask::Fed { argv, stdin } => {
                script.push_str(&format!("ask {part} {}\n", feed(argv, stdin, contents)?.as_str()));
                continue;
            }
            Ask::File { path, limit } => format!("file {} {limit}", quote(path)),
            Ask::Folder { path, suffix } => format!("folder {} {}", quote(path), quote(suffix)),
            Ask::Same { path, content: Content::Blob { .. } } => format!("hash_of {}", quote(path)),
            // More bytes than the desired ones need not be read to know that they differ.
            Ask::Same { path, content } => format!("file {} {}", quote(path), contents.bytes(content)?.len()),
            // No node answers for another ground: whoever sends this there is told that it failed.
            Ask::Api(_) | Ask::Elsewhere { .. } => "false".to_owned(),
        };
        script.push_str(&format!("ask {part} {words}\n"));
    }
    script.push_str(&end(asks.len()));
    Ok(script)
}

/// A script that acts; part `i` is `steps[i]`, and no part runs after one that failed.
pub(super) fn leg(nonce: &str, steps: &[Step], contents: &Contents<'_>) -> Result<Script, ReachError> {
    let mut script = Zeroizing::new(head(nonce));
    for (part, step) in steps.iter().enumerate() {
        for guard in &step.guards {
            script.push_str(&format!("ask {part} {} || exit 0\n", guard_words(guard)));
        }
        script.push_str(&format!("ask {part} {} || exit 0\n", act_words(&step.act, contents)?.as_str()));
    }
    script.push_str(&end(steps.len()));
    Ok(script)
}

/// The last frame: without it the reply is not whole.
fn end(parts: usize) -> String {
    format!("printf '\\n%s all %s\\n' \"$N\" {parts}\n")
}

fn guard_words(guard: &Guard) -> String {
    match guard {
        Guard::Output { argv, stdout } => {
            format!("same_output {} {}", quote(stdout.trim_end_matches('\n')), shell_line(argv))
        }
        Guard::File { path, state } => format!("same_file {} {}", quote(state), quote(path)),
        Guard::Api(_) => "false".to_owned(),
    }
}

fn act_words(act: &Act, contents: &Contents<'_>) -> Result<Zeroizing<String>, ReachError> {
    Ok(Zeroizing::new(match act {
        Act::Run { argv, stdin: None } => format!("run {}", shell_line(argv)),
        Act::Run { argv, stdin: Some(content) } => return feed(argv, content, contents),
        Act::Put { path, content, mode, owner, group } => {
            let bytes = contents.bytes(content)?;
            format!(
                "put {} '{}' {} {} {} '{}'",
                quote(path),
                mode.map(|mode| format!("{:o}", mode.0)).unwrap_or_default(),
                quote(owner.as_deref().unwrap_or_default()),
                quote(group.as_deref().unwrap_or_default()),
                bytes.len(),
                encode(&bytes).as_str()
            )
        }
        Act::Keep { path, below } => format!("keep {} {}", quote(path), quote(below)),
        Act::Remove { path } => format!("rm -f -- {}", quote(path)),
        // Not the node's work: the transport itself reconnects.
        Act::Reconnect { .. } => "true".to_owned(),
        Act::Api(_) => "false".to_owned(),
    }))
}

/// A program that reads a content.
fn feed(argv: &[String], content: &Content, contents: &Contents<'_>) -> Result<Zeroizing<String>, ReachError> {
    let data = encode(&contents.bytes(content)?);
    Ok(Zeroizing::new(format!("feed '{}' {}", data.as_str(), shell_line(argv))))
}

fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}
