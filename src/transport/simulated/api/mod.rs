//! The simulated API server: as much of discovery, list, get, server-side apply, dry-run and delete as plans and applies
//! need. It is no second Kubernetes: defaults, admission and schemas are the real one's alone.

mod apply;
mod asks;
mod calls;
mod controllers;
mod lists;
mod server;

pub(super) use asks::answer;
pub(super) use calls::run;
pub(super) use server::ApiServer;
