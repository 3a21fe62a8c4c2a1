//! The local disk: the files that a lab is read from, what labctl keeps beside them, and the values of secrets.

pub mod bounded;
pub mod download;
pub mod git;
pub mod journal;
pub mod kept;
pub mod kubeconfig;
pub mod permissions;
pub mod person;
pub mod private;
pub mod process;
mod sops;
pub mod sources;
mod terminal;
pub mod tree;
mod values;

pub use terminal::AtTerminal;
pub use values::Values;
