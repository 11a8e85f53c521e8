//! The links of a proxy: one task for each, and one for their timers.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use mtp_crypto::{DcId, OsEntropy};
use mtp_env::{Instant, Now};
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::link::LinkAddresses;
use mtp_transport::middle_proxy::pool::{
    LinkLoss, MiddleClient, MiddlePool, MiddlePoolConfig, MiddleSetup, PoolClientId, PoolEvent,
    PoolLinkId, PoolOpenError,
};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use super::notice::{MiddleNotice, MiddleObserver};
use super::seat::Seat;
use super::{OUTPUT_KEPT, READ_LEN, lock, public};
use crate::clock::{Alarm, Clock};

/// The links of a proxy to middle proxies. Clones are the same links; they close with the last one.
#[derive(Clone)]
pub struct MiddleProxies {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<Links>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.stopping.send_replace(true);
    }
}

pub(super) struct Links {
    state: Mutex<State>,
    public: Vec<IpAddr>,
    observer: MiddleObserver,
    pub(super) clock: Clock,
    stopping: watch::Sender<bool>,
    timers: Notify,
}

/// The pool, and who waits for it.
pub(super) struct State {
    pub(super) pool: MiddlePool,
    links: BTreeMap<PoolLinkId, Arc<Notify>>,
    pub(super) clients: BTreeMap<PoolClientId, Arc<Notify>>,
    /// The deadline that the task for timers waits for.
    waits_until: Option<Instant>,
    /// Links are not read until clients have taken something.
    is_paused: bool,
}

impl MiddleProxies {
    /// Returns links to middle proxies. They are opened when there are clients.
    ///
    /// `public` has the addresses that middle proxies see, at most one of each family; those of the sockets
    /// are used for a family without one. Must be called within a runtime.
    #[must_use]
    pub fn start(
        config: MiddlePoolConfig,
        setup: MiddleSetup,
        public: Vec<IpAddr>,
        observer: MiddleObserver,
    ) -> Self {
        let clock = Clock::start();
        let process = process(clock.now());
        let entropy = Box::new(OsEntropy::seeded());
        let state = State {
            pool: MiddlePool::new(config, setup, process, entropy),
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            waits_until: None,
            is_paused: false,
        };
        let shared = Links {
            state: Mutex::new(state),
            public,
            observer,
            clock,
            stopping: watch::Sender::new(false),
            timers: Notify::new(),
        };
        let shared = Arc::new(shared);
        tokio::spawn(keep_time(shared.clone()));
        Self { owner: Arc::new(Owner { shared }) }
    }

    /// Replaces middle proxies and secret. Returns `false` if they are the same.
    #[expect(clippy::must_use_candidate, reason = "the result is for logs")]
    pub fn set_up(&self, setup: MiddleSetup) -> bool {
        self.owner.shared.with(|state, now| state.pool.handle_setup(now, setup))
    }

    /// Returns `true` if these are the middle proxies and the secret in use.
    #[must_use]
    pub fn has(&self, setup: &MiddleSetup) -> bool {
        lock(&self.owner.shared.state).pool.setup().is_same(setup)
    }

    /// Returns the number of clients, and of links that are ready.
    #[must_use]
    pub fn occupancy(&self) -> (usize, usize) {
        lock(&self.owner.shared.state).pool.occupancy()
    }

    pub(crate) fn open(&self, dc: DcId, client: MiddleClient) -> Result<Seat, PoolOpenError> {
        let wake = Arc::new(Notify::new());
        let shared = &self.owner.shared;
        let id = shared.with(|state, now| {
            let id = state.pool.open(now, dc, client)?;
            state.clients.insert(id, wake.clone());
            Ok(id)
        })?;
        Ok(Seat::new(id, wake, shared.clone()))
    }
}

impl fmt::Debug for MiddleProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clients, links) = self.occupancy();
        f.debug_struct("MiddleProxies").field("clients", &clients).field("links", &links).finish()
    }
}

impl Links {
    /// Changes the pool, and wakes whom that concerns.
    pub(super) fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let now = self.clock.now();
        let mut notices = Vec::new();
        let result = {
            let mut state = lock(&self.state);
            let result = change(&mut state, now);
            self.dispatch(&mut state, &mut notices);
            result
        };
        // Observers are called without the lock.
        for (address, notice) in notices {
            (self.observer)(address, notice);
        }
        result
    }

    fn dispatch(
        self: &Arc<Self>,
        state: &mut State,
        notices: &mut Vec<(SocketAddr, MiddleNotice<'static>)>,
    ) {
        while let Some(event) = state.pool.poll_event() {
            match event {
                PoolEvent::Connect { link, address, .. } => {
                    let wake = Arc::new(Notify::new());
                    state.links.insert(link, wake.clone());
                    tokio::spawn(run_link(self.clone(), link, address, wake));
                }
                PoolEvent::LinkUp { address, .. } => notices.push((address, MiddleNotice::Up)),
                PoolEvent::LinkReady(link) => {
                    if let Some(wake) = state.links.get(&link) {
                        wake.notify_one();
                    }
                }
                PoolEvent::LinkDown { link, address, loss, clients } => {
                    if let Some(wake) = state.links.remove(&link) {
                        wake.notify_one();
                    }
                    // The error of the socket is a notice of its own.
                    if loss != LinkLoss::Unreachable {
                        notices.push((address, MiddleNotice::Down { loss, clients }));
                    }
                }
                PoolEvent::ClientReady(client) | PoolEvent::ClientWritable(client) => {
                    if let Some(wake) = state.clients.get(&client) {
                        wake.notify_one();
                    }
                }
                _ => {}
            }
        }
        if state.is_paused && state.pool.wants_link_bytes() {
            state.is_paused = false;
            state.links.values().for_each(|wake| wake.notify_one());
        }
        let next = state.pool.poll_timeout().map(|deadline| deadline.at);
        if next.is_some_and(|next| state.waits_until.is_none_or(|until| next < until)) {
            self.timers.notify_one();
        }
    }
}

/// Handles the timers of the pool.
async fn keep_time(shared: Arc<Links>) {
    let mut alarm = Alarm::new(shared.clock);
    let mut stopping = shared.stopping.subscribe();
    loop {
        let deadline = {
            let mut state = lock(&shared.state);
            let deadline = state.pool.poll_timeout();
            state.waits_until = deadline.map(|deadline| deadline.at);
            deadline
        };
        tokio::select! {
            () = alarm.wait(deadline) => shared.with(|state, now| state.pool.handle_timeout(now)),
            () = shared.timers.notified() => {}
            _ = stopping.changed() => return,
        }
    }
}

/// Opens a link and moves its bytes until it is over.
async fn run_link(shared: Arc<Links>, id: PoolLinkId, address: SocketAddr, wake: Arc<Notify>) {
    let mut stopping = shared.stopping.subscribe();
    let opened = tokio::select! {
        opened = TcpStream::connect(address) => opened,
        // The pool limits the time.
        () = wake.notified() => return,
        _ = stopping.changed() => return,
    };
    let connected = opened.and_then(|stream| Ok((stream.local_addr()?, stream)));
    let (local, stream) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            (shared.observer)(address, MiddleNotice::Unreachable(&error));
            return shared.with(|state, now| state.pool.handle_link_failed(now, id));
        }
    };
    let _ = stream.set_nodelay(true);
    let addresses = LinkAddresses { proxy: public(&shared.public, local), middle: address };
    shared.with(|state, now| state.pool.handle_link_connected(now, id, addresses));
    tokio::select! {
        () = carry(&shared, id, &stream, &wake) => {}
        _ = stopping.changed() => {}
    }
}

async fn carry(shared: &Arc<Links>, id: PoolLinkId, stream: &TcpStream, wake: &Notify) {
    let mut input = vec![0; READ_LEN];
    let mut output = Vec::new();
    let mut written = 0;
    loop {
        if written == output.len() {
            output.clear();
            output.shrink_to(OUTPUT_KEPT);
            written = 0;
        }
        let (is_over, wants_input) = shared.with(|state, _| {
            if output.is_empty() {
                let _ = state.pool.poll_link_transmit(id, &mut output);
            }
            let wants_input = state.pool.wants_link_bytes();
            state.is_paused |= !wants_input;
            (!state.links.contains_key(&id), wants_input)
        });
        if is_over {
            return;
        }
        let has_output = written < output.len();
        tokio::select! {
            ready = stream.readable(), if wants_input => {
                let read = ready.and_then(|()| stream.try_read(&mut input));
                receive(shared, id, &input, read);
            }
            ready = stream.writable(), if has_output => {
                let rest = output.get(written..).unwrap_or_default();
                match ready.and_then(|()| stream.try_write(rest)) {
                    Ok(len) => written = written.saturating_add(len),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return shared.with(|state, now| state.pool.handle_link_eof(now, id)),
                }
            }
            () = wake.notified() => {}
        }
    }
}

fn receive(shared: &Arc<Links>, id: PoolLinkId, input: &[u8], read: io::Result<usize>) {
    match read {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Ok(0) | Err(_) => shared.with(|state, now| state.pool.handle_link_eof(now, id)),
        Ok(len) => {
            let bytes = input.get(..len).unwrap_or_default();
            shared.with(|state, now| state.pool.handle_link_bytes(now, id, bytes));
        }
    }
}

/// Returns the identity of this process, which middle proxies log.
pub(super) fn process(now: Now) -> ProcessId {
    let started = u32::try_from(now.unix.as_secs()).unwrap_or(u32::MAX);
    let [low, high, ..] = std::process::id().to_le_bytes();
    ProcessId { number: u16::from_le_bytes([low, high]), started }
}
