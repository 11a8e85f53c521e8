//! Hosts at both ends of the links: machines, clocks and applications.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_crypto::{AuthKeyId, DcId};
use mtp_env::{Instant, Now};
use mtp_session::client::{ClientConfig, ClientMachine, RequestId};
use mtp_session::established::Established;
use mtp_session::link::LinkId;
use mtp_session::server::{
    ServerConfig, ServerHandshakeConfig, ServerMachine, ServerSalts, ServerSessionConfig,
};
use mtp_session::session::LinkKind;

use super::Action;
use super::journal::Journal;
use crate::clock::SideClock;
use crate::dice::Dice;
use crate::observer::View;
use crate::wire::Carriage;

/// A client with its application.
#[derive(Debug)]
pub(crate) struct ClientHost {
    pub(crate) machine: ClientMachine,
    pub(crate) config: ClientConfig,
    pub(crate) clock: SideClock,
    pub(crate) asleep_since: Instant,
    pub(crate) asleep_until: Option<Instant>,
    /// Actions to perform when the client wakes up.
    pub(super) deferred: Vec<Action>,
    /// The links that the client keeps up.
    pub(crate) slots: Vec<Slot>,
    pub(crate) requests: BTreeMap<u32, RequestId>,
    pub(crate) dice: Dice,
}

/// A link that a client keeps up.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) carriage: Carriage,
    pub(crate) kind: LinkKind,
    pub(crate) link: Option<LinkId>,
}

impl ClientHost {
    pub(crate) fn now(&self, at: Instant) -> Now {
        self.clock.now(at)
    }

    pub(crate) fn view(&self, at: Instant) -> View {
        let now = self.now(at);
        let session = self.machine.session();
        let offset_ns = session.time_offset_ns(now);
        let believed = i128::from(now.unix.as_nanos()) + i128::from(offset_ns);
        View {
            session: session.session_id(),
            salt: Some(session.salt()),
            shift_ns: believed - i128::from(now.mono.as_micros()) * 1000,
            time: mtp_env::UnixTime::from_nanos(
                now.unix.as_nanos().saturating_add_signed(offset_ns),
            ),
            calls_open: session.calls_open(),
            ready: self.machine.is_ready() && !session.is_closed(),
        }
    }

    /// Returns the true time and the reason of the next timer.
    pub(crate) fn timer_at(&self) -> Option<(Instant, &'static str)> {
        let deadline = self.machine.poll_timeout()?;
        Some((self.clock.true_time(deadline.at), deadline.reason))
    }
}

/// The server with its storage and its application.
#[derive(Debug)]
pub(crate) struct ServerHost {
    pub(crate) machine: ServerMachine,
    pub(crate) session: ServerSessionConfig,
    pub(crate) clock: SideClock,
    /// Stored keys, each with the key it is bound to.
    pub(crate) stored: BTreeMap<AuthKeyId, (Established, Option<AuthKeyId>)>,
    /// Keys whose clients have sent `initConnection`.
    pub(crate) known: BTreeSet<AuthKeyId>,
    /// Changes on their way into the store, and what the application has journaled.
    pub(crate) journal: Journal,
    /// Number of the run: of starts of the server.
    pub(crate) run: u64,
    /// The server was killed and is not started again yet.
    pub(crate) is_down: bool,
    /// Number of points at which the server could be killed until it is.
    pub(crate) fuse: Option<u64>,
    /// Lag of the wall clock behind its latest time, in seconds.
    pub(crate) set_back_s: u64,
    pub(crate) dice: Dice,
}

impl ServerHost {
    pub(crate) fn new(session: ServerSessionConfig, clock: SideClock, mut dice: Dice) -> Self {
        let machine = make(&session, &mut dice);
        Self {
            machine,
            session,
            clock,
            stored: BTreeMap::new(),
            known: BTreeSet::new(),
            journal: Journal::default(),
            run: 0,
            is_down: false,
            fuse: None,
            set_back_s: 0,
            dice,
        }
    }

    pub(crate) fn now(&self, at: Instant) -> Now {
        self.clock.now(at)
    }

    /// Stores a key and adds it to the machine.
    pub(crate) fn add_key(&mut self, at: Instant, key: Established) {
        self.machine.insert_key(self.now(at), &key, None);
        self.stored.insert(key.key.id(), (key, None));
    }

    /// Replaces the machine by a new one with the stored keys only.
    pub(crate) fn forget(&mut self, at: Instant) {
        self.journal.clear_waiting(&mut self.stored);
        self.start(at);
    }

    /// Starts a run with the stored keys.
    pub(crate) fn start(&mut self, at: Instant) {
        let now = self.now(at);
        self.run += 1;
        self.machine = make(&self.session, &mut self.dice);
        let permanent = |bound: &Option<AuthKeyId>| bound.is_none();
        let (first, second): (Vec<_>, Vec<_>) =
            self.stored.values().partition(|(_, bound)| permanent(bound));
        for (key, bound) in first.into_iter().chain(second) {
            self.machine.insert_key(now, key, *bound);
        }
    }

    pub(crate) fn timer_at(&self) -> Option<(Instant, &'static str)> {
        let deadline = self.machine.poll_timeout().filter(|_| !self.is_down)?;
        Some((self.clock.true_time(deadline.at), deadline.reason))
    }

    /// Returns a key that is stored or on its way into the store.
    pub(crate) fn key(&self, id: AuthKeyId) -> Option<Established> {
        let stored = self.stored.get(&id).map(|(key, _)| key);
        self.journal.key(id).or(stored).cloned()
    }

    /// Returns the next link that may write.
    pub(crate) fn next_link(&mut self, gated: bool) -> Option<LinkId> {
        if self.is_down {
            return None;
        }
        loop {
            let link = self.journal.released.pop_front().or_else(|| self.machine.poll_link())?;
            if !gated || !self.journal.holds(link, self.machine.link_keys(link)) {
                return Some(link);
            }
        }
    }
}

fn make(session: &ServerSessionConfig, dice: &mut Dice) -> ServerMachine {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), rsa_keys().0);
    let mut config = ServerConfig::new(handshake, Arc::new(ServerSalts::new(SALT_SECRET)));
    config.session = session.clone();
    ServerMachine::new(config, Box::new(dice.entropy()))
}

/// The private keys of the data center and the public keys of its clients.
type RsaKeys = (Arc<[RsaPrivateKey]>, Arc<[RsaPublicKey]>);

/// Returns the key pair of the simulated data center: the published test key.
#[expect(clippy::expect_used, reason = "the file is part of the crate")]
pub(crate) fn rsa_keys() -> RsaKeys {
    static KEYS: OnceLock<RsaKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key =
            RsaPrivateKey::from_pem(include_str!("test_key.pem")).expect("the test key is valid");
        let public = key.public().clone();
        (Arc::new([key]), Arc::new([public]))
    })
    .clone()
}

const SALT_SECRET: [u8; 32] = [0x5a; 32];
