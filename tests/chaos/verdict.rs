//! The rule that makes a scenario good, bad or invalid.

/// A hundredth of the requests may be lost by the machine.
const EXCUSED_PERCENT: u64 = 1;
/// So many of a hundred requests must have been sent.
const SENT_PERCENT: u64 = 95;

/// The numbers that decide.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Requests that were due.
    pub(crate) due: u64,
    /// Requests that were sent.
    pub(crate) sent: u64,
    /// Wrong answers, lost requests and other problems.
    pub(crate) wrong: u64,
    /// Requests that the machine lost.
    pub(crate) excused: u64,
}

/// The verdict on a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every answer was right.
    Good,
    /// At least one thing was wrong.
    Bad,
    /// The run proves nothing: too little was sent, or too much excused.
    Invalid,
}

impl Counts {
    /// Returns the verdict on them.
    pub(crate) const fn ending(self) -> Ending {
        let sent_too_few = self.sent == 0 || self.sent * 100 < self.due * SENT_PERCENT;
        let excused_too_many = self.excused * 100 > self.sent * EXCUSED_PERCENT;
        if self.wrong > 0 {
            Ending::Bad
        } else if sent_too_few || excused_too_many {
            Ending::Invalid
        } else {
            Ending::Good
        }
    }
}
