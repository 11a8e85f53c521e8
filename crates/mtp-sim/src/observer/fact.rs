//! Observable events of a run, and the observable state of a client.

use std::collections::BTreeMap;
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, Salt, SessionId, Side};
use mtp_env::UnixTime;
use mtp_session::client::{ClientEvent, RequestId};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerEvent, SessionName};
use mtp_session::session::LinkKind;

use crate::opened_packet::OpenedPacket;
use crate::workload::PlannedCall;

/// An observable event.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// All work of one step is done.
    StepEnd,
    /// The run is over.
    RunEnd {
        /// How often each journaled call has taken effect.
        effects: &'a BTreeMap<u32, u32>,
    },
    LinkUp {
        side: Side,
        client: usize,
        link: LinkId,
        kind: LinkKind,
    },
    LinkDown {
        side: Side,
        client: usize,
        link: LinkId,
    },
    /// A side sent a packet.
    Sent {
        side: Side,
        client: usize,
        link: LinkId,
        opened: &'a Rc<OpenedPacket>,
        view: Option<View>,
    },
    /// A side received a packet. The events it caused follow, then [`Fact::Handled`].
    Received {
        side: Side,
        client: usize,
        link: LinkId,
        opened: Option<&'a Rc<OpenedPacket>>,
        outcome: Outcome,
        before: Option<View>,
    },
    /// A received packet has been handled.
    Handled {
        after: Option<View>,
    },
    ClientEvent {
        client: usize,
        event: &'a ClientEvent<'a>,
    },
    ServerEvent {
        event: &'a ServerEvent<'a>,
        /// The number of the call, if the event is a call.
        call: Option<u32>,
    },
    /// A client's application made a call.
    Called {
        planned: PlannedCall,
        request: RequestId,
    },
    Cancelled {
        number: u32,
    },
    /// The server's application answered a call with a value.
    Answered {
        number: u32,
    },
    /// A client resumed from saved state.
    ClientResumed {
        client: usize,
    },
    /// A client restarted with its permanent key only.
    ClientRestarted {
        client: usize,
    },
    /// A client switched to another key.
    KeyChanged {
        client: usize,
    },
    /// The server lost all sessions.
    SessionsLost,
    /// The server was started again after a kill.
    Started {
        /// A key that a client has and the store does not.
        lost: Option<AuthKeyId>,
    },
    /// The server closed a link on its own initiative.
    ServerClosed {
        link: LinkId,
    },
    Pushed {
        client: usize,
        session: SessionName,
        number: u32,
    },
    /// A timer fires repeatedly without effect.
    Spin {
        reason: &'static str,
    },
    /// Calls are open, but no timer is set and nothing is in transit.
    Stuck,
    /// All faults have ended.
    Healed,
    /// A client fell asleep or woke up.
    Asleep {
        client: usize,
        asleep: bool,
    },
    /// A client violated the protocol on a link that has no session yet.
    LinkFault {
        link: LinkId,
    },
}

/// The result of handling a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// The server refused the packet with this code before it reached a session.
    Refused(i32),
    Rejected,
}

/// The observable state of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) session: SessionId,
    pub(crate) salt: Option<Salt>,
    /// Estimated server time minus monotonic time, in nanoseconds.
    pub(crate) shift_ns: i128,
    /// Estimated server time.
    pub(crate) time: UnixTime,
    pub(crate) calls_open: usize,
    /// Calls can be sent.
    pub(crate) ready: bool,
}
