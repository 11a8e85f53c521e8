//! The rig: a data center in its own process, and its clients in this one.

use core::net::SocketAddr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow};
use mtp_crypto::exchange::RsaPublicKey;
use mtp_session::client::{ClientConfig, Secrecy};
use mtp_session::established::Established;
use mtp_tokio::{Client, ClientOptions, Notices};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;

use super::center::{DC, Seed};
use super::process::Process;

/// A data center that knows the keys of its clients, because most measurements are not about exchanges.
pub(super) struct Rig {
    seed: Seed,
    key: RsaPublicKey,
    address: SocketAddr,
    child: Child,
}

impl Rig {
    /// Starts a data center that knows this many clients.
    pub(super) fn start(clients: usize) -> anyhow::Result<Self> {
        let seed = Seed::new();
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let mut child = Command::new(program)
            .args(["bench", "--serve", &clients.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the data center")?;
        let stdin = child.stdin.as_mut().context("the data center has no standard input")?;
        stdin.write_all(seed.as_bytes()).context("the data center did not start")?;
        let key = seed.server_key()?.public().clone();
        let stdout = child.stdout.take().context("the data center has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().context("the data center did not start")?;
        Ok(Self { seed, key, address, child })
    }

    /// Returns the data center's process and the clients', which is this one.
    pub(super) fn both(&self) -> [Process; 2] {
        [Process::Other(self.child.id()), Process::Own]
    }

    /// Starts a client without a key.
    pub(super) fn stranger(&self) -> (Client, Notices) {
        Client::start(self.options(None))
    }

    /// Starts the client with this number, whose key the data center knows.
    pub(super) fn client(&self, number: usize) -> anyhow::Result<(Client, Notices)> {
        Ok(Client::start(self.options(Some(self.seed.client_key(number)?))))
    }

    fn options(&self, permanent: Option<Established>) -> ClientOptions {
        let mut config = ClientConfig::new(DC, [self.key.clone()].into());
        config.secrecy = Secrecy::Off;
        let stack = Stack::Plain(Framing::Intermediate);
        let mut options = ClientOptions::new(self.address, stack, config);
        options.permanent = permanent;
        options
    }

    /// Ends the data center and checks that it ran until then.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(anyhow!("the data center ended with {status}")) }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // After an error the child still runs. If it has ended already, both calls fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
