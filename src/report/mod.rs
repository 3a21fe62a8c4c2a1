//! What the user sees: the plan as text and JSON, progress, the end of an apply, diagnostics.
//!
//! Values in, text out: for people and for programs, both made from the same values. Nothing here decides anything.

mod annotations;
mod attributes;
mod comment;
mod comparison;
pub mod diagnostics;
pub mod graph;
mod hint;
mod interruption;
mod journal;
mod json;
mod lab_file;
mod markdown;
mod metrics;
mod plan_text;
pub mod redaction;
mod resource;
mod saved;
mod steps;
mod style;
mod summary;
mod symbol;

pub use annotations::annotations;
pub use comment::Comment;
pub use comparison::{comparison, comparison_json};
pub use hint::hint;
pub use journal::journal;
pub use json::json;
pub use lab_file::lab_file;
pub use markdown::{LIMIT, markdown};
pub use metrics::{Measured, metrics};
pub use plan_text::{Detail, obstacle, plan};
pub use resource::resource;
pub use saved::saved_head;
pub use steps::line as step_line;
pub use style::Paint;
pub use summary::Summary;
pub use symbol::Symbol;
