//! labctl: one `homelab.toml` describes a lab; `plan` reads the lab as it is and prints the difference, `apply` closes it.
//!
//! The modules stand in the order in which data flows through them. Everything but [`transport`], [`local`] and [`cli`]
//! is pure: text or values in, values out, no network, no disk, no clock. `docs/architecture.md` follows one
//! `labctl apply` through them.

/// 1. One file per command: wires the stages below, nothing else.
#[expect(clippy::disallowed_methods, reason = "the clock and the environment enter here")]
pub mod cli;

/// 2. The schema of `homelab.toml`; every value knows its place in the text.
pub mod config;

/// 3. Findings about the file alone, each with a code and a place.
pub mod rules;

/// 4. The resolved lab: names are references, defaults are filled in.
pub mod lab;

/// What the services of the file expand to; part of the lab.
pub mod services;

/// 5. The kinds of resource: what is desired, how it is read, compared, changed.
pub mod kinds;

/// What an object of the Kubernetes API means; no stage of its own, but what several of them know of such objects.
pub mod kubernetes;

/// 6. Dependencies, cycles, waves.
pub mod graph;

/// 7. What to ask each ground, and what the answers mean.
pub mod observe;

/// 8. Changes and steps: the plan as data.
pub mod plan;

/// 9. The engine, a state machine: which step next.
pub mod apply;

/// 10. What the user sees: text, JSON, progress, diagnostics.
pub mod report;

/// The only way to a ground: SSH, a local shell, later the Kubernetes API and the simulated lab.
#[expect(clippy::disallowed_methods, reason = "effects on grounds happen here and nowhere else")]
pub mod transport;

/// The local disk: sources and secrets.
#[expect(clippy::disallowed_methods, reason = "effects on the local disk happen here and nowhere else")]
pub mod local;
