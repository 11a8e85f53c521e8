//! `mtp demo`: a data center, a proxy and a client on this machine, over every transport.
//!
//! `world` contains the servers, `visit` the client's steps; this file prints the table.

mod visit;
mod world;

use core::time::Duration;
use std::time::Instant;

use anyhow::Context;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use self::visit::Visit;
use self::world::{DC, World};
use crate::api::Api;
use crate::failure::Failure;
use crate::system::block_on;
use crate::terminal;
use crate::terminal::Table;
use crate::transport::Transport;

/// Arguments of `mtp demo`.
#[derive(Args)]
pub(crate) struct Demo {
    /// Port on 127.0.0.1 for the data center; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long each step may take, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    timeout: f64,
    /// Only this transport; may be repeated [default: all]
    #[arg(long = "transport", value_enum, value_name = "TRANSPORT")]
    ways: Vec<Way>,
}

/// A way from the client to the data center.
#[derive(Clone, Copy)]
enum Way {
    Direct(Transport),
    /// Through the proxy, with a secret of this kind.
    Proxied(Secret),
    /// Packets in UDP, experimental.
    Datagram,
}

#[derive(Clone, Copy)]
enum Secret {
    Plain,
    Padded,
    FakeTls,
}

impl ValueEnum for Way {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Direct(Transport::Abridged),
            Self::Direct(Transport::Intermediate),
            Self::Direct(Transport::Padded),
            Self::Direct(Transport::Full),
            Self::Direct(Transport::ObfAbridged),
            Self::Direct(Transport::ObfIntermediate),
            Self::Direct(Transport::ObfPadded),
            Self::Direct(Transport::Http),
            Self::Direct(Transport::Ws),
            Self::Proxied(Secret::Plain),
            Self::Proxied(Secret::Padded),
            Self::Proxied(Secret::FakeTls),
            Self::Datagram,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Direct(transport) => transport.to_possible_value(),
            Self::Proxied(secret) => Some(PossibleValue::new(match secret {
                Secret::Plain => "proxy-plain",
                Secret::Padded => "proxy-dd",
                Secret::FakeTls => "proxy-ee",
            })),
            Self::Datagram => Some(PossibleValue::new("datagram")),
        }
    }
}

impl Way {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns the lengths of the transferred file and of its parts.
    const fn file(self) -> (usize, usize) {
        match self {
            // As usual clients choose.
            Self::Direct(_) | Self::Proxied(_) => (512 << 10, 128 << 10),
            // One part in each datagram.
            Self::Datagram => (32 << 10, 1 << 10),
        }
    }
}

pub(crate) fn run(arguments: &Demo) -> Result<(), Failure> {
    let timeout = Duration::try_from_secs_f64(arguments.timeout)
        .context("--timeout is not a number of seconds")?;
    let all = Way::value_variants();
    let ways = if arguments.ways.is_empty() { all } else { &arguments.ways };
    block_on(demo(arguments.port, timeout, ways))
}

async fn demo(port: u16, timeout: Duration, ways: &[Way]) -> Result<(), Failure> {
    let started = Instant::now();
    let api = Api::built_in()?;
    let world = World::start(port).await?;
    terminal::title(&format!(
        "Data center {DC} on {}, a proxy on {}, and a client over {}",
        world.address(),
        world.proxy,
        match ways {
            [one] => one.name(),
            ways => format!("{} transports", ways.len()),
        }
    ));
    let table = Table::new(&COLUMNS.map(|heading| (heading, WIDTH.max(heading.len()))));
    let mut failed = Vec::new();
    for (user, way) in ways.iter().enumerate() {
        let mut visit = Visit::new(&world, &api, timeout);
        let outcome = visit.run(*way, user).await;
        let cells = visit.cells(way.name());
        let cells: Vec<_> = cells.iter().map(String::as_str).collect();
        table.judged_row(outcome.is_ok(), &cells);
        if let Err(failure) = outcome {
            failed.push((way.name(), failure));
        }
    }
    world.stop().await?;
    let (total, bad) = (ways.len(), failed.len());
    let took = terminal::duration(started.elapsed());
    match failed.into_iter().next() {
        None => {
            terminal::summary(&format!("all good, in {took}"));
            Ok(())
        }
        Some((name, Failure { error, code })) => {
            let error = error.context(format!("{bad} of {total} failed, the first {name}"));
            Err(Failure { error, code })
        }
    }
}

/// The columns of the table: the way, then the steps of a visit.
const COLUMNS: [&str; 9] = [
    "transport       ",
    "keys",
    "binding",
    "call",
    "ping",
    "login",
    "file up",
    "file down",
    "update",
];

/// Width of a duration.
const WIDTH: usize = 9;
