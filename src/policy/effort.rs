//! Counts the bytes of paths that are looked at, for tests that bound what the most costly path takes: time would tell of the
//! machine.

/// So many bytes are looked at. Costs nothing but in tests.
#[inline]
pub(super) fn look_at(bytes: usize) {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + bytes);
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
thread_local! {
    static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many it were on this thread since it was asked last.
#[cfg(test)]
pub(super) fn looks() -> usize {
    LOOKS.replace(0)
}
