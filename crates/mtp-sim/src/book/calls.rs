//! What became of calls and updates.

use mtp_crypto::MsgId;
use mtp_env::Instant;
use mtp_session::server::SessionName;
use mtp_session::session::{CallError, RequestId};

use super::Book;
use crate::workload::Planned;

#[derive(Debug)]
pub(crate) struct CallBook {
    pub(crate) planned: Planned,
    pub(crate) made_at: Instant,
    pub(crate) end: Option<End>,
    pub(crate) runs: Vec<Run>,
    /// How often it ran from a packet that later ones had overtaken.
    pub(crate) overtaken: usize,
    /// The server's application has answered it with a value.
    pub(crate) succeeded: bool,
    /// The call it comes after was over when it was last free to go.
    pub(crate) ended_at: Option<Instant>,
}

/// How a call ended for its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Result,
    Error(i32),
    Failed(CallError),
    Cancelled,
    /// The application that made it is gone.
    Abandoned,
}

/// One execution of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) session: SessionName,
    pub(crate) msg_id: MsgId,
    pub(crate) incarnation: u64,
    pub(crate) at: Instant,
}

#[derive(Debug)]
pub(crate) struct PushBook {
    pub(crate) client: usize,
    pub(crate) session: SessionName,
    pub(crate) incarnation: u64,
    pub(crate) is_told: bool,
    /// It came so late that the client could not tell whether it had it, and so dropped it.
    pub(crate) came_too_late: bool,
}

impl PushBook {
    pub(super) const fn new(client: usize, session: SessionName, incarnation: u64) -> Self {
        Self { client, session, incarnation, is_told: false, came_too_late: false }
    }
}

impl Book {
    pub(super) fn end_request(&mut self, client: usize, request: RequestId, end: End) {
        if let Some(number) = self.clients[client].requests.get(&request).copied() {
            self.end(number, end);
        }
    }

    pub(super) fn end(&mut self, number: u32, end: End) {
        let at = self.at;
        if let Some(call) = self.calls.get_mut(&number) {
            call.end.get_or_insert(end);
            call.ended_at.get_or_insert(at);
            self.clients[call.planned.client].refused.remove(&number);
        }
    }
}
