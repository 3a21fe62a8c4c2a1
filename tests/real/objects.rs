//! Objects of a real cluster, planned and applied by labctl as its user runs it.

mod adoption;
mod apart;
mod broken;
mod drift;
mod every_kind;
mod hosted;
mod immutable;
mod leaving;
mod order;
mod peer;
mod refusals;
mod requests;
mod rights;
mod same;
mod secrets;
mod services;
mod user;
mod webhook;
