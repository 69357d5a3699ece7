//! The part of an explanation about the way in which the credentials came.

use super::steps::{Check, Outcome, Walk};
use crate::tools::simulate::response::Answered;
use portcullis_engine::{oauth::credentials::Credentials, reason::DenyReason};

/// Says how the credentials came.
pub(super) fn credentials(walk: &mut Walk, values: &[&[u8]], answered: &Answered) {
    let parsed = Credentials::parse(values.iter().copied());
    let refusal = match &parsed {
        Ok(Credentials::None) => Some(DenyReason::NoCredentials),
        Ok(Credentials::OtherScheme) => Some(DenyReason::UnsupportedScheme),
        Ok(Credentials::Bearer(_)) => None,
        Err(reason) => Some(*reason),
    };
    let failed = refusal.is_some() && answered.deny == refusal;
    let found = match parsed {
        Ok(Credentials::None) => "none".to_owned(),
        Ok(Credentials::OtherScheme) => "another scheme than Bearer".to_owned(),
        Ok(Credentials::Bearer(token)) => format!("a bearer token of {} characters", token.expose().len()),
        Err(DenyReason::SeveralCredentials) if values.len() > 1 => format!("{} of them", values.len()),
        Err(DenyReason::SeveralCredentials) => "two in one header, joined by a comma".to_owned(),
        Err(DenyReason::OverlongCredentials) => "too many characters".to_owned(),
        Err(_) => "not of the form `Bearer <token>`".to_owned(),
    };
    let known = Check::found(found).expected("one `Authorization: Bearer <token>`");
    if answered.allowed && answered.token.is_none() {
        walk.skipped("credentials", "authorization", Outcome::NotNeeded, known);
    } else {
        walk.made("credentials", "authorization", failed, known);
    }
}
