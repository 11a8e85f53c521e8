//! Calls and updates.

use mtp_crypto::MsgId;
use mtp_env::Instant;
use mtp_session::client::{CallError, RequestId};
use mtp_session::server::SessionName;

use super::Observer;
use crate::workload::PlannedCall;

#[derive(Debug)]
pub(crate) struct CallRecord {
    pub(crate) planned: PlannedCall,
    pub(crate) made_at: Instant,
    pub(crate) end: Option<End>,
    pub(crate) runs: Vec<Run>,
    /// Number of runs caused by packets that later ones had overtaken.
    pub(crate) overtaken: usize,
    /// The server's application has answered with a value.
    pub(crate) succeeded: bool,
    /// The time of the end.
    pub(crate) ended_at: Option<Instant>,
}

/// The end of a call for its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Result,
    Error(i32),
    Failed(CallError),
    Cancelled,
    /// The client has restarted.
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
pub(crate) struct PushRecord {
    pub(crate) client: usize,
    pub(crate) session: SessionName,
    pub(crate) incarnation: u64,
    pub(crate) is_delivered: bool,
    /// The client dropped it as too old to be recognized as a duplicate.
    pub(crate) was_too_late: bool,
}

impl PushRecord {
    pub(super) const fn new(client: usize, session: SessionName, incarnation: u64) -> Self {
        Self { client, session, incarnation, is_delivered: false, was_too_late: false }
    }
}

impl Observer {
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
