//! What is under way, on a terminal, once it takes longer than people wait.

use tokio::time::Instant;

use crate::{cli::output, limits};

/// Does some work that tells how much of it is done.
pub(super) fn shown<T>(what: &str, work: impl FnOnce(&mut dyn FnMut(usize, usize)) -> T) -> T {
    let begun = Instant::now();
    let (mut last, mut is_shown) = (usize::MAX, false);
    let result = work(&mut |done, all| {
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        if percent != last && begun.elapsed() >= limits::PROGRESS_AFTER {
            last = percent;
            is_shown = true;
            output::status_line(&format!("{what}: {done} of {all}"));
        }
    });
    if is_shown {
        output::status_line("");
    }
    result
}
