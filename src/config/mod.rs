//! Text in, a spanned tree and plain tables out; every fault of the file in one run.

mod diagnostic;
mod place;

pub use diagnostic::{Diagnostic, Label, Severity};
pub use place::{Located, Place};
