//! Sends the quickstart's requests to a running stack and shows each with its answer.

mod cases;
mod judge;
pub(super) mod tokens;

use tokio::time::{Instant, sleep};

use self::{
    cases::{Case, cases},
    judge::{Answer, judge},
    tokens::{Tokens, obtain},
};
use super::{
    client::Client,
    error::DemoError,
    screen::{Look, Screen},
};
use crate::limits;

/// Where the stack is.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// Envoy's URL.
    pub(super) envoy: String,
    /// Where the demo issuer is reached; its `iss` may be another.
    pub(super) issuer: String,
    /// The audience that Portcullis expects.
    pub(super) audience: String,
}

/// Waits for the stack, then sends the list. True if every answer was the expected one.
///
/// # Errors
/// When the stack doesn't get ready, or stops answering.
pub(super) async fn run(screen: Screen, client: &Client, stack: &Stack) -> Result<bool, DemoError> {
    ready(client, stack).await?;
    let tokens = Tokens::obtain(client, &stack.issuer, &stack.audience).await?;
    let cases = cases(tokens);
    let total = cases.len();
    let mut good = 0_usize;
    for (number, case) in (1..).zip(&cases) {
        let answer = send(client, stack, case).await?;
        let problems = judge(&case.expect, &answer);
        good = good.saturating_add(usize::from(problems.is_empty()));
        show(screen, number, case, &answer, &problems);
    }
    let look = if good == total { Look::Good } else { Look::Bad };
    screen.line(format_args!("\n{}", screen.paint(look, &format!("{good} of {total} answers are the expected ones"))));
    Ok(good == total)
}

/// Envoy, Portcullis, its keys and the upstream are there once a good token no longer gets a 5xx answer.
async fn ready(client: &Client, stack: &Stack) -> Result<(), DemoError> {
    let until = Instant::now() + limits::READY;
    loop {
        let last = match try_once(client, stack).await {
            Ok(status) if status < 500 => return Ok(()),
            Ok(status) => format!("`{}` answers {status}", stack.envoy),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= until {
            return Err(DemoError::NotReady { seconds: limits::READY.as_secs(), last });
        }
        sleep(limits::POLL).await;
    }
}

async fn try_once(client: &Client, stack: &Stack) -> Result<u16, DemoError> {
    let token = obtain(client, &stack.issuer, &stack.audience, &[]).await?;
    let authorization = format!("Bearer {token}");
    let url = format!("{}/api/private", stack.envoy.trim_end_matches('/'));
    Ok(client.get(&url, &[("authorization", &authorization)]).await?.status)
}

async fn send(client: &Client, stack: &Stack, case: &Case) -> Result<Answer, DemoError> {
    let url = format!("{}{}", stack.envoy.trim_end_matches('/'), case.path);
    let authorization = case.token.as_ref().map(|token| format!("Bearer {token}"));
    let mut headers = case.headers.to_vec();
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    Ok(Answer::from(&client.get(&url, &headers).await?))
}

fn show(screen: Screen, number: usize, case: &Case, answer: &Answer, problems: &[String]) {
    let verdict = if problems.is_empty() { screen.paint(Look::Good, "ok  ") } else { screen.paint(Look::Bad, "FAIL") };
    let request = screen.paint(Look::Bold, &format!("{:<24}", format!("GET {}", case.path)));
    screen.line(format_args!("{number:>2} {verdict}  {request} {:<36} {}", case.credentials, answer.status));
    for challenge in &answer.challenges {
        screen.line(format_args!("         {}", screen.paint(Look::Faint, &format!("www-authenticate: {challenge}"))));
    }
    if answer.upstream.is_some() {
        let seen: Vec<String> = answer.subjects().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let seen = if seen.is_empty() { "no x-auth-subject".to_owned() } else { seen.join(", ") };
        screen.line(format_args!("         {}", screen.paint(Look::Faint, &format!("upstream saw {seen}"))));
    }
    for problem in problems {
        screen.line(format_args!("         {}", screen.paint(Look::Bad, problem)));
    }
}

#[cfg(test)]
mod tests;
