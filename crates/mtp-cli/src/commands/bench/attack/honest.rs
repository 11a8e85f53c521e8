//! An honest client beside an attack: it makes one small call after the other and notes how long each takes.
//!
//! It runs on a thread of its own, so that the attack's arithmetic does not delay it more than another process
//! would.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, anyhow};
use mtp_crypto::exchange::RsaPublicKey;
use mtp_session::client::{ClientConfig, RequestOptions, Secrecy};
use mtp_tokio::{Client, ClientOptions};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::commands::bench::center::DC;

/// The running client.
pub(super) struct Honest {
    pings: Arc<Pings>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Default)]
struct Pings {
    /// When each call was made, and how long its answer took.
    done: Mutex<Vec<(Instant, Duration)>>,
    /// The first call was answered.
    ready: AtomicBool,
    stop: AtomicBool,
}

impl Honest {
    /// Starts the client with a call that is encoded already.
    pub(super) fn start(server: SocketAddr, key: RsaPublicKey, call: Vec<u8>) -> Self {
        let pings = Arc::new(Pings::default());
        let of_thread = pings.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(of_thread.run(server, key, call))
        });
        Self { pings, thread: Some(thread) }
    }

    /// Waits until the first call is answered.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let limit = Instant::now().checked_add(PATIENCE).context("time")?;
        while !self.pings.ready.load(Ordering::Acquire) {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) || Instant::now() > limit {
                return self.stop().and_then(|()| Err(anyhow!("the honest client was not served")));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Returns how long the calls took that were made from one time to another, shortest first.
    pub(super) fn over(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let done = self.pings.done.lock().unwrap_or_else(PoisonError::into_inner);
        let made = done.iter().filter(|(at, _)| *at >= from && *at < to);
        let mut times: Vec<Duration> = made.map(|(_, took)| *took).collect();
        times.sort_unstable();
        times
    }

    /// Ends the client; a call that was never answered is an error.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        self.pings.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().map_err(|_| anyhow!("the honest client panicked"))?
    }
}

impl Pings {
    async fn run(
        &self,
        server: SocketAddr,
        key: RsaPublicKey,
        call: Vec<u8>,
    ) -> anyhow::Result<()> {
        let mut config = ClientConfig::new(DC, [key].into());
        config.secrecy = Secrecy::Off;
        let options = ClientOptions::new(server, Stack::Plain(Framing::Intermediate), config);
        let (client, _notices) = Client::start_through(options, move || async move {
            let socket = TcpSocket::new_v4()?;
            // Where loopback has one address only, both have the same.
            let _ = socket.bind(SocketAddr::new(HONEST, 0));
            let stream = socket.connect(server).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        while !self.stop.load(Ordering::Acquire) {
            let at = Instant::now();
            let answer = client.invoke_raw(call.clone(), RequestOptions::new());
            timeout(PATIENCE, answer).await.context("the honest client got no answer")??;
            self.done.lock().unwrap_or_else(PoisonError::into_inner).push((at, at.elapsed()));
            self.ready.store(true, Ordering::Release);
            sleep(INTERVAL).await;
        }
        client.close().await;
        Ok(())
    }
}

/// The honest client's address; attackers have others.
const HONEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 40));

const INTERVAL: Duration = Duration::from_millis(10);

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
