//! `mtp`: MTProto from the command line.
//!
//! Arguments are parsed here and nowhere else; each command is a module of its own that takes its
//! arguments as a struct and returns what went wrong with the code to exit with.

mod api;
mod center;
mod commands;
mod failure;
mod metrics;
mod notation;
mod recording;
mod schema;
mod terminal;
mod transport;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// MTProto, the protocol between Telegram's clients and servers: demo, server, client and tools.
#[derive(Parser)]
#[command(name = "mtp", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit codes:\n  \
    0  done\n  1  failed\n  2  wrong arguments\n  3  no connection\n  4  no key or session\n  \
    5  the call was answered with an error\n\n\
    Colour is used on terminals only and not at all when NO_COLOR is set.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a data centre and a client on this machine and shows each step with its time
    Demo(commands::demo::Demo),
    /// Runs a data centre
    Server(commands::server::ServerArguments),
    /// Makes calls to a data centre and prints the answers as JSON
    Client(commands::client::ClientArguments),
    /// Runs an MTProxy: carries clients that know a secret on to data centres
    Proxy(commands::proxy::ProxyArguments),
    /// Makes an RSA key pair for a server
    Keygen(commands::keygen::Keygen),
    /// Takes links to proxies apart and makes them
    Link(commands::link::LinkArguments),
    /// Checks, prints, compares and compiles TL schemas
    Schema(commands::schema::SchemaArguments),
    /// Turns TL's bytes into JSON and back
    Tl(commands::tl::TlArguments),
    /// Shows a client's log as a timeline, by running it again
    Replay(commands::replay::ReplayArguments),
    /// Measures what this machine does as data centre and clients at once
    Bench(commands::bench::BenchArguments),
    /// Prints a completion script for a shell
    Completions(commands::completions::Completions),
    /// Prints the manual page of a command, or writes those of all
    Man(commands::completions::Manual),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::error(&failure.error);
            failure.code.into()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => commands::demo::run(&arguments),
        Command::Server(arguments) => commands::server::run(&arguments),
        Command::Client(arguments) => commands::client::run(&arguments),
        Command::Proxy(arguments) => commands::proxy::run(&arguments),
        Command::Keygen(arguments) => commands::keygen::run(&arguments),
        Command::Link(arguments) => commands::link::run(&arguments),
        Command::Schema(arguments) => commands::schema::run(&arguments),
        Command::Tl(arguments) => commands::tl::run(&arguments),
        Command::Replay(arguments) => commands::replay::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&arguments),
        Command::Completions(arguments) => {
            commands::completions::run::<Arguments>(&arguments);
            Ok(())
        }
        Command::Man(arguments) => commands::completions::man::<Arguments>(&arguments),
    }
}

/// Waits for Ctrl-C; without signals for ever, until the program is killed.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        core::future::pending::<()>().await;
    }
}

/// Starts the runtime that owns sockets and timers.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
