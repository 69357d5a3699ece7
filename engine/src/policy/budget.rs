//! How long looking for problems of a policy may take, in steps and not in time: the same file gives the same answer on
//! every machine.

use std::{cell::Cell, ops::ControlFlow};

/// Steps that are left, shared by the searches of one policy.
#[derive(Debug)]
pub(super) struct Steps(Cell<Option<usize>>);

impl Steps {
    /// So many.
    pub(super) fn new(limit: usize) -> Self {
        Self(Cell::new(Some(limit)))
    }

    /// Takes some; breaks if not as many are left, and from then on always.
    pub(super) fn take(&self, count: usize) -> ControlFlow<()> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(count)));
        if self.are_spent() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Whether a search ended because they were not enough.
    pub(super) fn are_spent(&self) -> bool {
        self.0.get().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_can_be_taken_and_then_none() {
        let steps = Steps::new(3);
        assert!(steps.take(2).is_continue() && steps.take(1).is_continue() && !steps.are_spent());
        assert!(steps.take(1).is_break() && steps.are_spent() && steps.take(0).is_break());
    }
}
