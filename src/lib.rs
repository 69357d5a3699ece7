//! stub
pub mod admin;
pub mod app;
pub mod authorizer;
pub mod bearer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decision;
pub mod ext_authz;
pub mod identity;
pub mod json;
pub mod jwks;
pub mod jwt;
pub mod limits;
pub mod policy;
pub mod shutdown;
pub mod telemetry;
