//! Changes and steps: the plan as data. What is shown is what is saved is what is applied.

mod api;
pub mod applied;
mod behind;
mod between;
mod build;
mod change;
mod comparison;
mod decide;
pub mod facts;
pub mod ground_record;
mod keep;
mod leave;
pub mod lock;
mod mark;
pub mod marks;
mod moves;
mod observations;
mod own_way;
pub mod record;
pub mod saved;
mod sealed;
mod shell;
mod step;
mod value;
mod wave;
mod ways;

pub use api::{ApiGuard, Call};
pub use between::{Side, between};
pub use build::{Absence, Options, Plan, Seen, build};
pub use change::{Action, Cause, Change, Obstacle};
pub use comparison::{Comparison, Findings};
pub use mark::{Mark, Origin};
pub use observations::{Observations, ObservationsError};
pub use saved::{Revision, SavedPlan};
pub use shell::{quote, shell_line};
pub use step::{Act, Guard, Step};
pub use value::{Attributes, Difference, Value, differences, digest};
pub use wave::{beyond, is_in_the_way, next_wave, resumed};

#[cfg(test)]
mod tests;
