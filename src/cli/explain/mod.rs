//! `portcullis explain`: why is this request allowed or denied?

mod error;
mod input;
mod live;
mod request;

use std::{path::PathBuf, process::ExitCode};

use self::{error::ExplainError, request::RequestError};
use super::{
    environment,
    exit_code::{FAILED, USAGE},
    output,
};
use crate::{
    clock::{Clock as _, SystemClock},
    config,
    tools::{
        explain::{self, Explanation, Signatures, text},
        simulate::{
            request::{Ask, Credentials, Recipe},
            response::Answered,
            simulator::{Stage, StageError},
            timestamp,
        },
    },
};
use portcullis_engine::time::UnixTime;

/// Says why a request is allowed or denied, check by check, without a running service.
///
/// Offline, as it is unless `--live` is given, nothing but the configuration file is read: no secret, no key, no
/// network. Everything about a token is judged but its signature.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis explain [OPTIONS] [FILE] [REQUEST]...
       portcullis explain [OPTIONS] --config <FILE> [REQUEST]...")]
#[command(after_help = "\
Examples:
  portcullis explain portcullis.yaml GET https://api.example.com/api/messages/7 --token @token.jwt

  pbpaste | portcullis explain portcullis.yaml GET /api/private --host api.example.com --token -

  portcullis explain --config portcullis.yaml DELETE /api/messages/7 --claims '{\"scope\": \"delete:messages\"}'

A token on the command line stays in the shell's history and is seen by others on the machine:
give it with @FILE or on standard input (`-`).

Exit codes: 0 allowed, 1 denied, 2 the command line or a file is wrong.")]
pub(super) struct ExplainArgs {
    /// The configuration file [env: PORTCULLIS_CONFIG], unless `--config` names it, and then the request: a path or URL,
    /// `METHOD URL`, or a request line `GET /path HTTP/1.1`
    #[arg(value_name = "FILE | REQUEST", num_args = 0..)]
    words: Vec<String>,
    /// The configuration file as an option
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The method, if the request names none (default: GET)
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// The host, if the request is a path
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// A header of the request; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The access token: @FILE, `-` for standard input, or (unsafe) itself
    #[arg(long, value_name = "@FILE", conflicts_with = "claims")]
    token: Option<Secretive>,
    /// Claims in place of a token, as a JSON object or @FILE: what an issuer's tokens always have is filled in
    #[arg(long, value_name = "JSON|@FILE")]
    claims: Option<String>,
    /// A captured CheckRequest in protobuf JSON, as grpcurl takes it: FILE, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "host"])]
    check_request: Option<String>,
    /// The named policy that the Envoy route chooses (`portcullis_policy` of its context_extensions)
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// When: `2026-01-31T12:00:00Z`, seconds since 1970, `now`, `now-5m`
    #[arg(long, value_name = "TIME", default_value = "now")]
    at: String,
    /// Fetches the keys of the token's issuer, and checks its signature
    #[arg(long, conflicts_with = "claims")]
    live: bool,
    /// How the explanation is printed
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Something that is not to be printed.
#[derive(Clone)]
pub(super) struct Secretive(String);

impl std::fmt::Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secretive(..)")
    }
}

impl From<&str> for Secretive {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

pub(super) async fn run(args: ExplainArgs) -> ExitCode {
    match explained(&args).await {
        Ok(explanation) => {
            print(&explanation, args.format);
            if explanation.verdict.allowed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
        }
        Err(ExplainError::Config(problems)) => {
            output::problems(&problems);
            ExitCode::from(USAGE)
        }
        Err(error) => {
            output::error(&error.to_string());
            ExitCode::from(USAGE)
        }
    }
}

fn print(explanation: &Explanation, format: Format) {
    match format {
        Format::Text => output::text(&text::render(explanation, output::stdout_wants_colour())),
        Format::Json => output::json(explanation),
    }
}

async fn explained(args: &ExplainArgs) -> Result<Explanation, ExplainError> {
    let env = environment::read();
    let from_stdin = [args.token.as_ref().map(|token| token.0.as_str()), args.claims.as_deref()];
    if from_stdin.into_iter().chain([args.check_request.as_deref()]).filter(|input| *input == Some("-")).count() > 1 {
        return Err(ExplainError::TwoInputs);
    }
    let at = timestamp::parse(&args.at, SystemClock.now())?;
    let (file, words) = request::split_config(&args.words, args.check_request.is_some())?;
    if let (Some(_), Some(_)) = (file, &args.config) {
        return Err(RequestError::TwoConfigurations.into());
    }
    let config = config::path_of(file.or(args.config.as_deref()), &env);
    let mut ask = asked(args, words, at)?;
    if let Some(token) = &args.token {
        let token = input::token(&token.0).map_err(|error| ExplainError::Input("--token", error))?;
        ask.message.authorize(format!("Bearer {token}").into_bytes());
    }
    if args.live {
        let loaded = config::load(config, &env)?;
        return live::explained(loaded.config, &ask).await;
    }
    let offline = config::load_offline(config, &env)?;
    let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
    if let Some(claims) = &args.claims {
        let claims = input::claims(claims).map_err(|error| ExplainError::Input("--claims", error))?;
        let recipe = recipe(&stage, &claims, at)?;
        let token = stage.mint(&recipe).map_err(StageError::from)?;
        ask.message.authorize(format!("Bearer {token}").into_bytes());
        let answered = stage.ask(&ask)?;
        let explanation = explain::explain(&stage, &ask, &answered, Signatures::MadeHere);
        let filled_in = recipe.claims.keys().filter(|claim| !claims.contains_key(*claim)).cloned().collect();
        return Ok(Explanation { filled_in, ..explanation });
    }
    let answered: Answered = stage.ask(&ask.clone().credentials(Credentials::Resigned))?;
    Ok(explain::explain(&stage, &ask, &answered, Signatures::NotChecked))
}

/// The request, without what `--token` and `--claims` add.
fn asked(args: &ExplainArgs, words: &[String], at: UnixTime) -> Result<Ask, ExplainError> {
    let mut ask = match &args.check_request {
        Some(_) if !words.is_empty() => return Err(RequestError::TwoRequests.into()),
        Some(file) => {
            let text = input::captured(file).map_err(|error| ExplainError::Input("--check-request", error))?;
            Ask::captured(&text, at)?
        }
        None => {
            let read = request::read(words, args.method.as_deref(), args.host.as_deref())?;
            Ask::new(&read.method, read.host.as_deref(), &read.path, at)
        }
    };
    let credentials = [("--token", args.token.is_some()), ("--claims", args.claims.is_some())];
    let option = credentials.into_iter().find_map(|(option, is_given)| is_given.then_some(option));
    for header in &args.headers {
        let (name, value) = request::header(header)?;
        // The policy refuses two credentials, so none is dropped in silence.
        if let Some(option) = option.filter(|_| name == "authorization") {
            return Err(ExplainError::TwoCredentials(option));
        }
        ask = ask.header(&name, value);
    }
    if let Some(policy) = &args.policy {
        ask = ask.policy(policy);
    }
    Ok(ask)
}

/// A token of these claims, with what tokens of their issuer always have. `null` takes a claim away.
fn recipe(
    stage: &Stage,
    claims: &serde_json::Map<String, serde_json::Value>,
    at: UnixTime,
) -> Result<Recipe, ExplainError> {
    let named = claims.get("iss").and_then(|issuer| issuer.as_str());
    let mut issuers = stage.issuers();
    let rules = match (named.map(|issuer| stage.rules_of(issuer)), issuers.next(), issuers.next()) {
        (Some(Some(rules)), _, _) => rules,
        // Of an issuer that nobody configured: what a token of any other would have.
        (Some(None), Some(first), _) | (None, Some(first), None) => first,
        (_, None, _) => return Err(ExplainError::NoIssuers),
        (None, Some(_), Some(_)) => return Err(ExplainError::NoIssuer),
    };
    let mut recipe = Recipe { issuer: Some(rules.issuer.to_string()), ..Recipe::usual(rules, at) };
    for (name, value) in claims {
        if value.is_null() {
            recipe.claims.remove(name);
        } else {
            recipe.claims.insert(name.clone(), value.clone());
        }
    }
    Ok(recipe)
}

#[cfg(test)]
mod tests;
