//! What to ask each ground, and what its answers mean.
//!
//! A kind turns resources into [`Ask`]s; transport carries them as one probe per node and brings a [`Reply`]; the kind
//! reads an [`Observation`] out of it.

mod answer;
mod api;
mod ask;
mod bytes;
pub mod elsewhere;
mod observation;

pub use answer::{Answer, Body, FileAnswer, Output, Reply, Stat};
pub use api::{ApiAnswer, ApiAsk, Cause, Refusal};
pub use ask::Ask;
pub use observation::Observation;
