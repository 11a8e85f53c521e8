//! What a data centre counts.

use mtp_proto::ConnectionError;
use mtp_session::Established;
use mtp_session::server::ServerPacketError;

use crate::admission::Refused;

/// What happened at a data centre since its start. Every number only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Links taken on.
    pub links: u64,
    /// Connections that the door refused.
    pub refused: RefusedCounters,
    /// Links cut by the door.
    pub cut: CutCounters,
    /// Packets refused, and what ended links.
    pub packets_refused: PacketCounters,
    /// Bytes received on links.
    pub bytes_in: u64,
    /// Bytes to be written to links.
    pub bytes_out: u64,
    /// Steps of key exchanges computed.
    pub exchange_steps: u64,
    /// Steps of key exchanges answered −429 instead.
    pub exchange_steps_refused: u64,
    /// Permanent keys made.
    pub keys_permanent: u64,
    /// Temporary keys made.
    pub keys_temporary: u64,
    /// Temporary keys bound to permanent ones.
    pub keys_bound: u64,
    /// Keys gone, for whatever reason.
    pub keys_destroyed: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Sessions forgotten.
    pub sessions_gone: u64,
    /// Calls made by clients.
    pub calls: u64,
    /// Calls answered with an error, here or by the embedder.
    pub calls_failed: u64,
    /// Updates given to sessions.
    pub updates: u64,
}

/// Connections that the door refused, by [`Refused`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedCounters {
    /// There were as many links as there may be.
    pub full: u64,
    /// The address had too many links.
    pub too_many: u64,
    /// The address connected too often.
    pub too_often: u64,
}

/// Links that the door cut, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutCounters {
    /// They had shown no key in time.
    pub overdue: u64,
    /// They had shown no key yet and made room for newer ones.
    pub displaced: u64,
    /// They held more memory than all others when there was too little.
    pub greedy: u64,
    /// Their address had one link too many: they were told −429.
    pub doomed: u64,
}

/// Refused packets and broken links, by [`ConnectionError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketCounters {
    /// Bytes that the transport does not allow.
    pub transport: u64,
    /// Steps of key exchanges that were wrong.
    pub handshake: u64,
    /// Packets under keys that nobody has: −404.
    pub unknown_key: u64,
    /// Packets that did not open.
    pub envelope: u64,
    /// Packets whose number, time or salt was wrong; the client is told.
    pub screened: u64,
    /// Packets that their session refused.
    pub session: u64,
    /// Packets for sessions there was no room for: −429.
    pub full: u64,
}

impl Counters {
    pub(crate) const fn note_refused(&mut self, why: Refused) {
        add_one(match why {
            Refused::Full => &mut self.refused.full,
            Refused::TooMany => &mut self.refused.too_many,
            Refused::TooOften => &mut self.refused.too_often,
        });
    }

    pub(crate) fn note_error(&mut self, why: &ConnectionError) {
        let counters = &mut self.packets_refused;
        add_one(match why {
            ConnectionError::FromClient(why) => match why {
                ServerPacketError::Handshake(_) => &mut counters.handshake,
                ServerPacketError::UnknownKey(_) => &mut counters.unknown_key,
                ServerPacketError::Envelope => &mut counters.envelope,
                ServerPacketError::Screened(_) => &mut counters.screened,
                ServerPacketError::Full => &mut counters.full,
                _ => &mut counters.session,
            },
            _ => &mut counters.transport,
        });
    }

    pub(crate) const fn note_key(&mut self, established: &Established) {
        add_one(if established.kind.is_temporary() {
            &mut self.keys_temporary
        } else {
            &mut self.keys_permanent
        });
    }
}

/// Counts one more.
pub(crate) const fn add_one(counter: &mut u64) {
    add(counter, 1);
}

/// Counts so many more.
pub(crate) const fn add(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(more as u64);
}
