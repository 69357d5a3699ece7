//! The way of a Check from the socket to the gRPC frame: listeners, connections, dispatch, framing.

pub mod codec;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod dispatch;
pub(crate) mod grpc_frame;
pub mod server;
