//! The fields there are: one table for what `decode` takes, for what a variable of the environment can set, and for the
//! JSON Schema that editors complete the file with.

mod json;
mod kind;
mod table;

pub use json::json_schema;
pub(crate) use kind::{Field, Kind, List};
pub(crate) use table::{
    CLAIM, FILE, HEADERS, IDENTITY, ISSUER, LISTEN, POLICY, REQUEST_CLAIM, ROUTE, SCOPES, SOCKET, is_field,
};
