//! The local disk: the files that a lab is read from, and the values of its secrets.

pub mod download;
pub mod kept;
mod sops;
pub mod sources;
mod terminal;
mod values;

pub use terminal::AtTerminal;
pub use values::Values;
