//! The findings of lints, put beside those of decoding.

use crate::{
    config::{
        error::{Problem, Severity},
        lint_catalogue::Lint,
    },
    limits,
};

/// Adds what lints found. What they know of a value that is an error already explains it, and is not said twice.
pub(crate) fn add_findings(problems: &mut Vec<Problem>, found: Vec<Problem>) {
    let errors: Vec<usize> = (0..problems.len()).filter(|at| is_error(problems.get(*at))).collect();
    for warning in found {
        let is_placeholder = warning.kind() == Some(Lint::Placeholder) && errors.len() < limits::CONFIG_SUGGESTIONS;
        let mut explained = errors
            .iter()
            .filter(|_| is_placeholder)
            .filter_map(|at| problems.get_mut(*at).map(|error| error.explained_by(&warning)));
        if !explained.any(|is_explained| is_explained) {
            problems.push(warning);
        }
    }
}

fn is_error(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| problem.severity() == Severity::Error)
}
