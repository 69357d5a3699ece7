//! Faults that make a text unreadable as a whole.

use super::tree::Place;

/// A fault of the grammar of a text, or a limit that it breaks.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
    /// The remedy, if it is known.
    pub(super) help: Option<String>,
}

impl Fault {
    pub(super) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), help: None }
    }

    /// Returns the fault with a remedy.
    pub(super) fn help(self, text: impl Into<String>) -> Self {
        Self { help: Some(text.into()), ..self }
    }
}
