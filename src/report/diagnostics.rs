//! Findings about the file, drawn under the lines that they are about, or as JSON.

use std::fmt;
use std::fmt::Write as _;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::config::{Diagnostic, Label, Place, Severity, Sources};

/// The findings as text, `width` columns wide.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, width: usize, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).without_cause_chain();
    let mut text = String::new();
    for diagnostic in diagnostics {
        let drawn = Drawn::new(diagnostic, sources);
        // Writing to a String can't fail; a source that can't be read leaves its snippet out.
        let _ = handler.render_report(&mut text, &drawn);
        for line in &drawn.undrawn {
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
    }
    text
}

/// The findings as one JSON value, for `validate --json`.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let errors = count(Severity::Error);
    json!({
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": count(Severity::Warning),
        "diagnostics": diagnostics.iter().map(|diagnostic| finding(diagnostic, sources)).collect::<Vec<_>>(),
    })
}

fn finding(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let main = diagnostic.labels.first();
    json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "summary": diagnostic.summary,
        "detail": main.map(|label| &label.words),
        "help": diagnostic.help,
        "range": main.map(|label| range(&label.place, sources)),
        "snippet": main.map(|label| snippet(&label.place, sources)),
        "related": diagnostic.labels.iter().skip(1).map(|label| json!({
            "detail": label.words,
            "range": range(&label.place, sources),
        })).collect::<Vec<_>>(),
    })
}

fn range(place: &Place, sources: &Sources) -> Value {
    let text = sources.text(&place.file).unwrap_or_default();
    let end = Place::new(&place.file, text, place.end..place.end);
    json!({
        "filename": place.file,
        "start": { "line": place.line, "column": place.column, "byte": place.start },
        "end": { "line": end.line, "column": end.column, "byte": place.end },
    })
}

fn snippet(place: &Place, sources: &Sources) -> Value {
    let text = sources.text(&place.file).unwrap_or_default();
    let start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end = text.get(place.start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| place.start + at);
    let line = text.get(start..end).unwrap_or_default();
    json!({
        "code": line.trim_end_matches('\r'),
        "start_line": place.line,
        "highlight_start_offset": place.start.saturating_sub(start),
        "highlight_end_offset": place.end.min(end).saturating_sub(start),
    })
}

/// Bytes of a line beyond which it is not drawn: nobody sees anything in it, and miette can't count its columns.
const LONGEST_LINE: usize = 2000;

/// A finding in the clothes that miette draws. It draws one file: labels in others are told below.
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    undrawn: Vec<String>,
}

impl<'a> Drawn<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let file = diagnostic.labels.first().map(|label| &label.place.file);
        let text = file.and_then(|file| Some((file, sources.text(file)?)));
        let is_long = |label: &&Label| text.is_some_and(|(_, text)| longest_line(text, &label.place) > LONGEST_LINE);
        if diagnostic.labels.iter().filter(|label| Some(&label.place.file) == file).any(|label| is_long(&label)) {
            let undrawn =
                diagnostic.labels.iter().map(|label| format!("at {}: {}", label.place, label.words)).collect();
            return Self { diagnostic, source: None, labels: Vec::new(), undrawn };
        }
        let source = text.map(|(file, text)| NamedSource::new(file, text.to_owned()));
        let (here, there): (Vec<_>, Vec<_>) =
            diagnostic.labels.iter().partition(|label| Some(&label.place.file) == file);
        let spans = here.into_iter().enumerate().map(|(nth, label)| {
            let words = Some(label.words.clone());
            let span = label.place.span();
            if nth == 0 {
                LabeledSpan::new_primary_with_span(words, span)
            } else {
                LabeledSpan::new_with_span(words, span)
            }
        });
        let undrawn = there.into_iter().map(|label| format!("also: {}: {}", label.place, label.words)).collect();
        Self { diagnostic, source, labels: spans.collect(), undrawn }
    }
}

/// Bytes of the longest of the lines that a place lies in.
fn longest_line(text: &str, place: &Place) -> usize {
    let start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(place.end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| place.end + at);
    text.get(start..end).unwrap_or(text).lines().map(str::len).max().unwrap_or_default()
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.summary)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::config::Sources;
    use crate::lab::load;

    #[test]
    fn a_fault_in_a_line_of_any_length_is_told_with_its_place() {
        for length in [1_000, 70_000, 1_000_000] {
            let text = format!("[lab]\nname = \"t\"\nx = [{} 5]\n[nodes.a]\nnothing = 1\n", " ".repeat(length));
            let sources = Sources::memory([("homelab.toml", text.as_str())]);
            let text = render(&load(&sources).diagnostics, &sources, 80, false);
            assert!(text.contains("homelab.toml:3:") && text.contains("unknown key"), "{length}: {}", &text[..300]);
            assert!(text.lines().all(|line| line.len() < 2500), "{length}");
        }
    }
}
