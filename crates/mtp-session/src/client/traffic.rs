//! Which key encrypts traffic, and the way from one to the next.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_env::{Instant, UnixTime};
use mtp_tl::Decoder;
use mtp_tl::number::BOOL_TRUE;

use super::session::{BindInputs, ClientSessionEvent, RequestId};
use super::{ClientEvent, ClientMachine, Evidence, Secrecy, TemporaryKeyEnd};
use crate::established::{Established, KeyKind};
use crate::service::{Reaction, RpcError};

/// Which key encrypts traffic.
#[derive(Debug)]
pub(super) enum Traffic {
    /// None: calls wait.
    None,
    /// A temporary key that the server has not bound yet: only the call that binds it is written.
    Binding {
        key: Established,
        /// The call that binds it, if it is made; else a pause is on.
        request: Option<RequestId>,
        /// How often the server has refused without a word against the key.
        refusals: u8,
    },
    /// This one.
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

/// What the server's answer says about a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindAnswer {
    Bound,
    /// Ask again, after a pause.
    Again,
    /// The temporary key is of no use.
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

    /// Reads the answer out of an event, if it is about the call that binds.
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
    /// Reads out of an event what the server says about the binding, if it says something.
    pub(super) fn bind_answer(&self, event: &ClientSessionEvent<'_>) -> Option<BindAnswer> {
        match self.traffic {
            Traffic::Binding { request: Some(request), .. } => BindAnswer::of_event(event, request),
            Traffic::Ready { .. } if *event == ClientSessionEvent::BindingLost => {
                Some(BindAnswer::DropTemporary)
            }
            _ => None,
        }
    }

    /// Reports whether an event speaks of a call that the application did not make.
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
        current == Some(request) || self.left_binding == Some(request)
    }

    /// Begins with the permanent key if it is to carry traffic.
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

    /// Puts a temporary key in charge, and asks the server to bind it.
    pub(super) fn use_temporary(&mut self, key: Established) {
        self.session.set_key(self.now, &key);
        if matches!(self.config.secrecy, Secrecy::Anonymous { .. }) {
            // Content delivery centres: there is nothing to bind it to.
            self.session.set_bound();
            self.become_ready(key);
            return;
        }
        self.traffic = Traffic::Binding { key, request: None, refusals: 0 };
        self.bind();
    }

    /// Makes the call that binds, if it is wanted and no pause is on.
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

    /// Takes the server's answer to the call that binds.
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
            // The clock is right: the key's exchange has just set it.
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
        self.happened.push_back(ClientEvent::Ready);
    }

    /// Leaves the key for traffic, and with it the call that was to bind it: for another key it would prove nothing.
    // spec: session 15
    pub(super) fn leave_key(&mut self) {
        let left = core::mem::replace(&mut self.traffic, Traffic::None);
        if let Traffic::Binding { request: Some(request), .. } = left {
            // Its answer may wait among the events already; then nobody asks for it any more.
            let _ = self.session.cancel(request);
            self.left_binding = Some(request);
        }
    }

    /// Gives a temporary key up; the next one is made after a pause.
    pub(super) fn drop_temporary(&mut self, cause: TemporaryKeyEnd) {
        self.leave_key();
        self.session.drop_key();
        self.happened.push_back(ClientEvent::TemporaryKeyLost { cause });
        match self.next.take() {
            // One is at hand: no exchange, so nobody can make us do many.
            Some((next, _)) => self.use_temporary(next),
            None => self.pause(),
        }
        self.begin_exchange();
    }

    /// Stops and lets the application decide.
    pub(super) fn lose_permanent(&mut self, evidence: Evidence) {
        let Some(permanent) = &mut self.permanent else { return };
        permanent.is_lost = true;
        self.leave_key();
        self.next = None;
        self.exchange = None;
        self.session.drop_key();
        self.happened.push_back(ClientEvent::PermanentKeyLost { evidence });
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

    /// Notes that the server understands the key.
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

    /// Returns when the next temporary key is to be made.
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

    /// Returns when the key for traffic dies.
    pub(super) fn expiry_at(&self) -> Option<Instant> {
        self.life_left(self.traffic.key()?).map(|left| self.now.mono + left)
    }

    /// Changes to the key that was made ahead, once no call is in flight or patience is over.
    ///
    /// Answers under the old key cannot be read afterwards, so calls in flight would run twice.
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

    /// Reports whether a temporary key has died.
    pub(super) fn is_over(&self, key: &Established) -> bool {
        self.life_left(key) == Some(Duration::ZERO)
    }

    /// Drops a temporary key whose time is over.
    pub(super) fn expire(&mut self) {
        if self.traffic.key().is_some_and(|key| self.is_over(key)) {
            self.drop_temporary(TemporaryKeyEnd::Expired);
        }
    }

    /// Returns how long a temporary key still lives, by the server's clock as far as it is known.
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

/// Seconds as the protocol carries them.
fn wire_secs(time: UnixTime) -> i32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).cast_signed()
}

/// A binding is asked for so often before the temporary key is thought to be at fault.
// spec: session 15
const BIND_REFUSALS_MAX: u8 = 3;
/// Links in a row that must end with −404 before a permanent key is doubted.
// spec: session 10
const STRIKES_MAX: u8 = 2;
/// A key that has worked so long proves that failures are over.
const STABLE: Duration = Duration::from_secs(60);
