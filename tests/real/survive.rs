//! An apply that survives, on real hosts: killed at its steps, beside another one, and with secrets that nobody may find.

mod canary;
mod kills;
mod two;
