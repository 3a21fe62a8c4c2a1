//! The spanned tree of a TOML text: in comes one file, out goes its values, each with its place, or every syntax error.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::codes::Code;
use super::nesting;
use super::{Diagnostic, Located, Place};

/// A value of the file with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Where it stands; for a `[table]`, its header.
    pub place: Place,
}

/// The types that TOML knows.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `"text"`.
    Text(String),
    /// `12`.
    Integer(i64),
    /// `1.5`.
    Float(f64),
    /// `true`.
    Boolean(bool),
    /// `2027-01-31`, with or without a time of day.
    Moment(toml::value::Datetime),
    /// `[1, 2]` and `[[tables]]`.
    Array(Vec<Value>),
    /// `{ … }` and `[table]`.
    Table(Table),
}

/// The entries of a table in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table(pub Vec<(Located<String>, Value)>);

impl Table {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The key with its place and its value.
    pub fn entry(&self, key: &str) -> Option<&(Located<String>, Value)> {
        self.0.iter().find(|(name, _)| name.value == key)
    }
}

impl Value {
    /// Its entries, where it is a table.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl fmt::Display for Data {
    /// The type, as a sentence names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Float(_) => "a fraction",
            Self::Boolean(_) => "a truth value",
            Self::Moment(_) => "a date",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        })
    }
}

/// Reads one file; every syntax error at once.
pub fn parse(file: &Arc<str>, text: &str) -> Result<Value, Vec<Diagnostic>> {
    let reader = Reader { places: Places::new(file, text), faults: std::cell::RefCell::default() };
    if let Some(at) = nesting::too_deep(text) {
        let fault = Diagnostic::error(
            Code::Syntax.as_str(),
            "brackets are nested too deep",
            reader.places.of(at..at + 1),
            "here",
        );
        return Err(vec![
            fault.help("close each `{` and `[`; a table of some size reads better under a `[header]` of its own"),
        ]);
    }
    let (tree, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut faults: Vec<Diagnostic> = errors.iter().map(|error| reader.syntax_error(error)).collect();
        // What the parser says next of the same line is mostly a consequence of the first.
        faults.sort_by(|a, b| {
            a.labels.first().map(|label| &label.place).cmp(&b.labels.first().map(|label| &label.place))
        });
        faults.dedup_by_key(|fault| fault.labels.first().map(|label| label.place.line));
        return Err(faults);
    }
    let place = reader.places.of(0..0);
    let table = reader.table(tree.get_ref());
    let faults = reader.faults.into_inner();
    if faults.is_empty() { Ok(Value { data: Data::Table(table), place }) } else { Err(faults) }
}

/// Remedies by what the parser's message contains.
const SYNTAX_HELP: &[(&str, &str)] = &[
    ("duplicate key", "remove one of them, or join the two tables"),
    ("unclosed table", "close the header with `]` on its line"),
    ("unclosed array", "close the list with `]`"),
    ("unclosed inline table", "close the table with `}`"),
    ("missing comma", "put a comma here, or close what is open on the line before"),
    ("no value", "write `key = value`"),
    (
        "invalid basic string",
        "close the text with a double quote on its line; a text of several lines stands in `\"\"\"`",
    ),
    (
        "invalid literal string",
        "close the text with a single quote on its line; a text of several lines stands in `'''`",
    ),
    ("escape", "write a backslash as `\\\\`, or put the text in single quotes"),
    ("must be quoted", "put texts in double quotes: `key = \"text\"`"),
];

struct Reader<'t> {
    places: Places<'t>,
    faults: std::cell::RefCell<Vec<Diagnostic>>,
}

impl Reader<'_> {
    fn syntax_error(&self, error: &toml::de::Error) -> Diagnostic {
        let place = self.places.of(error.span().unwrap_or(0..0));
        let message = error.message().lines().next().unwrap_or_default();
        let duplicate = message.contains("duplicate key");
        let summary = match self.places.text.get(place.span()).filter(|key| duplicate && !key.is_empty()) {
            Some(key) => format!("`{key}` is there twice"),
            None if place.start == place.end && message.contains("must be quoted") => "a value is missing".to_owned(),
            None if message.is_empty() => "the file is not TOML".to_owned(),
            None => message.to_owned(),
        };
        let help = SYNTAX_HELP
            .iter()
            .find(|(part, _)| message.contains(part))
            .map_or("TOML wants `key = value` under `[table]` headers, and texts in double quotes", |(_, help)| help);
        Diagnostic::error(Code::Syntax.as_str(), summary, place, if duplicate { "again here" } else { "here" })
            .help(help)
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entries = table.iter().map(|(key, value)| {
            let name = Located::new(key.get_ref().to_string(), self.places.of(key.span()));
            (name, self.value(value.get_ref(), value.span()))
        });
        Table(entries.collect())
    }

    fn value(&self, value: &DeValue<'_>, span: Range<usize>) -> Value {
        let place = self.places.of(span);
        let data = match value {
            DeValue::String(text) => Data::Text(text.to_string()),
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                Data::Integer(parsed.unwrap_or_else(|_| self.out_of_range(&place)))
            }
            DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Data::Boolean(*truth),
            DeValue::Datetime(moment) => Data::Moment(*moment),
            DeValue::Array(items) => {
                Data::Array(items.iter().map(|item| self.value(item.get_ref(), item.span())).collect())
            }
            DeValue::Table(table) => Data::Table(self.table(table)),
        };
        Value { data, place }
    }

    fn out_of_range(&self, place: &Place) -> i64 {
        let code = Code::Value.as_str();
        let fault = Diagnostic::error(code, "the number does not fit into 64 bits", place.clone(), "too large");
        self.faults.borrow_mut().push(fault.help("write a smaller number, or put it in quotes if it is a name"));
        0
    }
}

/// Line starts of one text, so that a place costs a search instead of a count from the beginning.
struct Places<'t> {
    file: Arc<str>,
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(file: &Arc<str>, text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: Arc::clone(file), text, line_starts }
    }

    fn of(&self, span: Range<usize>) -> Place {
        let end = floor(self.text, span.end);
        let start = floor(self.text, span.start).min(end);
        let line = self.line_starts.partition_point(|line_start| *line_start <= start);
        let line_start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text[line_start..start].chars().count() + 1;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: Arc::clone(&self.file), line: count(line), column: count(column), start, end }
    }
}

/// The nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Data, parse};

    #[test]
    fn a_table_stands_where_its_header_is() {
        let text = "[nodes.n5]\naddress = \"192.168.4.5\"\n";
        let tree = parse(&Arc::from("a.toml"), text).unwrap();
        let n5 = tree.as_table().unwrap().get("nodes").unwrap().as_table().unwrap().entry("n5").unwrap();
        assert_eq!(&text[n5.1.place.span()], "[nodes.n5]");
        assert_eq!(&text[n5.0.place.span()], "n5");
        let address = n5.1.as_table().unwrap().get("address").unwrap();
        assert_eq!(address.data, Data::Text("192.168.4.5".into()));
        assert_eq!(address.place.to_string(), "a.toml:2:11");
    }

    #[test]
    fn every_syntax_error_is_told_at_once() {
        let faults = parse(&Arc::from("a.toml"), "a = \nb = [1,\nc = 'x'\n[d\ne = nope\n").unwrap_err();
        assert!(faults.len() >= 2, "{faults:?}");
    }

    #[test]
    fn a_number_beyond_64_bits_is_a_fault_and_no_panic() {
        assert_eq!(parse(&Arc::from("a.toml"), "a = 99999999999999999999").unwrap_err().len(), 1);
    }
}
