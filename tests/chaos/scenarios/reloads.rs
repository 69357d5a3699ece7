//! The configuration file changes all the time, and signals ask to read it.

use std::{fs, path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{mix::USUAL, stack::Plan};

/// The counter of attempts to reload.
const RELOADS: &str = "portcullis_config_reloads_total";
/// Signals in one burst, ten bursts a second.
const BURST: u32 = 20;

/// Each second another good file.
pub(super) async fn good(context: &Context) -> Result<Outcome, Failure> {
    changed(context, |text, round| format!("{text}  - {{ path: /api/round-{round}, scopes: [round] }}\n")).await
}

/// Each second another broken file: the configuration before stays active.
pub(super) async fn broken(context: &Context) -> Result<Outcome, Failure> {
    changed(context, |text, round| match round % 3 {
        0 => format!("{text}  - {{ path: /api/**, access: public, wrong: {round} }}\n"),
        1 => text.get(..text.len() * 2 / 3).unwrap_or_default().to_owned() + ": [",
        _ => String::new(),
    })
    .await
}

async fn changed(context: &Context, change: impl Fn(&str, u32) -> String) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    let file = stack.instance()?.config.clone();
    let text = fs::read_to_string(&file)?;
    let mut round = 0;
    let begun = Instant::now();
    while begun.elapsed() < context.time {
        replace(&file, &change(&text, round))?;
        round += 1;
        sleep(Duration::from_secs(1)).await;
    }
    let mut outcome = Outcome::default();
    let reloads = stack.instance()?.metric(RELOADS).await.unwrap_or_default();
    outcome.require(reloads > 0.0, || format!("{round} files, and {RELOADS} is {reloads}"));
    outcome.notes.push(format!("{round} files, {reloads} attempts to reload"));
    finish(stack, load, outcome).await
}

fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let beside = file.with_extension("new");
    fs::write(&beside, text)?;
    Ok(fs::rename(beside, file)?)
}

/// Signals without a pause.
pub(super) async fn hangups(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    let (begun, mut sent) = (Instant::now(), 0);
    let pid = stack.instance()?.running()?.pid();
    while begun.elapsed() < context.time {
        let line = format!("kill -HUP {pid}\n").repeat(usize::try_from(BURST)?);
        let status = tokio::process::Command::new("sh").args(["-c", &line]).status().await?;
        if !status.success() {
            return Err("Portcullis is gone amid SIGHUPs".into());
        }
        sent += BURST;
        sleep(Duration::from_millis(100)).await;
    }
    let mut outcome = Outcome::default();
    outcome.notes.push(format!("{sent} SIGHUPs"));
    finish(stack, load, outcome).await
}
