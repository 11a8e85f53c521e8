//! Settings of a running server: a file that SIGHUP reads again.
//!
//! ```text
//!   # comment
//!   log = refusals
//!   trusted-network = 10.0.0.0/8
//! ```

use core::net::IpAddr;
use core::sync::atomic::{AtomicU8, Ordering};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::system::network::Network;
use crate::terminal;

/// What a server prints while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[repr(u8)]
pub(crate) enum Log {
    /// The start, the end, faults, and codes of logins
    Little,
    /// Also connections, packets and calls that are refused
    Refusals,
    /// Also keys and sessions, or each connection of a proxy
    All,
}

/// The option that names the file.
#[derive(Args)]
pub(crate) struct SettingsOption {
    /// File of settings that SIGHUP reads again: lines `log = WHAT` and `trusted-network = CIDR`. They take
    /// precedence over --log and are added to --trusted-network
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// The settings in force. They are read by every task of a server.
pub(crate) struct Settings {
    file: Option<PathBuf>,
    /// What the arguments say.
    given: Values,
    log: AtomicU8,
    trusted_networks: RwLock<Vec<Network>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Values {
    log: Log,
    trusted_networks: Vec<Network>,
}

impl Settings {
    /// Joins the arguments and the file's contents.
    pub(crate) fn new(
        option: &SettingsOption,
        log: Log,
        trusted_networks: &[Network],
    ) -> anyhow::Result<Self> {
        let given = Values { log, trusted_networks: trusted_networks.to_vec() };
        let settings = Self {
            file: option.settings.clone(),
            log: AtomicU8::new(given.log as u8),
            trusted_networks: RwLock::new(given.trusted_networks.clone()),
            given,
        };
        settings.read()?;
        Ok(settings)
    }

    /// Returns `true` if lines of this level are printed.
    pub(crate) fn logs(&self, level: Log) -> bool {
        self.log.load(Ordering::Relaxed) >= level as u8
    }

    /// Returns `true` if an address is in a trusted network.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let networks = self.trusted_networks.read().unwrap_or_else(PoisonError::into_inner);
        networks.iter().any(|network| network.contains(address))
    }

    /// Reads the file again. If that fails, the settings stay as they are.
    pub(crate) fn reload(&self) {
        let Some(path) = &self.file else {
            terminal::note("SIGHUP: nothing to read again without --settings");
            return;
        };
        match self.read() {
            Ok(()) => terminal::note(&format!("SIGHUP: {} was read again", path.display())),
            Err(error) => terminal::warning("SIGHUP: the settings stay as they are", &error),
        }
    }

    fn read(&self) -> anyhow::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let values = load(path, &self.given)
            .with_context(|| format!("cannot read the settings in {}", path.display()))?;
        self.log.store(values.log as u8, Ordering::Relaxed);
        let mut networks = self.trusted_networks.write().unwrap_or_else(PoisonError::into_inner);
        *networks = values.trusted_networks;
        Ok(())
    }
}

fn load(path: &Path, given: &Values) -> anyhow::Result<Values> {
    parse(&std::fs::read_to_string(path)?, given)
}

fn parse(text: &str, given: &Values) -> anyhow::Result<Values> {
    let mut values = given.clone();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
        if !line.is_empty() {
            set(&mut values, line).with_context(|| format!("line {number}"))?;
        }
    }
    Ok(values)
}

fn set(values: &mut Values, line: &str) -> anyhow::Result<()> {
    let (name, value) = line.split_once('=').context("expected NAME = VALUE")?;
    let value = value.trim();
    match name.trim() {
        "log" => {
            values.log =
                Log::from_str(value, false).map_err(|_| anyhow!("unknown level {value}"))?;
        }
        "trusted-network" => values.trusted_networks.push(value.parse()?),
        name => bail!("unknown setting {name}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Values {
        Values { log: Log::Refusals, trusted_networks: vec!["127.0.0.1".parse().unwrap()] }
    }

    #[test]
    fn a_file_takes_precedence_over_the_level_and_adds_networks() {
        let text = "# comment\n\nlog = all # more\n trusted-network=10.0.0.0/8\n";
        let values = parse(text, &given()).unwrap();
        assert_eq!(values.log, Log::All);
        assert_eq!(values.trusted_networks.len(), 2);
        assert_eq!(parse("", &given()).unwrap(), given());
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("log = loud", "line 1: unknown level loud"),
            ("\nlog", "line 2: expected NAME = VALUE"),
            ("port = 1", "line 1: unknown setting port"),
            ("trusted-network = x", "line 1: expected a network like 10.0.0.0/8"),
        ] {
            let error = format!("{:#}", parse(text, &given()).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
