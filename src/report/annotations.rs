//! Annotations of GitHub Actions: a line each, which the runner takes out of the output and shows beside the file.
//!
//! The form is that of "Workflow commands for GitHub Actions": `::error file=F,line=N,col=N,title=T::WORDS`.

use super::comment::Comment;
use super::{Symbol, obstacle};
use crate::config::{Place, Severity};

/// All annotations of a comment. Places are relative to the folder of its file.
pub fn annotations(comment: &Comment<'_>) -> String {
    let mut text = String::new();
    for finding in comment.new {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        let place = finding.labels.first().map(|label| &label.place);
        text += &line(comment, level, place, finding.code, &format!("{}{help}", finding.summary));
    }
    for change in comment.grave() {
        let words = obstacle(change).unwrap_or_else(|| Symbol::of(change).meaning().to_owned());
        text += &line(comment, "warning", change.place.as_ref(), &change.address.to_string(), &words);
    }
    for words in comment.disruptions() {
        text += &line(comment, "warning", None, "Interruption", &words);
    }
    text + &line(comment, "notice", None, &format!("labctl {}", comment.command), &comment.headline)
}

fn line(comment: &Comment<'_>, level: &str, place: Option<&Place>, title: &str, words: &str) -> String {
    let mut properties = Vec::new();
    if let Some(place) = place {
        let folder = comment.file.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
        properties.push(format!("file={}", property(&format!("{folder}{}", place.file))));
        properties.push(format!("line={},col={}", place.line, place.column));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), data(words))
}

/// A text with what would end its line escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for a property, which a comma or a colon would end, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn no_text_of_a_file_ends_an_annotation_or_begins_another() {
        assert_eq!(data("100%\n::error::x"), "100%25%0A::error::x");
        assert_eq!(property("a,line=1::b"), "a%2Cline=1%3A%3Ab");
    }
}
