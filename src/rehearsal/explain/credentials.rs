//! The part of an explanation about the way in which the credentials came.

use super::steps::{Check, Outcome, Walk};
use crate::{bearer::credentials::Credentials, reason::DenyReason, rehearsal::answered::Answered};

/// Says how the credentials came.
pub(super) fn credentials(walk: &mut Walk, values: &[&[u8]], answered: &Answered) {
    let failed = matches!(
        answered.deny,
        Some(
            DenyReason::NoCredentials
                | DenyReason::UnsupportedScheme
                | DenyReason::MalformedCredentials
                | DenyReason::SeveralCredentials
                | DenyReason::OverlongCredentials
        )
    );
    let found = match (Credentials::parse(values.iter().copied()), answered.deny) {
        (Ok(Credentials::None), _) => "none".to_owned(),
        (Ok(Credentials::OtherScheme), _) => "another scheme than Bearer".to_owned(),
        (Ok(Credentials::Bearer(token)), _) => format!("a bearer token of {} characters", token.expose().len()),
        (Err(DenyReason::SeveralCredentials), _) if values.len() > 1 => format!("{} of them", values.len()),
        (Err(DenyReason::SeveralCredentials), _) => "two in one header, joined by a comma".to_owned(),
        (Err(DenyReason::OverlongCredentials), _) => "too many characters".to_owned(),
        (Err(_), _) => "not of the form `Bearer <token>`".to_owned(),
    };
    let known = Check::found(found).expected("one `Authorization: Bearer <token>`");
    if answered.allowed && answered.token.is_none() {
        walk.skipped("credentials", "authorization", Outcome::NotNeeded, known);
    } else {
        walk.made("credentials", "authorization", failed, known);
    }
}
