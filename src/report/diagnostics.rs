//! Findings about the file, drawn under the lines that they are about, or as JSON.

use std::fmt;
use std::fmt::Write as _;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::config::{Diagnostic, Place, Severity, Sources};

/// The findings as text, `width` columns wide.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, width: usize, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).without_cause_chain();
    let mut text = String::new();
    for diagnostic in diagnostics {
        let drawn = Drawn::new(diagnostic, sources);
        // Writing to a String can't fail; a source that can't be read leaves its snippet out.
        let _ = handler.render_report(&mut text, &drawn);
        for place in &drawn.elsewhere {
            let _ = writeln!(text, "  also: {place}");
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

/// A finding in the clothes that miette draws. It draws one file: labels in others are told below.
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<String>,
}

impl<'a> Drawn<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let file = diagnostic.labels.first().map(|label| &label.place.file);
        let text = file.and_then(|file| Some((file, sources.text(file)?)));
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
        let elsewhere = there.into_iter().map(|label| format!("{}: {}", label.place, label.words)).collect();
        Self { diagnostic, source, labels: spans.collect(), elsewhere }
    }
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
