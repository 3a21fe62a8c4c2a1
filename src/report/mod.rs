//! What the user sees: text for people and JSON for programs, both made from the same values.

pub mod diagnostics;
