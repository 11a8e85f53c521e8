//! The attacked server: `mtp server` as its operators run it, in its own process.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_crypto::{CtrEntropy, OsEntropy};
use mtp_env::Entropy;

use crate::commands::bench::process::{Process, busy, resident};

/// A server for one attack.
pub(super) struct Victim {
    pub(super) address: SocketAddr,
    pub(super) key: RsaPublicKey,
    /// Login codes by phone number.
    codes: Arc<Mutex<BTreeMap<String, String>>>,
    child: Child,
    folder: PathBuf,
}

impl Victim {
    /// Starts a server with these options.
    pub(super) fn start(options: &[&str]) -> anyhow::Result<Self> {
        let mut random = [0; 8];
        OsEntropy.fill(&mut random);
        let name = format!("mtp-bench-{:016x}", u64::from_le_bytes(random));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let started = Self::start_in(&folder, options);
        if started.is_err() {
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    fn start_in(folder: &std::path::Path, options: &[&str]) -> anyhow::Result<Self> {
        let (key_path, data) = (folder.join("key"), folder.join("data"));
        let mut seed = [0; 32];
        OsEntropy.fill(&mut seed);
        let key = RsaPrivateKey::generate(&mut CtrEntropy::new(seed))?;
        // It is good for this server only, which ends in a moment.
        fs::write(&key_path, key.to_pkcs1_pem().as_bytes()).context("cannot write the key")?;
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let mut child = Command::new(program)
            .args(["server", "--listen", "127.0.0.1:0", "--rsa-key"])
            .arg(&key_path)
            .arg("--data")
            .arg(&data)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let log = child.stderr.take().context("the server has no log")?;
        let codes = Arc::default();
        let Ok(address) = follow(log, &codes).recv_timeout(START_TIMEOUT) else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the server did not start");
        };
        let key = key.public().clone();
        Ok(Self { address, key, codes, child, folder: folder.to_owned() })
    }

    /// Returns the code that was sent to a number last, if there was one.
    pub(super) fn code(&self, phone: &str) -> Option<String> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).get(phone).cloned()
    }

    pub(super) fn resident(&self) -> Option<usize> {
        resident(Process::Other(self.child.id()))
    }

    pub(super) fn busy(&self) -> Option<Duration> {
        busy(Process::Other(self.child.id()))
    }

    /// Fails if the server has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server ended with {status}"),
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // If it has ended already, both calls fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads the server's log until it ends; the receiver gets the address.
fn follow(log: ChildStderr, codes: &Arc<Mutex<BTreeMap<String, String>>>) -> Receiver<SocketAddr> {
    let (started, address) = channel();
    let codes = codes.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some(bound) = between(&line, "listens on ", ";").and_then(|it| it.parse().ok()) {
                // Nobody waits if the start took too long.
                let _ = started.send(bound);
            } else if let Some(phone) = between(&line, "login code for +", ":")
                && let Some((_, code)) = line.rsplit_once(' ')
            {
                let mut codes = codes.lock().unwrap_or_else(PoisonError::into_inner);
                codes.insert(phone.to_owned(), code.to_owned());
            }
        }
    });
    address
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

const START_TIMEOUT: Duration = Duration::from_secs(20);
