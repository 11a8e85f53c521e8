//! `mtp replay`: a log as a timeline that people can read.
//!
//! A client's log is run again, byte for byte, and its timeline says what came of each input; of other
//! machines' logs it says what was done. `story` finds the words. No bodies are printed and no keys:
//! a timeline may be shown around, a log may not.

mod story;

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use mtp_session::record::{ClientReplay, Timeline};

use self::story::Story;
use crate::api::Api;
use crate::failure::Failure;
use crate::recording::Recording;
use crate::schema::SchemaOption;
use crate::terminal;

/// Arguments of `mtp replay`.
#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// The log; `mtp client --log-session` writes one
    log: PathBuf,
    /// Also what led to nothing: timers, and questions without an answer
    #[arg(long)]
    all: bool,
    /// Only read the log, do not run it: for logs of other versions of this program
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    schema: SchemaOption,
}

pub(crate) fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let log = std::fs::read(&arguments.log)
        .with_context(|| format!("cannot read {}", arguments.log.display()))?;
    let api = Api::load(&arguments.schema)?;
    let timeline = Timeline::new(&log).with_context(|| arguments.log.display().to_string())?;
    let is_run = !arguments.read_only;
    let recording = is_run.then(|| Recording::read(timeline.head().note).ok()).flatten();
    let outcome = match recording {
        Some(recording) => run_again(&log, &recording, &api, arguments.all),
        None => read(timeline, arguments.all),
    };
    Ok(outcome.with_context(|| arguments.log.display().to_string())?)
}

/// Runs a client again.
fn run_again(log: &[u8], recording: &Recording, api: &Api, all: bool) -> anyhow::Result<()> {
    let mut replay = ClientReplay::new(log, |_| recording.config(api))?;
    let mut story = Story::new(api);
    let mut out = Vec::new();
    loop {
        out.clear();
        let step = replay
            .step(&mut out)
            .map_err(|why| anyhow!("{why}; --read-only shows what was done all the same"))?;
        let Some(step) = step else { break };
        for line in story.tell(&step, &out, all) {
            terminal::result(line);
        }
    }
    terminal::summary("the same run, byte for byte");
    Ok(())
}

/// Says what was done, not what came of it.
fn read(timeline: Timeline<'_>, all: bool) -> anyhow::Result<()> {
    for moment in timeline {
        let text = moment?.to_string();
        // What a machine is asked again and again.
        let is_idle = [" event", " timeout", " poll_work"].iter().any(|idle| text.ends_with(idle))
            || text.ends_with(", 0 B");
        if all || !is_idle {
            terminal::result(text);
        }
    }
    Ok(())
}
