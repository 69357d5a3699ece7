//! Counts the bytes of paths that are looked at, for tests that bound what the most costly path takes: time would tell of the
//! machine.

/// Counts bytes that are looked at. Costs nothing outside of tests.
#[inline]
pub(crate) fn look_at(bytes: usize) {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + bytes);
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
thread_local! {
    static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Returns the count of this thread, and begins anew.
#[cfg(test)]
pub(crate) fn looks() -> usize {
    LOOKS.replace(0)
}
