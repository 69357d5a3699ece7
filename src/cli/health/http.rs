//! The questions to the admin port: `/healthz`, and `/readyz` on the same connection.

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    pin::{Pin, pin},
};

use axum::body::Body;
use hyper::{
    Request, StatusCode,
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;

use super::{
    answer::Answer,
    dial::{self, Target},
};
use crate::{config::quoted, limits};

const LIVE: &str = "/healthz";
const READY: &str = "/readyz";

/// A page as it was answered.
struct Page {
    status: StatusCode,
    body: Vec<u8>,
}

/// Asks for signs of life, and then whether it is ready, unless `live` is all that matters.
pub(super) async fn ask(target: &Target, live: bool) -> Answer {
    let answer = |is_healthy, path: &str, found: String| {
        let asked = format!("http://{target}{path}");
        Answer { is_healthy, asked, found }
    };
    // The admin port is never a socket.
    let Target::Tcp(address) = target else { return answer(false, LIVE, "there is no admin port".to_owned()) };
    let stream = match dial::tcp(*address).await {
        Ok(stream) => stream,
        Err(why) => return answer(false, LIVE, why),
    };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return answer(false, LIVE, NO_HTTP.to_owned());
    };
    let questions = async {
        match get(&mut sender, target, LIVE).await.and_then(|page| judge_life(&page)) {
            Err(why) => answer(false, LIVE, why),
            Ok(()) if live => answer(true, LIVE, "it shows signs of life".to_owned()),
            Ok(()) => match get(&mut sender, target, READY).await.and_then(|page| judge_readiness(&page)) {
                Err(why) => answer(false, READY, why),
                Ok(()) => answer(true, READY, "it is ready".to_owned()),
            },
        }
    };
    // What ends the connection fails the question, which says more about it.
    let driving = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    let (mut questions, mut driving) = (pin!(questions), pin!(driving));
    tokio::select! {
        answer = &mut questions => answer,
        never = &mut driving => match never {},
    }
}

async fn get(sender: &mut SendRequest<Body>, target: &Target, path: &str) -> Result<Page, String> {
    sender.ready().await.map_err(|_| NO_HTTP)?;
    let request = Request::get(path).header(header::HOST, target.to_string()).body(Body::empty());
    let request = request.map_err(|error| format!("it can't be asked: {error}"))?;
    let response = sender.send_request(request).await.map_err(|_| NO_HTTP)?;
    let status = response.status();
    Ok(Page { status, body: read(response.into_body()).await? })
}

async fn read(body: Incoming) -> Result<Vec<u8>, String> {
    let (mut body, mut bytes) = (body, Vec::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| NO_HTTP)?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if bytes.len() > limits::HEALTH_ANSWER_BYTES {
            return Err(stranger("a long page"));
        }
    }
    Ok(bytes)
}

/// Fails unless the page is ours and says that every thread shows signs of life.
fn judge_life(page: &Page) -> Result<(), String> {
    let text = String::from_utf8_lossy(&page.body);
    match page.status {
        StatusCode::OK if text == "ok\n" => Ok(()),
        // The page has a line for each thread.
        StatusCode::SERVICE_UNAVAILABLE => {
            let lines: Vec<&str> = text.lines().collect();
            Err(format!("503: {}", quoted(&lines.join(", "))))
        }
        status => Err(stranger(status.as_str())),
    }
}

fn judge_readiness(page: &Page) -> Result<(), String> {
    let json: serde_json::Value = serde_json::from_slice(&page.body).unwrap_or_default();
    match (page.status, json.get("ready").and_then(serde_json::Value::as_bool)) {
        (StatusCode::OK, Some(true)) => Ok(()),
        (StatusCode::SERVICE_UNAVAILABLE, Some(false)) => Err(format!("it is not ready{}", reason(&json))),
        (status, _) => Err(stranger(status.as_str())),
    }
}

/// The page's reason for not being ready.
fn reason(page: &serde_json::Value) -> String {
    if page.get("stopping").and_then(serde_json::Value::as_bool) == Some(true) {
        return ": it is stopping".to_owned();
    }
    let awaited = page.get("waits_for").and_then(serde_json::Value::as_array);
    let names = awaited.into_iter().flatten().filter_map(|issuer| issuer.get("issuer")?.as_str().map(quoted));
    let names: Vec<String> = names.collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => format!(": it waits for keys of {name}"),
        [name, rest @ ..] => format!(": it waits for keys of {name} and {} more", rest.len()),
    }
}

/// The answer is none of Portcullis's admin port.
fn stranger(answered: &str) -> String {
    format!("{answered}: this is not the admin port of Portcullis")
}

/// The text for an exchange that failed below HTTP: whether there was any, can't be told.
const NO_HTTP: &str = "no answer in HTTP/1.1: another service listens there, or this one has just ended";

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: u16, body: &str) -> Page {
        Page { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn only_our_pages_are_good() {
        assert_eq!(judge_life(&page(200, "ok\n")), Ok(()));
        let silent = page(503, "checks-0: no sign of life for 12 s\nchecks-1: no sign of life for 12 s\n");
        let said = judge_life(&silent).unwrap_err();
        assert_eq!(said, "503: `checks-0: no sign of life for 12 s, checks-1: no sign of life for 12 s`");
        for (status, body) in [(200, "OK"), (200, ""), (200, "<html>"), (404, ""), (204, ""), (500, "ok\n")] {
            let said = judge_life(&page(status, body)).unwrap_err();
            assert_eq!(said, format!("{status}: this is not the admin port of Portcullis"), "{body}");
        }
        assert_eq!(judge_readiness(&page(200, r#"{"ready":true}"#)), Ok(()));
        for (status, body) in
            [(200, r#"{"ready":false}"#), (503, r#"{"ready":true}"#), (200, "ok"), (503, ""), (404, "{}")]
        {
            let said = judge_readiness(&page(status, body)).unwrap_err();
            assert_eq!(said, format!("{status}: this is not the admin port of Portcullis"), "{body}");
        }
    }

    #[test]
    fn what_is_waited_for_is_said_and_can_do_no_harm_to_a_terminal() {
        let said = |page: &str| judge_readiness(&self::page(503, page)).unwrap_err();
        for (page, reason) in [
            (
                r#"{"ready":false,"stopping":false,"waits_for":[{"issuer":"https://i.example/","why":"x"},{"issuer":"b"}]}"#,
                ": it waits for keys of `https://i.example/` and 1 more",
            ),
            (r#"{"ready":false,"waits_for":[{"issuer":"\u001b[31m"}]}"#, r": it waits for keys of `\u{1b}[31m`"),
            (r#"{"ready":false,"stopping":true,"waits_for":[{"issuer":"b"}]}"#, ": it is stopping"),
            (r#"{"ready":false,"stopping":false,"waits_for":[]}"#, ""),
        ] {
            assert_eq!(said(page), format!("it is not ready{reason}"), "{page}");
        }
    }
}
