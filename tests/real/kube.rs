//! The transport to clusters against a real API server: what is asked, what is called, and what goes wrong on the way.

mod acting;
mod bench;
mod origins;
mod reading;
mod trouble;
