//! The age of Checks at their decision: the time since Envoy received the request, by Envoy's clock and ours. It shows waiting
//! that our own clock can't see, in Envoy, in the kernel or on the way.
//!
//! Reading the time of each message would cost some 200 instructions, so each thread looks at one Check in a second.

use std::cell::Cell;

use tokio::time::Instant;

use super::protobuf_reader::{Key, Malformed, Wire};
use crate::limits;
use portcullis_engine::time::UnixTime;

thread_local! {
    /// The time from which this thread looks at the age of the next Check.
    static NEXT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Returns whether to look at the age of a Check that this thread decides now.
pub(crate) fn is_due(now: Instant) -> bool {
    let is_due = NEXT.get().is_none_or(|next| next <= now);
    if is_due {
        NEXT.set(Some(now + limits::REQUEST_AGE_SAMPLED));
    }
    is_due
}

/// Returns the time at which Envoy received the request of a `CheckRequest`, `attributes.request.time`, if the message is well
/// formed and has one.
pub(crate) fn received(message: &[u8]) -> Option<UnixTime> {
    let (mut seconds, mut nanos) = (0, 0);
    let read = Wire::new(message).fields(|wire, key| {
        inside(wire, key, 1, |wire, key| {
            inside(wire, key, 4, |wire, key| {
                inside(wire, key, 1, |wire, key| match key.field {
                    1 => wire.number(key).map(|number| seconds = number),
                    2 => wire.number(key).map(|number| nanos = number),
                    _ => wire.skip(key),
                })
            })
        })
    });
    let (seconds, millis) = (i64::try_from(seconds).ok()?, i64::try_from(nanos / 1_000_000).ok()?);
    let is_valid = read.is_ok() && seconds > 0 && millis < 1000;
    is_valid.then(|| UnixTime::from_millis(seconds.saturating_mul(1000).saturating_add(millis)))
}

/// Reads the message in that field, and passes over others.
fn inside<'m>(
    wire: &mut Wire<'m>,
    key: Key,
    number: u32,
    field: impl FnMut(&mut Wire<'m>, Key) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    if key.field == number { wire.message(key, field) } else { wire.skip(key) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use envoy_types::pb::{
        envoy::service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Request},
        },
        google::protobuf::Timestamp,
    };
    use prost::Message as _;

    use super::*;

    fn message(time: Option<Timestamp>) -> Vec<u8> {
        let http = Some(HttpRequest { method: "GET".into(), path: "/".into(), ..HttpRequest::default() });
        let attributes = AttributeContext {
            request: Some(Request { time, http }),
            context_extensions: [("portcullis_policy".to_owned(), "a".to_owned())].into(),
            ..AttributeContext::default()
        };
        CheckRequest { attributes: Some(attributes) }.encode_to_vec()
    }

    #[test]
    fn the_time_of_a_message_is_what_the_generated_types_wrote() {
        for (seconds, nanos, millis) in [
            (1_800_000_000, 123_999_999, Some(1_800_000_000_123)),
            (1, 0, Some(1000)),
            (253_402_300_799, 999_999_999, Some(253_402_300_799_999)),
            (0, 5, None),
            (-1, 0, None),
            (i64::MAX, 0, Some(i64::MAX)),
            (1_800_000_000, 1_000_000_000, None),
            (1_800_000_000, -1, None),
        ] {
            let got = received(&message(Some(Timestamp { seconds, nanos }))).map(UnixTime::as_millis);
            assert_eq!(got, millis, "{seconds} {nanos}");
        }
    }

    #[test]
    fn messages_without_a_time_or_with_a_broken_one_have_none() {
        assert_eq!(received(&message(None)), None);
        assert_eq!(received(b""), None);
        let whole = message(Some(Timestamp { seconds: 1_800_000_000, nanos: 0 }));
        for end in 0..whole.len() {
            assert_eq!(received(&whole[..end]), None, "{end}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_looks_at_one_check_in_each_interval() {
        let looked = async |checks: u32, pause: Duration| {
            let mut looked = 0;
            for _ in 0..checks {
                looked += u32::from(is_due(Instant::now()));
                tokio::time::advance(pause).await;
            }
            looked
        };
        tokio::time::advance(limits::REQUEST_AGE_SAMPLED).await;
        assert_eq!(looked(10, Duration::ZERO).await, 1);
        assert_eq!(looked(40, limits::REQUEST_AGE_SAMPLED / 4).await, 9, "one in four, from the second interval on");
        assert_eq!(looked(10, limits::REQUEST_AGE_SAMPLED).await, 10, "each of them, where they are few");
    }
}
