//! YAML as Kubernetes reads it: several documents in one text, each with the line at which it begins.
//!
//! Everything that reads YAML of objects comes here, for one reason: `mode: 0644` is 420 to kubectl, and 644.0 to a
//! reader of YAML 1.2 that is not told otherwise.

use serde_json::Value;

/// One document of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Document<'t> {
    /// Its text, the `---` above it included.
    pub(crate) text: &'t str,
    /// The byte at which it begins.
    pub(crate) start: usize,
    /// The lines above it.
    pub(crate) lines_above: usize,
}

/// Why a document can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlFault {
    /// In one sentence.
    pub(crate) message: String,
    /// Line and column in the document, from 1, where they are known.
    pub(crate) at: Option<(usize, usize)>,
}

/// The documents of a text that are more than comments.
///
/// A line that begins with `---` begins a document wherever it stands, even within a text in quotes (YAML 1.2.2, 9.1.2):
/// so they can be told apart without being read, and a fault of one leaves the others readable.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let head = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut found = Vec::new();
    let (mut start, mut lines_above, mut line) = (head, 0, 0);
    let mut at = head;
    for part in text[head..].split_inclusive('\n') {
        let is_mark =
            part.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_mark && at > start {
            found.push(Document { text: &text[start..at], start, lines_above });
            (start, lines_above) = (at, line);
        }
        at += part.len();
        line += 1;
    }
    found.push(Document { text: &text[start..], start, lines_above });
    found.retain(|document| !is_empty(document.text));
    found
}

/// Whether a document has nothing but comments and directives.
fn is_empty(text: &str) -> bool {
    text.lines().map(str::trim_end).all(|line| {
        let line = line.strip_prefix("---").unwrap_or(line).trim_start();
        line.is_empty() || line.starts_with(['#', '%']) || line == "..."
    })
}

/// Reads one document. JSON is YAML.
pub(crate) fn read(text: &str) -> Result<Value, YamlFault> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let at = error.location().map(|location| (count(location.line()), count(location.column())));
        let message = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
        // The place is that in the document: whoever knows the whole text says it better.
        let place = at.map(|(line, column)| format!(" at line {line}, column {column}")).unwrap_or_default();
        YamlFault { message: message.strip_suffix(&place).unwrap_or(&message).to_owned(), at }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{documents, read};

    #[test]
    fn a_mode_is_octal_as_kubectl_has_it() {
        assert_eq!(read("mode: 0644\n").unwrap(), json!({ "mode": 420 }));
        assert_eq!(
            read("mode: 0o644\nport: 80\nname: \"0644\"\n").unwrap(),
            json!({ "mode": 420, "port": 80, "name": "0644" })
        );
    }

    #[test]
    fn documents_are_told_apart_with_their_lines_and_empty_ones_passed_over() {
        let text =
            "# head\n%YAML 1.2\n---\na: 1\n--- # second\nb: |\n  ---\n  text\n---\n---\n# nothing\n--- {c: 3}\n...\n";
        let found: Vec<_> =
            documents(text).iter().map(|found| (found.lines_above, read(found.text).unwrap())).collect();
        assert_eq!(found, [(2, json!({"a": 1})), (4, json!({"b": "---\ntext\n"})), (11, json!({"c": 3}))]);
    }

    #[test]
    fn a_fault_knows_its_line() {
        for (text, line) in [("a: 1\na: 2\n", 2), ("a:\n  - b\n c: d\n", 3), ("a: \"x\n", 1)] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.at.map(|at| at.0), Some(line), "{fault:?}");
        }
    }
}
