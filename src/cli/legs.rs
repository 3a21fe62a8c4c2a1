//! The numbers under which the legs of a run are noted beside its locks, so that a note is taken away and none is lost.

use std::collections::BTreeSet;

/// The legs of one ground by the numbers under which they are noted there.
#[derive(Default)]
pub(super) struct Legs {
    /// Those that run.
    pub(super) at_work: BTreeSet<usize>,
    /// Those that are over and whose notes may still be there.
    pub(super) noted: BTreeSet<usize>,
}

impl Legs {
    /// The smallest number that is free.
    pub(super) fn begin(&mut self) -> usize {
        let number = (0..=self.at_work.len()).find(|number| !self.at_work.contains(number)).unwrap_or_default();
        self.at_work.insert(number);
        self.noted.remove(&number);
        number
    }

    /// It is over; `is_noted`: its note may still be there.
    pub(super) fn end(&mut self, number: usize, is_noted: bool) {
        self.at_work.remove(&number);
        if is_noted {
            self.noted.insert(number);
        }
    }
}
