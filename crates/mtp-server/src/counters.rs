//! Counters of an endpoint.

use mtp_proto::ConnectionError;
use mtp_session::established::Established;
use mtp_session::server::ServerPacketError;

use crate::admission::Refused;

/// Counters of an [`Endpoint`](crate::Endpoint) since its start. They never decrease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Links accepted.
    pub links: u64,
    /// Connections refused by the admission.
    pub refused: RefusedCounters,
    /// Links closed by the admission.
    pub cut: CutCounters,
    /// Rejected packets and broken links.
    pub packets_refused: PacketCounters,
    /// Packets of which a part was refused, because the work it may cause was spent or its session held
    /// too much.
    pub packets_cut: u64,
    /// Work done for packets, calls and answers, in units of [`Work`](mtp_env::Work).
    pub work: u64,
    /// Work beyond what bytes pay for, which is charged to networks and keys.
    pub work_beyond: u64,
    /// Reads after which a link was left unread, because its network or its key had spent its budget of work.
    pub links_paused: u64,
    /// Bytes received on links.
    pub bytes_in: u64,
    /// Bytes written to links.
    pub bytes_out: u64,
    /// Key exchanges admitted.
    pub exchanges: u64,
    /// Key exchanges refused with −429, before their first arithmetic.
    pub exchanges_refused: u64,
    /// Steps of key exchanges computed, two for each exchange that completes.
    pub exchange_steps: u64,
    /// Permanent keys created.
    pub keys_permanent: u64,
    /// Temporary keys created.
    pub keys_temporary: u64,
    /// Temporary keys bound to permanent ones.
    pub keys_bound: u64,
    /// Keys destroyed, for any reason.
    pub keys_destroyed: u64,
    /// Keys removed because they never carried a session.
    pub keys_collected: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Sessions closed.
    pub sessions_gone: u64,
    /// Calls made by clients.
    pub calls: u64,
    /// Calls that the application answered with an error.
    pub calls_failed: u64,
    /// Calls that the application answered as unknown methods.
    pub calls_unknown: u64,
    /// Pushes that sessions took.
    pub updates: u64,
}

/// Connections refused by the admission, by [`Refused`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedCounters {
    /// The limit of links in all was reached.
    pub full: u64,
    /// The address or its network had too many links.
    pub too_many: u64,
    /// The address or its network connected too often.
    pub too_often: u64,
    /// Little memory was left.
    pub no_memory: u64,
}

/// Links closed by the admission, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutCounters {
    /// Without proof of a key in time.
    pub overdue: u64,
    /// Idle, or of a network with many links, and displaced by newer links.
    pub displaced: u64,
    /// Held the most memory when the limit was reached.
    pub greedy: u64,
    /// Sessions that held the most memory when the limit was reached.
    pub greedy_sessions: u64,
    /// One link too many of an address: closed with −429.
    pub doomed: u64,
}

/// Rejected packets and broken links, by [`ConnectionError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketCounters {
    /// Bytes rejected by the transport.
    pub transport: u64,
    /// Wrong steps of key exchanges.
    pub handshake: u64,
    /// Packets under unknown keys: closed with −404.
    pub unknown_key: u64,
    /// Packets that did not decrypt.
    pub envelope: u64,
    /// Packets with a wrong message id, time or salt; the client is notified.
    pub screened: u64,
    /// Packets rejected by their session.
    pub session: u64,
    /// Packets for which no session could be opened: closed with −429.
    pub full: u64,
}

impl RefusedCounters {
    pub(crate) const fn note(&mut self, why: Refused) {
        add_one(match why {
            Refused::Full => &mut self.full,
            Refused::TooMany => &mut self.too_many,
            Refused::TooOften => &mut self.too_often,
            Refused::NoMemory => &mut self.no_memory,
        });
    }
}

impl Counters {
    pub(crate) fn note_error(&mut self, why: &ConnectionError) {
        let counters = &mut self.packets_refused;
        add_one(match why {
            ConnectionError::FromClient(why) => match why {
                ServerPacketError::Handshake(_) => &mut counters.handshake,
                ServerPacketError::UnknownKey(_) => &mut counters.unknown_key,
                ServerPacketError::Envelope => &mut counters.envelope,
                ServerPacketError::Rejected(_) => &mut counters.screened,
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

/// Adds one.
pub(crate) const fn add_one(counter: &mut u64) {
    add(counter, 1);
}

/// Adds a number of events or bytes.
pub(crate) const fn add(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(more as u64);
}
