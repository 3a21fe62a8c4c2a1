//! Text in, a spanned tree and plain tables out; every fault of the file in one run.
//!
//! `sources` holds the texts, `tree` makes a spanned tree of each, `parse` joins them and reads the `tables`.

mod codes;
mod diagnostic;
mod free;
mod merge;
pub(crate) mod named;
mod nesting;
mod parse;
mod place;
mod range;
pub(crate) mod read;
mod scalars;
mod schema;
mod sources;
pub(crate) mod table;
pub mod tables;
pub mod tree;

pub use codes::{CODES, Code, CodeRow};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use free::FreeTable;
pub use named::{Brief, Named};
pub use parse::{Parsed, includes, manifests, parse, pins, references};
pub use place::{Located, Place};
pub use range::AddressRange;
pub use scalars::{Day, Scalar, Span, Subnet};
pub use schema::schema;
pub use sources::{PatternError, Sources, pattern, sha256, stays_below};
pub use table::nearest;
pub use tables::File;
