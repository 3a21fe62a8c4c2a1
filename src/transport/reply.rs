//! The framed reply of a script, taken apart. What is not whole is lost, never empty.

use super::contents::Contents;
use super::outcome::{ReachError, StepOutcome};
use crate::lab::Content;
use crate::observe::{Answer, Ask, Body, FileAnswer, Output, Reply, Stat};
use crate::plan::Step;

/// The frames of a reply in order, and whether its last frame came.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) parts: Vec<Frame>,
    pub(super) is_whole: bool,
}

/// One part of a reply.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) part: usize,
    /// `None` where the reply ends before the part does.
    pub(super) output: Option<Output>,
}

/// What a node's shell printed when it ran the script of these asks; nothing where no part of it is the script's.
pub fn read_reply(
    nonce: &str,
    asks: &[Ask],
    stdout: &[u8],
    contents: &Contents<'_>,
) -> Result<Option<Reply>, ReachError> {
    let frames = frames(nonce, stdout);
    if frames.parts.is_empty() && !asks.is_empty() {
        return Ok(None);
    }
    answers(nonce, asks, frames, contents).map(Some)
}

/// The same for the script of a leg: what came of the steps that were begun. Where it breaks off, `why_broken` says why.
pub fn read_outcomes(nonce: &str, leg: &[Step], stdout: &[u8], why_broken: &str) -> Option<Vec<StepOutcome>> {
    let frames = frames(nonce, stdout);
    if frames.parts.is_empty() { None } else { Some(outcomes(leg, &frames, why_broken)) }
}

/// Reads frames. Whatever stands before the first one (a login script's greeting) is passed over.
pub(super) fn frames(nonce: &str, stdout: &[u8]) -> Frames {
    let mut frames = Frames { parts: Vec::new(), is_whole: false };
    let mut rest = stdout;
    while let Some((words, _, after)) = cut(nonce, rest) {
        rest = after;
        match words.as_slice() {
            ["begin", part] => {
                let Ok(part) = part.parse() else { continue };
                frames.parts.push(Frame { part, output: output(nonce, &mut rest) });
            }
            ["all", _] => frames.is_whole = true,
            _ => {}
        }
    }
    frames
}

/// The output of a part whose `begin` was read.
fn output(nonce: &str, rest: &mut &[u8]) -> Option<Output> {
    let mut stdout = Vec::new();
    let mut code = None;
    // Within a folder's part stand frames of its files: they belong to its standard output.
    while code.is_none() {
        let (words, before, after) = cut(nonce, rest)?;
        stdout.extend_from_slice(before);
        match words.as_slice() {
            ["end", _, status] => code = status.parse().ok(),
            _ => stdout.extend_from_slice(&rest[before.len()..rest.len() - after.len()]),
        }
        *rest = after;
    }
    let (_, words, after) = cut(nonce, rest)?;
    *rest = after;
    Some(Output { stdout, stderr: String::from_utf8_lossy(words).trim_end().to_owned(), code: code? })
}

/// The next frame line: its words, what stands before it and what after it.
fn cut<'a>(nonce: &str, bytes: &'a [u8]) -> Option<(Vec<&'a str>, &'a [u8], &'a [u8])> {
    let sign = format!("\n{nonce} ");
    let start = bytes.windows(sign.len()).position(|window| window == sign.as_bytes())?;
    let line = start + sign.len();
    let length = bytes[line..].iter().position(|byte| *byte == b'\n')?;
    let words = std::str::from_utf8(&bytes[line..line + length]).ok()?;
    Some((words.splitn(3, ' ').collect(), &bytes[..start], &bytes[line + length + 1..]))
}

/// The answers to `asks`.
pub(super) fn answers(nonce: &str, asks: &[Ask], frames: Frames, contents: &Contents<'_>) -> Result<Reply, ReachError> {
    let mut outputs: Vec<Option<Output>> = vec![None; asks.len()];
    for frame in frames.parts {
        if let Some(slot) = outputs.get_mut(frame.part) {
            *slot = frame.output;
        }
    }
    asks.iter()
        .zip(outputs)
        .map(|(ask, output)| {
            let answer = match output {
                Some(output) => answer(nonce, ask, output, contents)?,
                None => Answer::Lost("the connection broke before it was answered".to_owned()),
            };
            Ok((ask.clone(), answer))
        })
        .collect()
}

fn answer(nonce: &str, ask: &Ask, output: Output, contents: &Contents<'_>) -> Result<Answer, ReachError> {
    Ok(match ask {
        Ask::Run(_) | Ask::Fed { .. } => Answer::Output(output),
        Ask::File { limit, .. } => Answer::File(file(&output, *limit)),
        Ask::Folder { .. } => folder(nonce, &output),
        Ask::Same { content: Content::Blob { sha256, .. }, .. } => {
            Answer::File(same(file(&output, u64::MAX), |bytes| String::from_utf8_lossy(bytes).trim() == sha256))
        }
        Ask::Same { content, .. } => {
            let wanted = contents.bytes(content)?;
            let limit = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
            Answer::File(same(file(&output, limit), |bytes| bytes == wanted.as_slice()))
        }
        Ask::Api(_) | Ask::Elsewhere { .. } => Answer::Lost("a node can't answer for another ground".to_owned()),
    })
}

/// Takes the bytes out of an answer and leaves only whether they are the wanted ones.
fn same(answer: FileAnswer, is_wanted: impl Fn(&[u8]) -> bool) -> FileAnswer {
    match answer {
        FileAnswer::Regular { stat, body } => {
            let same = matches!(&body, Body::Bytes(bytes) if is_wanted(bytes));
            FileAnswer::Regular { stat, body: Body::Same(same) }
        }
        other => other,
    }
}

fn file(output: &Output, limit: u64) -> FileAnswer {
    if output.code != 0 {
        // ENOENT and ENOTDIR in the words of GNU's and BSD's stat under LC_ALL=C.
        let absent = ["No such file or directory", "Not a directory"];
        return if output.stderr.lines().count() == 1 && absent.iter().any(|words| output.stderr.ends_with(words)) {
            FileAnswer::Absent
        } else {
            FileAnswer::Unreadable(output.complaint())
        };
    }
    section(&output.stdout, limit)
}

/// A line of `state` and the bytes after it.
fn section(bytes: &[u8], limit: u64) -> FileAnswer {
    let garbled = || FileAnswer::Unreadable("its state is not in the form of `stat`".to_owned());
    let Some(newline) = bytes.iter().position(|byte| *byte == b'\n') else { return garbled() };
    let line = String::from_utf8_lossy(&bytes[..newline]);
    let [what, mode, owner, group, length, state] = line.splitn(6, '|').collect::<Vec<_>>()[..] else {
        return garbled();
    };
    let what = what.to_lowercase();
    if !what.starts_with("regular") {
        return FileAnswer::Other(what);
    }
    let (Ok(mode), Ok(length)) = (u32::from_str_radix(mode, 8), length.parse::<u64>()) else { return garbled() };
    let stat = Stat { mode, owner: owner.to_owned(), group: group.to_owned(), length, state: state.to_owned() };
    let body = if length > limit { Body::TooLong } else { Body::Bytes(bytes[newline + 1..].to_vec()) };
    FileAnswer::Regular { stat, body }
}

/// Bytes of a file in a folder beyond which it is not sent; `folder` in `prelude.sh` has the same number.
const FOLDER_LIMIT: u64 = 1_048_576;

fn folder(nonce: &str, output: &Output) -> Answer {
    if output.code != 0 {
        return match file(output, 0) {
            FileAnswer::Absent => Answer::Folder(Vec::new()),
            _ => Answer::Lost(output.complaint()),
        };
    }
    if !output.stderr.is_empty() {
        return Answer::Lost(output.complaint());
    }
    let mut files = Vec::new();
    let mut rest = output.stdout.as_slice();
    while let Some((words, _, after)) = cut(nonce, rest) {
        let bytes = cut(nonce, after).map_or(after, |(_, before, _)| before);
        rest = &after[bytes.len()..];
        // A file's name may have spaces: all after the first word is the name.
        if let ["file", name @ ..] = words.as_slice() {
            files.push((name.join(" "), section(bytes, FOLDER_LIMIT)));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Answer::Folder(files)
}

/// What came of each step of a leg; steps after one that failed have no outcome.
pub(super) fn outcomes(steps: &[Step], frames: &Frames, why_broken: &str) -> Vec<StepOutcome> {
    let mut outcomes = Vec::new();
    for (part, step) in steps.iter().enumerate() {
        let mut frames = frames.parts.iter().filter(|frame| frame.part == part);
        for guard in &step.guards {
            match frames.next().map(|frame| &frame.output) {
                Some(Some(output)) if output.code == 0 => {}
                Some(Some(output)) => {
                    outcomes.push(StepOutcome::Stale { guard: guard.words(), found: output.stderr.clone() });
                    return outcomes;
                }
                Some(None) | None => {
                    outcomes.push(StepOutcome::Lost(why_broken.to_owned()));
                    return outcomes;
                }
            }
        }
        outcomes.push(match frames.next().map(|frame| &frame.output) {
            Some(Some(output)) if output.code == 0 => StepOutcome::Done,
            Some(Some(output)) => StepOutcome::Failed { code: output.code, words: last_lines(output) },
            Some(None) | None => StepOutcome::Lost(why_broken.to_owned()),
        });
        if outcomes.last() != Some(&StepOutcome::Done) {
            break;
        }
    }
    outcomes
}

/// The last lines that a failed command printed: standard error, or standard output where that is empty.
fn last_lines(output: &Output) -> Vec<String> {
    const LINES: usize = 20;
    let text = if output.stderr.trim().is_empty() { output.text().into_owned() } else { output.stderr.clone() };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
}
