//! The ways to an API past the filter that asks Portcullis.

pub(crate) mod acting_filters;
pub(crate) mod admin;
pub(crate) mod tcp;
pub(crate) mod tunnel;
pub(crate) mod unchecked;
