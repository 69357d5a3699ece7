//! Redaction of the parts of a file that must not be printed beside its problems: passwords in URLs, and secrets written where
//! they don't belong. It errs on the side of hiding: an excerpt with too many asterisks does no harm. So comments, of which
//! nothing tells what is in them, are hidden as well.

mod hide;
mod lines;
mod name_cache;
pub(crate) mod secret_text;
pub(crate) mod text;
mod tree;
pub(crate) mod vocabulary;
