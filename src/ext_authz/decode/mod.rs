//! From the bytes of a `CheckRequest` to the request that is judged.

pub mod attributes;
pub(crate) mod check_request_reader;
pub(crate) mod headers;
pub(crate) mod method_override;
pub(crate) mod protobuf_reader;
pub(crate) mod request_age;
pub(crate) mod schema;
