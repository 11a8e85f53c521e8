//! Saving and resuming a session.
//!
//! The key is not part of the bytes: it needs more care, and is stored elsewhere.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use mtp_env::{Entropy, Now};
use mtp_tl::{DecodeError, DecodeErrorKind, Decoder, Encode, Output};

use super::calls::{Body, Call, CallState, Delivery, Flight, Wrapping};
use super::clock::Clock;
use super::keys::Keys;
use super::request::{Priority, Repetition, RequestId, RequestOptions, Wrap};
use super::salts::Salts;
use super::sent::SentKind;
use super::{ClientSession, ClientSessionConfig, Init};
use crate::link::LinkId;
use crate::service::FutureSalt;
use crate::session::msg_id::MsgIdGenerator;
use crate::session::seq_no::Label;
use crate::session::window::Fate;
use crate::session::{Mutation, is_object};

/// The first bytes of a saved session: name and version of the format.
const MAGIC: [u8; 4] = *b"mts1";

impl ClientSession {
    /// Returns the session as bytes: ids, numbers, salts, received ids, every open call.
    ///
    /// The key is not among them. A session that goes on after it was saved makes the bytes stale: save last, then
    /// drop it.
    #[must_use]
    pub fn save(&self, now: Now) -> Vec<u8> {
        let mut bytes = Vec::new();
        let out = &mut bytes;
        out.put(&MAGIC);
        out.put(&self.keys.id().unwrap_or(AuthKeyId::NONE).to_le_bytes());
        out.put(&self.core.session_id.to_le_bytes());
        out.put(&self.core.ledger.ids.last().to_le_bytes());
        self.core.ledger.numbers.count().encode(out);
        self.clock.offset_ns(now).encode(out);
        flags([self.init == Init::Settled, self.written, self.incarnation.is_some()]).encode(out);
        out.put(&self.incarnation.map_or(0, |(unique_id, _)| unique_id).to_le_bytes());
        out.put(&self.salts.current().to_le_bytes());
        out.put_count(self.salts.future().len());
        for salt in self.salts.future() {
            salt.valid_since.encode(out);
            salt.valid_until.encode(out);
            out.put(&salt.salt.to_le_bytes());
        }
        out.put_count(self.core.window.iter().len());
        for received in self.core.window.iter() {
            out.put(&received.msg_id.to_le_bytes());
            out.put(&received.seq_no.to_le_bytes());
        }
        put_ids(out, self.core.ledger.acks.waiting());
        out.put_count(self.todo.destroy_sessions.len());
        for session_id in &self.todo.destroy_sessions {
            out.put(&session_id.to_le_bytes());
        }
        self.save_calls(out);
        bytes
    }

    fn save_calls(&self, out: &mut Vec<u8>) {
        // The call that binds a key proves the ids of its session; a resumed session binds anew.
        let lasting = |call: &Call| matches!(call.body, Body::Bytes(_));
        let count = self.calls.iter().filter(|(_, call)| lasting(call)).count();
        out.put(&self.calls.serial().to_le_bytes());
        out.put_count(count);
        for (key, call) in self.calls.iter() {
            let Body::Bytes(body) = &call.body else { continue };
            out.put(&key.to_le_bytes());
            let options = &call.options;
            out.put(&options.after.map_or(0, RequestId::as_u64).to_le_bytes());
            let priority = match options.priority {
                Priority::High => 0_u32,
                Priority::Normal => 1,
                Priority::Low => 2,
            };
            (priority | u32::from(call.recoveries) << 8).encode(out);
            flags([
                options.repetition == Repetition::Once,
                options.quick_ack,
                options.wrap == Wrap::Never,
                call.waits_for_end,
                call.before_binding,
                matches!(call.state, CallState::Out(_)),
                matches!(call.state, CallState::Out(flight) if flight.has_arrived()),
                matches!(call.state, CallState::Out(flight) if flight.wrapping.init),
            ])
            .encode(out);
            if let CallState::Out(flight) = &call.state {
                out.put(&flight.label.msg_id.to_le_bytes());
                out.put(&flight.label.seq_no.to_le_bytes());
                out.put(&flight.container.to_le_bytes());
                let after = flight.wrapping.after.map_or(0, MsgId::as_raw);
                out.put(&after.to_le_bytes());
            }
            out.put_string(body);
        }
    }

    /// Makes a session from [`save`](Self::save)d bytes; calls keep their ids and wait for the key.
    ///
    /// # Errors
    /// [`SessionResumeError`]: the bytes are damaged, or of an unknown version.
    pub fn resume(
        now: Now,
        saved: &[u8],
        config: Arc<ClientSessionConfig>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, SessionResumeError> {
        let mut session = Self::with_id(now, config, SessionId::from_raw(0), entropy);
        let mut d = Decoder::new(saved);
        if d.array::<4>().map_err(SessionResumeError::Malformed)? != &MAGIC {
            return Err(SessionResumeError::UnknownFormat);
        }
        session.read(now, &mut d).map_err(SessionResumeError::Malformed)?;
        d.finish().map_err(SessionResumeError::Malformed)?;
        if session.core.session_id.as_raw() == 0 {
            return Err(SessionResumeError::NoSession);
        }
        Ok(session)
    }

    fn read(&mut self, now: Now, d: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let key_id = AuthKeyId::from_raw(long(d)?);
        self.keys = Keys::absent((key_id != AuthKeyId::NONE).then_some(key_id));
        self.core.session_id = SessionId::from_raw(long(d)?);
        let last = MsgId::from_raw(long(d)?);
        self.core.ledger.resume(last, d.read()?);
        self.clock = Clock::new(now, d.read()?);
        let known: u32 = d.read()?;
        self.init = if known & 1 != 0 { Init::Settled } else { Init::Needed };
        self.written = known & 2 != 0;
        let unique_id = long(d)?;
        // The state of all calls in flight is requested, so the lowest id of the incarnation is not needed.
        self.incarnation = (known & 4 != 0).then_some((unique_id, MsgId::from_raw(u64::MAX)));
        self.salts = Salts::new(Salt::from_raw(long(d)?));
        let mut salts = Vec::new();
        for _ in 0..d.count(16)? {
            let (valid_since, valid_until) = (d.read()?, d.read()?);
            salts.push(FutureSalt { valid_since, valid_until, salt: Salt::from_raw(long(d)?) });
        }
        self.salts.store(salts.into_iter());
        for _ in 0..d.count(12)? {
            let msg_id = MsgId::from_raw(long(d)?);
            let label = Label { msg_id, seq_no: SeqNo::from_raw(d.read()?) };
            self.core.window.insert(label, Fate::Handled);
        }
        for _ in 0..d.count(8)? {
            let msg_id = MsgId::from_raw(long(d)?);
            self.core.ledger.ack(now, msg_id);
        }
        for _ in 0..d.count(8)? {
            self.todo.destroy_sessions.push(SessionId::from_raw(long(d)?));
        }
        self.read_calls(now, d)
    }

    /// Restores the calls; the state of those in flight is requested.
    fn read_calls(&mut self, now: Now, d: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let mut out = Vec::new();
        // Ids of ended calls are not reused: applications may still hold them.
        self.calls.skip_to(long(d)?);
        for _ in 0..d.count(32)? {
            let key = long(d)?;
            let call = read_call(now, d)?;
            let state = call.state;
            let is_lost = self.breaks(Mutation::CallsLostAtResume);
            let restored = !is_lost && self.calls.restore(key, call, self.config.calls_max);
            if let (CallState::Out(flight), true) = (state, restored) {
                out.push((flight.label.msg_id, flight.container, key, flight.delivery));
            }
        }
        out.sort_unstable_by_key(|(msg_id, ..)| *msg_id);
        out.dedup_by_key(|(msg_id, ..)| *msg_id);
        let last = out.last().map_or(self.core.ledger.ids.last(), |(msg_id, ..)| {
            self.core.ledger.ids.last().max(*msg_id)
        });
        self.core.ledger.ids = MsgIdGenerator::after(last);
        for (msg_id, container, key, delivery) in out {
            let calls = &self.calls;
            self.sent.push(msg_id, SentKind::Call(key), |key| calls.is_open(key));
            self.sent.move_to(msg_id, container);
            if delivery == Delivery::Unknown {
                self.calls.ask(key);
            }
        }
        self.check_by(now.mono + self.config.ask_after);
        Ok(())
    }
}

/// Why a saved session is not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionResumeError {
    /// The bytes are of another kind, or of a version that is not known.
    UnknownFormat,
    /// The bytes are damaged.
    Malformed(DecodeError),
    /// The session's id is zero.
    NoSession,
}

impl fmt::Display for SessionResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not a saved session of a known version"),
            Self::Malformed(_) => f.write_str("damaged saved session"),
            Self::NoSession => f.write_str("saved session without id"),
        }
    }
}

impl core::error::Error for SessionResumeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::UnknownFormat | Self::NoSession => None,
        }
    }
}

fn flags<const N: usize>(values: [bool; N]) -> u32 {
    values.iter().rev().fold(0, |bits, value| bits << 1 | u32::from(*value))
}

fn long(d: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    d.array().map(|bytes| u64::from_le_bytes(*bytes))
}

fn put_ids(out: &mut Vec<u8>, ids: impl ExactSizeIterator<Item = MsgId>) {
    out.put_count(ids.len());
    for msg_id in ids {
        out.put(&msg_id.to_le_bytes());
    }
}

fn read_call(now: Now, d: &mut Decoder<'_>) -> Result<Call, DecodeError> {
    let after = long(d)?;
    let ranks: u32 = d.read()?;
    let is: u32 = d.read()?;
    let priority = match ranks & 0xff {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    };
    let options = RequestOptions {
        priority,
        repetition: if is & 1 != 0 { Repetition::Once } else { Repetition::AtLeastOnce },
        after: (after != 0).then(|| RequestId::new(after)),
        quick_ack: is & 2 != 0,
        pack: false,
        wrap: if is & 4 != 0 { Wrap::Never } else { Wrap::AsNeeded },
    };
    let state = if is & 32 == 0 {
        CallState::Queued
    } else {
        let msg_id = MsgId::from_raw(long(d)?);
        let seq_no = SeqNo::from_raw(d.read()?);
        let container = MsgId::from_raw(long(d)?);
        let after = long(d)?;
        let arrived = is & 64 != 0;
        let wrapping =
            Wrapping { after: (after != 0).then(|| MsgId::from_raw(after)), init: is & 128 != 0 };
        CallState::Out(Flight {
            label: Label { msg_id, seq_no },
            container,
            link: NO_LINK,
            written_at: now.mono,
            delivery: if arrived { Delivery::AckedBefore } else { Delivery::Unknown },
            checked_at: now.mono,
            wrapping,
            carries_init: false,
            was_received: false,
            is_moved: true,
        })
    };
    let body = d.string()?;
    if !is_object(body) {
        let count = i32::try_from(body.len()).unwrap_or(i32::MAX);
        return Err(d.error(DecodeErrorKind::InvalidLength { count }));
    }
    Ok(Call {
        body: Body::Bytes(body.to_vec()),
        options,
        state,
        recoveries: u8::try_from(ranks >> 8 & 0xff).unwrap_or(u8::MAX),
        waits_for_end: is & 8 != 0,
        before_binding: is & 16 != 0,
    })
}

/// The link of calls that were written before the restart: no driver uses its number.
const NO_LINK: LinkId = LinkId::new(u64::MAX);
