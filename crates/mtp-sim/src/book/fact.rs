//! What happens in a run, and what can be seen of a client from outside.

use std::rc::Rc;

use mtp_crypto::{Salt, SessionId, Side};
use mtp_env::UnixTime;
use mtp_session::LinkId;
use mtp_session::client::ClientEvent;
use mtp_session::server::{ServerEvent, SessionName};
use mtp_session::session::{LinkKind, RequestId};

use crate::letter::Letter;
use crate::workload::Planned;

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// A step is over.
    Moment,
    /// Nothing is left to do.
    End,
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
    /// A side wrote a packet.
    Wrote {
        side: Side,
        client: usize,
        link: LinkId,
        letter: &'a Rc<Letter>,
        view: Option<View>,
    },
    /// A side was given a packet; what it told about it follows, then [`Fact::Done`].
    Took {
        side: Side,
        client: usize,
        link: LinkId,
        letter: Option<&'a Rc<Letter>>,
        outcome: Outcome,
        before: Option<View>,
    },
    Done {
        after: Option<View>,
    },
    ClientTold {
        client: usize,
        event: &'a ClientEvent<'a>,
    },
    ServerTold {
        event: &'a ServerEvent<'a>,
        order: Option<u32>,
    },
    /// A client's application made a call.
    Called {
        planned: Planned,
        request: RequestId,
    },
    Cancelled {
        number: u32,
    },
    /// The server's application answered well.
    Answered {
        number: u32,
    },
    /// A client went on from what it had saved.
    ClientResumed {
        client: usize,
    },
    /// A client lost all memory but its keys.
    ClientRestarted {
        client: usize,
    },
    /// A client uses another key from now on.
    KeyChanged {
        client: usize,
    },
    /// The server lost all sessions.
    ServerForgot,
    /// The server closed a link of its own accord.
    ServerClosed {
        link: LinkId,
    },
    Pushed {
        client: usize,
        session: SessionName,
        number: u32,
    },
    /// A timer is due again and again, and nothing comes of it.
    Spin {
        reason: &'static str,
    },
    /// Something waits, and nobody will ever do anything about it.
    Stuck,
    /// Faults are over.
    Healed,
    /// A client sleeps or wakes.
    Asleep {
        client: usize,
        asleep: bool,
    },
    /// A client broke the rules of a link before there was a session.
    Misbehaved {
        link: LinkId,
    },
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    /// At the server: refused with this code before there was a session.
    Screened(i32),
    Refused,
}

/// What can be seen of a client from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) session: SessionId,
    pub(crate) salt: Option<Salt>,
    /// Believed server time minus monotonic time, in nanoseconds.
    pub(crate) shift_ns: i128,
    /// Believed server time.
    pub(crate) time: UnixTime,
    pub(crate) calls_open: usize,
    /// Calls flow.
    pub(crate) ready: bool,
}
