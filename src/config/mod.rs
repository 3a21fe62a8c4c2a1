//! Text in, a spanned tree and plain tables out; every fault of the file in one run.
//!
//! [`Sources`] holds the texts, [`tree`] makes a spanned tree of each, [`parse`] joins them and reads the [`tables`].

mod codes;
mod diagnostic;
mod merge;
mod parse;
mod place;
mod read;
mod scalars;
mod schema;
mod sources;
pub mod tables;
pub mod tree;

pub use codes::{CODES, Code, CodeRow};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use parse::{Parsed, includes, parse, references};
pub use place::{Located, Place};
pub use read::{Brief, Named, nearest};
pub use scalars::{Day, Scalar, Span, Subnet};
pub use schema::schema;
pub use sources::{Sources, pattern, stays_below};
pub use tables::File;
