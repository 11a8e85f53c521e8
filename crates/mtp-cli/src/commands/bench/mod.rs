//! `mtp bench`: throughput and cost of a data center and its clients on one machine.
//!
//! `center` is the data center in its own process, `rig` connects clients to it, `load` generates work, `meter`
//! measures its cost, `floor` measures the bare cryptography in the same run; this file prints the table. Costs
//! are processor time of both processes, so they are comparable on a busy machine. `attack` is `--attack` and
//! `--goodput`.

mod attack;
mod center;
mod floor;
mod load;
mod meter;
mod process;
mod rig;

use core::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;

use self::attack::Extent;
use self::floor::Floor;
use self::load::Memory;
use self::meter::Done;
use self::rig::Rig;
use crate::failure::Failure;
use crate::system::{block_on, limits};
use crate::terminal;
use crate::terminal::{Progress, Table};

/// Arguments of `mtp bench`.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    seconds: f64,
    /// Numbers of connections to spread calls over
    #[arg(long, value_delimiter = ',', default_value = "1,100,10000", value_name = "NUMBERS")]
    connections: Vec<usize>,
    /// Check that everything runs, for less than a second each; the figures are rough
    #[arg(long, conflicts_with_all = ["seconds", "connections"])]
    quick: bool,
    /// Attack a server beside an honest client instead; exits with 1 if a limit is exceeded
    #[arg(long, conflicts_with = "connections")]
    attack: bool,
    /// Only attacks whose description contains this
    #[arg(long, requires = "attack", value_name = "TEXT")]
    only: Option<String>,
    /// Measure instead what gets through when more is wanted than a limit allows
    #[arg(long, conflicts_with_all = ["connections", "attack", "quick"])]
    goodput: bool,
    /// Run as the data center, for this many clients
    #[arg(long, hide = true)]
    serve: Option<usize>,
}

pub(crate) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    if let Some(clients) = arguments.serve {
        return center::run(clients);
    }
    let time = Duration::try_from_secs_f64(arguments.seconds)
        .context("--seconds is not a number of seconds")?;
    if arguments.connections.contains(&0) {
        return Err(anyhow!("--connections must not be 0").into());
    }
    let quick = (QUICK_TIME, &QUICK_CONNECTIONS[..]);
    let (time, connections) = if arguments.quick { quick } else { (time, &*arguments.connections) };
    if arguments.attack {
        limits::raise_descriptors();
        let extent = if arguments.quick { Extent::Few } else { Extent::All };
        let only = arguments.only.as_deref().unwrap_or_default();
        return block_on(attack::attacks(time, extent, only));
    }
    if arguments.goodput {
        limits::raise_descriptors();
        return block_on(attack::goodput(time));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    block_on(bench(time, connections, processors))
}

async fn bench(time: Duration, connections: &[usize], processors: usize) -> Result<(), Failure> {
    let floor = {
        let mut progress = Progress::new();
        progress.begin("arithmetic …");
        Floor::measure(time.min(FLOOR_TIME))?
    };
    let connections = fitting(connections)?;
    let rig = Rig::start(connections.iter().copied().max().unwrap_or(1).max(1))?;
    terminal::title(&format!(
        "A data center and its clients, two processes on loopback and {processors} processors; \
         {} s each",
        time.as_secs_f64()
    ));
    let table = Table::new(&[
        ("", 32),
        ("a second", 10),
        ("processor", 12),
        ("crypto alone", 12),
        ("of it", 6),
    ]);
    let row = |what: &str, unit: Unit, done: Done, floor: f64| {
        // If the system does not report processor time, both processes used all processors.
        let cost = done.cost.unwrap_or(whole(processors) / done.per_second);
        let share = format!("{:.0} %", floor / cost * 100.0);
        let rate = amount(done.per_second, unit.name);
        table.row(&[what, &rate, &unit.time(cost), &unit.time(floor), &share]);
    };

    let exchanges = load::exchanges(&rig, time, processors.saturating_mul(4)).await?;
    row("key exchanges", ONE, exchanges, floor.exchange);
    let mut memory: Option<(usize, Memory)> = None;
    for count in connections {
        let load = load::calls(&rig, time, count).await?;
        let plural = if count == 1 { "" } else { "s" };
        let what = format!("calls over {} connection{plural}", grouped(count));
        row(&what, ONE, load.done, floor.call);
        // The memory of one connection is lost in noise; the largest number is the most exact.
        if memory.as_ref().is_none_or(|(most, _)| count >= *most) {
            memory = load.memory.map(|memory| (count, memory));
        }
    }
    let download = load::download(&rig, time).await?;
    row("download, by the megabyte", MEGABYTE, download, floor.byte);
    rig.stop()?;
    terminal::summary(&match memory {
        Some((count, Memory { center, client })) => format!(
            "resident memory of a connection, among {}: {} in the data center, {} in its client",
            grouped(count),
            amount(center, "B"),
            amount(client, "B")
        ),
        None => "resident memory: not reported by the system".to_owned(),
    });
    Ok(())
}

/// Unit of a row.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    /// How many of them are shown as one duration.
    shown: f64,
}

const ONE: Unit = Unit { name: "", shown: 1.0 };
const MEGABYTE: Unit = Unit { name: "B", shown: 1e6 };

impl Unit {
    /// Formats the time of that many; `seconds` is the time of one.
    fn time(self, seconds: f64) -> String {
        terminal::duration(Duration::try_from_secs_f64(seconds * self.shown).unwrap_or_default())
    }
}

/// Limits numbers of connections by descriptors: each needs a socket in both processes.
fn fitting(connections: &[usize]) -> anyhow::Result<Vec<usize>> {
    let Some(files) = limits::raise_descriptors() else { return Ok(connections.to_vec()) };
    let most = files.saturating_sub(FILES_KEPT);
    if most == 0 {
        return Err(anyhow!("the process may open {files} files only: raise it with ulimit -n"));
    }
    let mut cut = connections.to_vec();
    for count in &mut cut {
        if *count > most {
            let needed = count.saturating_add(FILES_KEPT);
            terminal::note(&format!(
                "{most} connections instead of {count}: a process may open {files} files here; \
                 raise it with ulimit -n {needed}"
            ));
            *count = most;
        }
    }
    Ok(cut)
}

/// Formats a number with three significant digits.
fn amount(number: f64, unit: &str) -> String {
    let (scaled, prefix) = match number {
        1e9.. => (number / 1e9, " G"),
        1e6.. => (number / 1e6, " M"),
        1e4.. => (number / 1e3, " k"),
        _ => (number, if unit.is_empty() { "" } else { " " }),
    };
    let digits = match scaled {
        100.0.. => 0,
        10.0.. => 1,
        _ if scaled.fract() == 0.0 => 0,
        _ => 2,
    };
    format!("{scaled:.digits$}{prefix}{unit}")
}

/// Formats a whole number with separated thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn whole(count: usize) -> f64 {
    count as f64
}

/// Duration of a measurement with `--quick`, and its numbers of connections.
const QUICK_TIME: Duration = Duration::from_millis(300);
const QUICK_CONNECTIONS: [usize; 2] = [1, 100];
/// Duration of each part of the floor; longer ones are no more exact.
const FLOOR_TIME: Duration = Duration::from_millis(500);
/// Descriptors that a process needs besides connections.
const FILES_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_significant_digits() {
        for (number, unit, expected) in [
            (0.0, "", "0"),
            (7.0, "", "7"),
            (312.4, "", "312"),
            (9_999.0, "", "9999"),
            (12_345.0, "", "12.3 k"),
            (1_234_567.0, "", "1.23 M"),
            (1_234_567_890.0, "B", "1.23 GB"),
            (512.0, "B", "512 B"),
        ] {
            assert_eq!(amount(number, unit), expected);
        }
    }

    #[test]
    fn thousands_are_separated() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (10_000, "10,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
