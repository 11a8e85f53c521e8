//! Both sides' common ground: a data centre in a process of its own, and clients of it here.

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

/// A data centre that knows the keys of its clients: making them is not what every measurement is
/// about.
pub(super) struct Rig {
    seed: Seed,
    key: RsaPublicKey,
    address: SocketAddr,
    child: Child,
}

impl Rig {
    /// Starts a data centre that knows so many clients.
    pub(super) fn start(clients: usize) -> anyhow::Result<Self> {
        let seed = Seed::new();
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let mut child = Command::new(program)
            .args(["bench", "--serve", &clients.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the data centre")?;
        let stdin = child.stdin.as_mut().context("no way to tell the data centre anything")?;
        stdin.write_all(seed.as_bytes()).context("the data centre did not start")?;
        let key = seed.server_key()?.public().clone();
        let stdout = child.stdout.take().context("no way to hear of the data centre")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().context("the data centre did not start")?;
        Ok(Self { seed, key, address, child })
    }

    /// Names the data centre's process and the clients', which is this one.
    pub(super) fn both(&self) -> [Process; 2] {
        [Process::Other(self.child.id()), Process::Own]
    }

    /// Starts a client that has to make a key.
    pub(super) fn stranger(&self) -> (Client, Notices) {
        Client::start(self.options(None))
    }

    /// Starts the client with this number, whose key the data centre knows.
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

    /// Ends the data centre and says whether it went well till then.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(anyhow!("the data centre ended with {status}")) }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // After an error here nobody else ends it; one that has ended already cannot be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
