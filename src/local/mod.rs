//! The local disk: the files that a lab is read from.

pub mod sources;
