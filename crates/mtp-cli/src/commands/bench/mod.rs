//! `mtp bench`: what one machine does as data centre and clients at once.
//!
//! `center` is one side, in a process of its own, `rig` joins it with the clients, `load` makes them
//! work, `meter` counts what it costs, `floor` is the arithmetic that nobody can leave out, measured in
//! the same run; here is the table. Costs are processor time of both sides, so that they mean the same
//! on a machine that others use too.

mod center;
mod floor;
mod load;
mod meter;
mod process;
mod rig;

use core::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;

use self::floor::Floor;
use self::load::Memory;
use self::meter::Done;
use self::rig::Rig;
use crate::failure::Failure;
use crate::terminal::{Progress, Table};
use crate::{runtime, terminal};

/// Arguments of `mtp bench`.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    seconds: f64,
    /// Numbers of connections to spread calls over
    #[arg(long, value_delimiter = ',', default_value = "1,100,10000", value_name = "NUMBERS")]
    connections: Vec<usize>,
    /// See that everything runs, for less than a second each; the figures are rough
    #[arg(long, conflicts_with_all = ["seconds", "connections"])]
    quick: bool,
    /// Be the data centre, for so many clients
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
        return Err(anyhow!("--connections: no connections carry no calls").into());
    }
    let quick = (QUICK_TIME, &QUICK_CONNECTIONS[..]);
    let (time, connections) = if arguments.quick { quick } else { (time, &*arguments.connections) };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    runtime()?.block_on(bench(time, connections, processors))
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
        "A data centre and its clients, two processes on loopback and {processors} processors; \
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
        // Where the system does not tell, both processes had all processors.
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
        // One connection's memory is lost in the noise; the most of them show it best.
        if memory.as_ref().is_none_or(|(most, _)| count >= *most) {
            memory = load.memory.map(|memory| (count, memory));
        }
    }
    let download = load::download(&rig, time).await?;
    row("download, by the megabyte", MEGABYTE, download, floor.byte);
    rig.stop()?;
    terminal::summary(&match memory {
        Some((count, Memory { center, client })) => format!(
            "resident memory of a connection, among {}: {} in the data centre, {} in its client",
            grouped(count),
            amount(center, "B"),
            amount(client, "B")
        ),
        None => "resident memory: the system does not tell".to_owned(),
    });
    Ok(())
}

/// What is counted.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    /// So many at a time have a time that people can read.
    shown: f64,
}

const ONE: Unit = Unit { name: "", shown: 1.0 };
const MEGABYTE: Unit = Unit { name: "B", shown: 1e6 };

impl Unit {
    /// Writes the time that so many take, in seconds for one.
    fn time(self, seconds: f64) -> String {
        terminal::duration(Duration::try_from_secs_f64(seconds * self.shown).unwrap_or_default())
    }
}

/// Cuts numbers of connections to what a process may open: each needs a socket in both.
fn fitting(connections: &[usize]) -> anyhow::Result<Vec<usize>> {
    let Some(files) = process::raise_open_files() else { return Ok(connections.to_vec()) };
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

/// Writes a number with three digits that count.
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

/// Writes a whole number with its thousands parted.
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

/// How long `--quick` takes for each measurement, and over how many connections it makes calls.
const QUICK_TIME: Duration = Duration::from_millis(300);
const QUICK_CONNECTIONS: [usize; 2] = [1, 100];
/// Each part of the floor is steady after this.
const FLOOR_TIME: Duration = Duration::from_millis(500);
/// Files that a process needs beside connections.
const FILES_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits() {
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
    fn thousands_are_parted() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (10_000, "10,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
