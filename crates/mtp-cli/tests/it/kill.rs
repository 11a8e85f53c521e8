//! A killed server forgets no key that a client knows.
//!
//! Goal: whenever `mtp server --data` is killed, every acknowledged key
//! is known after a restart: clients go on without a new permanent key, and so do fresh
//! processes with the same keys. Method: rounds; in each, new clients join the ones that run, all make
//! calls, and the server is killed as soon as the clients have noticed a given number of steps, so
//! that each round ends at another point of the key exchanges and bindings. No sleeps: the test waits
//! for lines of the server and for notices of the clients.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use mtp_crypto::DcId;
use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_session::client::{ClientConfig, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_tokio::{Client, ClientOptions, Notice, Notices};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// In each round the server is killed after this many steps of new clients. Each client takes three: a permanent
/// key, a temporary key, the binding.
const ROUNDS: [usize; 5] = [1, 2, 3, 5, 7];
const CLIENTS_PER_ROUND: usize = 3;
/// `help.getNearestDc`.
pub(crate) const CALL: u32 = 0x1fb3_3026;
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn no_acknowledged_key_is_lost() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = Folder::new("kill");
    let key = RsaPrivateKey::generate(&mut OsEntropy).unwrap();
    std::fs::write(folder.0.join("server.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, story(&folder.0, key.public())).await.expect("in time");
    });
}

async fn story(folder: &Path, public: &RsaPublicKey) {
    let (steps, mut progress) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    let mut server = Server::start(folder, "127.0.0.1:0".parse().unwrap());
    let address = server.address;
    for kill_after in ROUNDS {
        for _ in 0..CLIENTS_PER_ROUND {
            let options = options(address, public, None);
            clients.spawn(live(options, steps.clone(), stopped.clone()));
        }
        for _ in 0..kill_after {
            progress.recv().await.unwrap();
        }
        server.kill();
        // Steps noticed by then belong to this round.
        while progress.try_recv().is_ok() {}
        server = Server::start(folder, address);
    }
    stop.send(true).unwrap();
    let mut keys = Vec::new();
    while let Some(lived) = clients.join_next().await {
        keys.push(lived.unwrap());
    }
    assert_eq!(keys.len(), ROUNDS.len() * CLIENTS_PER_ROUND);

    server.kill();
    let server = Server::start(folder, address);
    for key in keys {
        let (client, mut notices) = Client::start(options(address, public, Some(key)));
        call(&client).await;
        while let Ok(notice) = notices.try_recv() {
            assert_no_new_identity(&notice);
        }
        client.close().await;
    }
    drop(server);
}

/// Makes calls until stopped, and one more; returns its only permanent key.
async fn live(
    options: ClientOptions,
    steps: mpsc::UnboundedSender<()>,
    mut stopped: watch::Receiver<bool>,
) -> Established {
    let (client, mut notices) = Client::start(options);
    let mut permanent = None;
    // At the end of the test nothing counts steps any more.
    let step = || _ = steps.send(());
    loop {
        tokio::select! {
            notice = notices.recv() => match notice.expect("the client runs") {
                Notice::KeyCreated(key) => {
                    if key.kind == KeyKind::Permanent {
                        assert!(permanent.is_none(), "a second permanent key");
                        permanent = Some(key);
                    }
                    step();
                }
                Notice::Ready => step(),
                notice => assert!(!matches!(notice, Notice::PermanentKeyLost { .. })),
            },
            () = call(&client) => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
    }
    let (permanent, ()) = tokio::join!(settle(permanent, &mut notices), call(&client));
    client.close().await;
    permanent
}

/// Waits for the permanent key, if there is none yet.
async fn settle(mut permanent: Option<Established>, notices: &mut Notices) -> Established {
    loop {
        if let Some(permanent) = permanent {
            return permanent;
        }
        if let Notice::KeyCreated(key) = notices.recv().await.expect("the client runs") {
            permanent = Some(key).filter(|key| key.kind == KeyKind::Permanent);
        }
    }
}

pub(crate) async fn call(client: &Client) {
    let body = CALL.to_le_bytes().to_vec();
    let answer = client.invoke_raw(body, RequestOptions::new()).await.unwrap();
    assert!(answer.starts_with(&0x8e1a_1775_u32.to_le_bytes()), "nearestDc");
}

fn assert_no_new_identity(notice: &Notice) {
    match notice {
        Notice::KeyCreated(key) => assert!(key.kind.is_temporary(), "a new permanent key"),
        Notice::PermanentKeyLost { .. } => panic!("the permanent key was lost"),
        _ => {}
    }
}

pub(crate) fn options(
    address: SocketAddr,
    public: &RsaPublicKey,
    permanent: Option<Established>,
) -> ClientOptions {
    let config = ClientConfig::new(DcId::new(2), [public.clone()].into());
    let mut options = ClientOptions::new(address, Stack::Plain(Framing::Abridged), config);
    options.permanent = permanent;
    options.retry_pause = Duration::from_millis(10);
    options.retry_pause_max = Duration::from_millis(100);
    options
}

/// `mtp server` in its own process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it has printed since it listens.
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it and waits until it prints its address.
    pub(crate) fn start(folder: &Path, listen: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mtp"))
            .args(["server", "--listen", &listen.to_string(), "--rsa-key"])
            .arg(folder.join("server.pem"))
            .arg("--data")
            .arg(folder.join("data"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("listens on ")?;
            Some(rest.split(';').next()?.trim().to_owned())
        });
        let line = line.unwrap_or_else(|| panic!("the server did not start"));
        // Its later output must not fill the pipe.
        let printed = Arc::<Mutex<Vec<String>>>::default();
        let all = Arc::clone(&printed);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| all.lock().unwrap().push(line));
        });
        Self { child, address: line.parse().unwrap(), lines: printed }
    }

    /// Puts what an earlier run has printed before what this one prints.
    pub(crate) fn with_lines_of(self, earlier: &Self) -> Self {
        let before = earlier.lines();
        self.lines.lock().unwrap().splice(..0, before);
        self
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mtp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The system cleans its folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
