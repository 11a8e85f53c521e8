//! The key that encrypts traffic and the switch to the next one.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_env::{Instant, UnixTime};
use mtp_tl::BOOL_TRUE;
use mtp_tl::Decoder;

use super::session::{BindInputs, ClientSessionEvent, RequestId};
use super::{ClientEvent, ClientMachine, Evidence, Secrecy, TemporaryKeyEnd};
use crate::established::{Established, KeyKind};
use crate::service::{Reaction, RpcError};

/// The key that encrypts traffic.
#[derive(Debug)]
pub(super) enum Traffic {
    /// No key; calls wait.
    None,
    /// A temporary key that is not bound yet; only the binding call is sent.
    Binding {
        key: Established,
        /// Binding call; `None` during a pause.
        request: Option<RequestId>,
        /// Number of rejections that did not blame the key.
        refusals: u8,
    },
    /// A usable key.
    Ready { key: Established, since: Instant },
}

impl Traffic {
    pub(super) const fn key(&self) -> Option<&Established> {
        match self {
            Self::None => None,
            Self::Binding { key, .. } | Self::Ready { key, .. } => Some(key),
        }
    }
}

/// Answer of the server to a binding call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindAnswer {
    Bound,
    /// Retry after a pause.
    Again,
    /// Drop the temporary key.
    DropTemporary,
    /// The server does not know the permanent key.
    PermanentUnknown,
}

impl BindAnswer {
    // spec: session 15
    fn of_error(error: &RpcError<'_>) -> Self {
        match (error.code(), error.message()) {
            (400, "ENCRYPTED_MESSAGE_INVALID") => Self::PermanentUnknown,
            (400, "CONNECTION_NOT_INITED" | "CONNECTION_LAYER_INVALID") => Self::Again,
            _ if matches!(error.reaction(), Reaction::Retry { .. } | Reaction::Wait { .. }) => {
                Self::Again
            }
            _ => Self::DropTemporary,
        }
    }

    /// Returns the answer in an event of the binding call.
    pub(super) fn of_event(event: &ClientSessionEvent<'_>, binding: RequestId) -> Option<Self> {
        match event {
            ClientSessionEvent::Result { request, body } if *request == binding => {
                let bound = Decoder::new(body).peek_id() == Some(BOOL_TRUE);
                Some(if bound { Self::Bound } else { Self::Again })
            }
            ClientSessionEvent::RpcError { request, error } if *request == binding => {
                Some(Self::of_error(error))
            }
            ClientSessionEvent::Failed { request, .. } if *request == binding => Some(Self::Again),
            _ => None,
        }
    }
}

impl ClientMachine {
    /// Returns the answer to the binding in an event.
    pub(super) fn bind_answer(&self, event: &ClientSessionEvent<'_>) -> Option<BindAnswer> {
        match self.traffic {
            Traffic::Binding { request: Some(request), .. } => BindAnswer::of_event(event, request),
            Traffic::Ready { .. } if *event == ClientSessionEvent::BindingLost => {
                Some(BindAnswer::DropTemporary)
            }
            _ => None,
        }
    }

    /// Returns `true` if an event belongs to a call that the application did not make.
    pub(super) fn is_own(&self, event: &ClientSessionEvent<'_>) -> bool {
        let request = match event {
            ClientSessionEvent::Result { request, .. }
            | ClientSessionEvent::RpcError { request, .. }
            | ClientSessionEvent::Failed { request, .. }
            | ClientSessionEvent::Delivered { request }
            | ClientSessionEvent::QuickAcked { request } => *request,
            _ => return false,
        };
        let current = match self.traffic {
            Traffic::Binding { request, .. } => request,
            _ => None,
        };
        current == Some(request) || self.abandoned_binding == Some(request)
    }

    /// Uses the permanent key for traffic, if the configuration says so.
    pub(super) fn choose_traffic(&mut self) {
        if self.config.secrecy == Secrecy::Off
            && matches!(self.traffic, Traffic::None)
            && let Some(permanent) = self.permanent.as_ref().filter(|permanent| !permanent.is_lost)
        {
            let key = permanent.established.clone();
            self.session.set_key(self.now, &key);
            self.become_ready(key);
        }
    }

    /// Uses a temporary key for traffic and asks the server to bind it.
    pub(super) fn use_temporary(&mut self, key: Established) {
        self.session.set_key(self.now, &key);
        if matches!(self.config.secrecy, Secrecy::Anonymous { .. }) {
            // CDN: there is no permanent key to bind it to.
            self.session.set_bound();
            self.become_ready(key);
            return;
        }
        self.traffic = Traffic::Binding { key, request: None, refusals: 0 };
        self.bind();
    }

    /// Makes the binding call, if it is due.
    // spec: session 15
    pub(super) fn bind(&mut self) {
        let Traffic::Binding { key, request: request @ None, .. } = &mut self.traffic else {
            return;
        };
        let Some(permanent) = &self.permanent else { return };
        if permanent.is_lost || self.pause_until.is_some_and(|until| until > self.now.mono) {
            return;
        }
        let inputs = BindInputs {
            perm_key: Arc::clone(&permanent.established.key),
            expires_at: expires_at(key).map_or(0, wire_secs),
        };
        *request = self.session.bind(self.now, inputs).ok();
    }

    /// Handles the answer to the binding call.
    // spec: session 15
    pub(super) fn bind_answered(&mut self, answer: BindAnswer) {
        let now = self.now;
        let tried_enough = match &mut self.traffic {
            Traffic::Binding { request, refusals, .. } => {
                *request = None;
                *refusals = refusals.saturating_add(1);
                *refusals >= BIND_REFUSALS_MAX
            }
            _ => true,
        };
        match answer {
            BindAnswer::Bound => {
                if let Traffic::Binding { key, .. } =
                    core::mem::replace(&mut self.traffic, Traffic::None)
                {
                    self.become_ready(key);
                }
            }
            // The clock is not the cause: the key exchange has just set it.
            BindAnswer::PermanentUnknown
                if self.permanent.as_ref().is_some_and(|key| !key.is_fresh(now)) =>
            {
                self.lose_permanent(Evidence::Authenticated);
            }
            BindAnswer::DropTemporary => self.drop_temporary(TemporaryKeyEnd::NotBound),
            _ if tried_enough => self.drop_temporary(TemporaryKeyEnd::NotBound),
            BindAnswer::PermanentUnknown | BindAnswer::Again => self.pause(),
        }
    }

    pub(super) fn become_ready(&mut self, key: Established) {
        self.traffic = Traffic::Ready { key, since: self.now.mono };
        self.events.push_back(ClientEvent::Ready);
    }

    /// Drops the key for traffic together with its binding call, which would prove nothing for another key.
    // spec: session 15
    pub(super) fn leave_key(&mut self) {
        let left = core::mem::replace(&mut self.traffic, Traffic::None);
        if let Traffic::Binding { request: Some(request), .. } = left {
            // Its answer may already be queued as an event, which is then swallowed.
            let _ = self.session.cancel(request);
            self.abandoned_binding = Some(request);
        }
    }

    /// Drops the temporary key. The next one is created after a pause.
    pub(super) fn drop_temporary(&mut self, cause: TemporaryKeyEnd) {
        self.leave_key();
        self.session.drop_key();
        self.events.push_back(ClientEvent::TemporaryKeyLost { cause });
        match self.next.take() {
            // The next key exists already, so forged errors cannot cause exchanges.
            Some((next, _)) => self.use_temporary(next),
            None => self.pause(),
        }
        self.begin_exchange();
    }

    /// Stops until the application decides.
    pub(super) fn lose_permanent(&mut self, evidence: Evidence) {
        let Some(permanent) = &mut self.permanent else { return };
        permanent.is_lost = true;
        self.leave_key();
        self.next = None;
        self.exchange = None;
        self.session.drop_key();
        self.events.push_back(ClientEvent::PermanentKeyLost { evidence });
    }

    /// Handles transport error −404 on a link whose traffic is encrypted.
    // spec: session 10
    // spec: crypto 18.13
    pub(super) fn key_not_found(&mut self) {
        match (&self.traffic, &mut self.permanent) {
            (Traffic::None, _) => {}
            (Traffic::Binding { .. } | Traffic::Ready { .. }, _)
                if self.config.secrecy != Secrecy::Off =>
            {
                self.drop_temporary(TemporaryKeyEnd::NotFound);
            }
            (_, Some(permanent)) => {
                permanent.strikes = permanent.strikes.saturating_add(1);
                if permanent.strikes >= STRIKES_MAX {
                    self.lose_permanent(Evidence::Forgeable);
                }
            }
            (_, None) => {}
        }
    }

    /// Records that the server accepts the key.
    pub(super) fn key_works(&mut self) {
        if let Some(permanent) = &mut self.permanent {
            permanent.strikes = 0;
        }
        if let Traffic::Ready { since, .. } = self.traffic
            && self.now.mono.saturating_since(since) >= STABLE
        {
            self.failures = 0;
        }
    }

    // ── renewal ────────────────────────────────────────────────────────────────────────────────

    /// Returns when to create the next temporary key.
    pub(super) fn renewal_at(&self) -> Option<Instant> {
        let Traffic::Ready { key, since } = &self.traffic else { return None };
        let left = self.life_left(key)?;
        let life = left.saturating_add(self.now.mono.saturating_since(*since));
        let before = self.config.renew_before.min(life / 4);
        Some(self.now.mono + left.saturating_sub(before))
    }

    pub(super) fn renewal_is_due(&self) -> bool {
        self.renewal_at().is_some_and(|at| at <= self.now.mono)
    }

    /// Returns the expiry of the key for traffic.
    pub(super) fn expiry_at(&self) -> Option<Instant> {
        self.life_left(self.traffic.key()?).map(|left| self.now.mono + left)
    }

    /// Switches to the next key, once no call is in flight or the maximum wait is over.
    ///
    /// Answers under the old key cannot be decrypted afterwards, so calls in flight would run twice.
    pub(super) fn change_key(&mut self) {
        let Some((_, since)) = &self.next else { return };
        let waited = self.now.mono.saturating_since(*since);
        if self.session.calls_open() > 0 && waited < self.config.renew_patience {
            return;
        }
        if let Some((next, _)) = self.next.take() {
            self.use_temporary(next);
        }
    }

    /// Returns `true` if a temporary key has expired.
    pub(super) fn is_over(&self, key: &Established) -> bool {
        self.life_left(key) == Some(Duration::ZERO)
    }

    /// Drops an expired temporary key.
    pub(super) fn expire(&mut self) {
        if self.traffic.key().is_some_and(|key| self.is_over(key)) {
            self.drop_temporary(TemporaryKeyEnd::Expired);
        }
    }

    /// Returns the remaining lifetime of a temporary key, by the known server time.
    fn life_left(&self, key: &Established) -> Option<Duration> {
        let expires_at = expires_at(key)?.as_nanos();
        let offset = self.session.time_offset_ns(self.now);
        let now = self.now.unix.as_nanos().saturating_add_signed(offset);
        Some(Duration::from_nanos(expires_at.saturating_sub(now)))
    }
}

fn expires_at(key: &Established) -> Option<UnixTime> {
    match key.kind {
        KeyKind::Temporary { expires_at, .. } => Some(expires_at),
        _ => None,
    }
}

/// Returns Unix time in seconds as on the wire.
fn wire_secs(time: UnixTime) -> i32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).cast_signed()
}

/// Rejections of a binding after which the temporary key is dropped.
// spec: session 15
const BIND_REFUSALS_MAX: u8 = 3;
/// Consecutive links that must end with −404 before a permanent key is reported lost.
// spec: session 10
const STRIKES_MAX: u8 = 2;
/// Time of successful use after which failures are forgotten.
const STABLE: Duration = Duration::from_secs(60);
