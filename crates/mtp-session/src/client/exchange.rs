//! Key exchanges of a client: when to start one, on which link, and back-off after a failure.

use alloc::boxed::Box;
use core::time::Duration;

use mtp_env::{Instant, Now};

use super::handshake::{ClientHandshake, ClientHandshakeConfig};
use super::{ClientEvent, ClientMachine, ExchangeError, Permanent, Secrecy};
use crate::established::Established;
use crate::exchange::{KeyRequest, fork};
use crate::link::LinkId;

/// Key exchange in progress.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) handshake: Box<ClientHandshake>,
    pub(super) link: LinkId,
    purpose: Purpose,
    /// Number of the pending job.
    pub(super) ticket: Option<u32>,
}

/// Kind of key being created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Permanent,
    Temporary,
}

impl ClientMachine {
    /// Starts the next required exchange, if there is a link for it and no pause.
    pub(super) fn begin_exchange(&mut self) {
        if self.exchange.is_some() || self.pause_until.is_some_and(|until| until > self.now.mono) {
            return;
        }
        let Some(purpose) = self.missing_key() else { return };
        let Some(link) = self.open_link() else { return };
        let config = ClientHandshakeConfig {
            arithmetic: self.config.arithmetic,
            lifetime: self.config.exchange_max,
            ..ClientHandshakeConfig::new(
                self.config.dc,
                self.key_request(purpose),
                self.config.server_keys.clone(),
            )
        };
        let handshake = ClientHandshake::new(config, Box::new(fork(&mut self.entropy)));
        self.exchange =
            Some(Exchange { handshake: Box::new(handshake), link, purpose, ticket: None });
    }

    /// Returns the kind of key that is missing or about to expire.
    fn missing_key(&self) -> Option<Purpose> {
        let has_traffic = self.traffic.key().is_some();
        let needs_temporary = !has_traffic || self.next.is_none() && self.renewal_is_due();
        match (&self.permanent, self.config.secrecy) {
            (None, Secrecy::Forward { .. } | Secrecy::Off) => Some(Purpose::Permanent),
            (Some(Permanent { is_lost: true, .. }), _) | (_, Secrecy::Off) => None,
            (_, Secrecy::Forward { .. } | Secrecy::Anonymous { .. }) => {
                needs_temporary.then_some(Purpose::Temporary)
            }
        }
    }

    fn key_request(&mut self, purpose: Purpose) -> KeyRequest {
        match (purpose, self.config.secrecy.life_s()) {
            (Purpose::Temporary, Some(life_s)) => {
                let mut random = [0; 4];
                self.entropy.fill(&mut random);
                let cut = u32::from_le_bytes(random) % (life_s.unsigned_abs() / LIFE_JITTER).max(1);
                let expires_in_s = life_s.saturating_sub_unsigned(cut).max(1);
                KeyRequest::Temporary { expires_in_s }
            }
            _ => KeyRequest::Permanent,
        }
    }

    /// Handles the end of an exchange, successful or not.
    pub(super) fn settle_exchange(&mut self) {
        match self.exchange.take() {
            Some(exchange) if exchange.handshake.is_done() => {
                if let Ok(established) = exchange.handshake.finish() {
                    self.add_key(exchange.purpose, established);
                }
            }
            Some(exchange) => match exchange.handshake.failure() {
                Some(error) => {
                    self.close_link(exchange.link);
                    self.exchange_failed(ExchangeError::Handshake(error));
                }
                None => self.exchange = Some(exchange),
            },
            None => {}
        }
    }

    /// Ends the exchange on a link that is closing. Returns `true` if there was one.
    pub(super) fn abandon_exchange(&mut self, link: LinkId) -> bool {
        let found = self.exchange.take_if(|exchange| exchange.link == link);
        found.is_some()
    }

    pub(super) fn exchange_failed(&mut self, error: ExchangeError) {
        self.events.push_back(ClientEvent::ExchangeFailed { error });
        self.pause();
    }

    /// Delays the next attempt, doubling the pause with each failure.
    // spec: crypto 18.13
    pub(super) fn pause(&mut self) {
        let factor = 1_u32 << self.failures.min(PAUSE_DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.pause_until = Some(self.now.mono + self.config.retry_pause.saturating_mul(factor));
    }

    fn add_key(&mut self, purpose: Purpose, established: Established) {
        self.events.push_back(ClientEvent::KeyCreated { established: established.clone() });
        match purpose {
            Purpose::Permanent => {
                self.permanent = Some(Permanent::created(established, self.now.mono));
                self.choose_traffic();
            }
            Purpose::Temporary if self.traffic.key().is_some() => {
                self.next = Some((established, self.now.mono));
            }
            Purpose::Temporary => self.use_temporary(established),
        }
        self.begin_exchange();
    }
}

impl Permanent {
    /// Returns a key from storage, which has worked before.
    pub(super) const fn stored(established: Established) -> Self {
        Self { established, created_at: None, strikes: 0, is_lost: false }
    }

    pub(super) const fn created(established: Established, at: Instant) -> Self {
        Self { established, created_at: Some(at), strikes: 0, is_lost: false }
    }

    /// Returns `true` if the key is so new that replicas of the server may not know it yet.
    // spec: session 15
    pub(super) fn is_fresh(&self, now: Now) -> bool {
        self.created_at.is_some_and(|at| now.mono.saturating_since(at) < FRESH)
    }
}

/// Divisor of a key's lifetime: the largest part that jitter cuts off.
const LIFE_JITTER: u32 = 24;
/// Pauses grow up to 64 times the first one.
const PAUSE_DOUBLINGS_MAX: u32 = 6;
/// Time during which replicas of the server may not know a key.
const FRESH: Duration = Duration::from_secs(60);
