//! Key exchanges of a client: when one is wanted, over which link, and what a failure costs.

use alloc::boxed::Box;
use core::time::Duration;

use mtp_env::{Instant, Now};

use super::handshake::{ClientHandshake, ClientHandshakeConfig};
use super::{ClientEvent, ClientMachine, ExchangeError, Permanent, Secrecy};
use crate::established::Established;
use crate::exchange::{KeyRequest, fork};
use crate::link::LinkId;

/// A key exchange under way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) handshake: Box<ClientHandshake>,
    pub(super) link: LinkId,
    purpose: Purpose,
    /// The arithmetic that is done elsewhere.
    pub(super) ticket: Option<u32>,
}

/// Which key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Permanent,
    Temporary,
}

impl ClientMachine {
    /// Begins the exchange that is wanted, if there is a link for it and no pause.
    pub(super) fn begin_exchange(&mut self) {
        if self.exchange.is_some() || self.pause_until.is_some_and(|until| until > self.now.mono) {
            return;
        }
        let Some(purpose) = self.wanted() else { return };
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

    /// Returns the key that is missing, or will be soon.
    fn wanted(&self) -> Option<Purpose> {
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

    /// Takes what an exchange has come to, good or bad.
    pub(super) fn settle_exchange(&mut self) {
        match self.exchange.take() {
            Some(exchange) if exchange.handshake.is_done() => {
                if let Ok(established) = exchange.handshake.finish() {
                    self.take_key(exchange.purpose, established);
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

    /// Ends the exchange over a link, if there is one; the link is gone or going.
    pub(super) fn abandon_exchange(&mut self, link: LinkId) -> bool {
        let found = self.exchange.take_if(|exchange| exchange.link == link);
        found.is_some()
    }

    pub(super) fn exchange_failed(&mut self, error: ExchangeError) {
        self.happened.push_back(ClientEvent::ExchangeFailed { error });
        self.pause();
    }

    /// Puts the next attempt off, longer after each failure.
    // spec: crypto 18.13
    pub(super) fn pause(&mut self) {
        let factor = 1_u32 << self.failures.min(PAUSE_DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.pause_until = Some(self.now.mono + self.config.retry_pause.saturating_mul(factor));
    }

    fn take_key(&mut self, purpose: Purpose, established: Established) {
        self.happened.push_back(ClientEvent::KeyCreated { established: established.clone() });
        match purpose {
            Purpose::Permanent => {
                self.permanent = Some(Permanent::made(established, self.now.mono));
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
    /// Takes a key from storage: it has proved itself before.
    pub(super) const fn stored(established: Established) -> Self {
        Self { established, made_at: None, strikes: 0, is_lost: false }
    }

    pub(super) const fn made(established: Established, at: Instant) -> Self {
        Self { established, made_at: Some(at), strikes: 0, is_lost: false }
    }

    /// Reports whether the key is so new that the server's other machines may not know it yet.
    // spec: session 15
    pub(super) fn is_fresh(&self, now: Now) -> bool {
        self.made_at.is_some_and(|at| now.mono.saturating_since(at) < FRESH)
    }
}

/// The part of a key's life that randomness may cut off.
const LIFE_JITTER: u32 = 24;
/// Pauses grow up to 64 times the first.
const PAUSE_DOUBLINGS_MAX: u32 = 6;
/// So long a key may be unknown to parts of the server.
const FRESH: Duration = Duration::from_secs(60);
