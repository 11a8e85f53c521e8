//! `mtp`: MTProto from the command line.
//!
//! Each command is a module that declares its arguments and returns a [`Failure`] with the exit code. Nothing
//! below uses this file.

mod api;
mod balancers;
mod center;
mod commands;
mod failure;
mod metrics;
mod notation;
mod recording;
mod schema;
mod secrets;
mod settings;
mod system;
mod terminal;
mod transport;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// MTProto, the protocol between Telegram's clients and servers: demo, server, client and tools.
#[derive(Parser)]
#[command(name = "mtp", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit codes:\n  \
    0  done\n  1  failed\n  2  wrong arguments\n  3  no connection\n  4  no key or session\n  \
    5  the call was answered with an error\n\n\
    Color is used on terminals only and not at all when NO_COLOR is set.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a data center and a client on this machine, and prints the time of each step
    Demo(commands::demo::Demo),
    /// Runs a data center
    Server(commands::server::ServerArguments),
    /// Makes calls to a data center and prints the answers as JSON
    Client(commands::client::ClientArguments),
    /// Runs an MTProxy: relays clients that know a secret to data centers
    Proxy(commands::proxy::ProxyArguments),
    /// Runs a middle proxy: opens the links of proxies into the packets of their clients
    Middle(commands::middle::MiddleArguments),
    /// Generates an RSA key pair for a server
    Keygen(commands::keygen::Keygen),
    /// Parses and makes links to proxies
    Link(commands::link::LinkArguments),
    /// Checks, prints, compares and compiles TL schemas
    Schema(commands::schema::SchemaArguments),
    /// Converts TL bytes to JSON and back
    Tl(commands::tl::TlArguments),
    /// Replays a client's log and prints it as a timeline
    Replay(commands::replay::ReplayArguments),
    /// Measures a data center and its clients on this machine
    Bench(commands::bench::BenchArguments),
    /// Prints a completion script for a shell
    Completions(commands::completions::Completions),
    /// Prints the manual page of a command, or writes all pages
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
        Command::Middle(arguments) => commands::middle::run(&arguments),
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
