//! Server side of the key exchanges of one link.
//!
//! ```text
//!  req_pq                req_dh_params           set_client_dh_params       decide
//! ────────▶ [AwaitReqDh] ─────────────▶ [AwaitGb] ──────────────▶ [AwaitVerdict] ──────▶ [Done]
//!                                          ▲                           │
//!                                          └────── dh_gen_retry ───────┘
//!  any state ── violation: −404 or −444 ──▶ link closed      lifetime over ──▶ dropped
//! ```
//!
//! A client may start several runs in a burst, each with its own nonce. Runs are independent and identified by the
//! nonces of both sides. A repeated query gets the same answer again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::MsgIdKind;
use mtp_env::{Deadline, Entropy, Now};
use mtp_tl::Decoder;

mod config;
mod run;
mod state;
mod work;

pub use config::ServerHandshakeConfig;
pub use run::{NewKey, Verdict};
pub use state::RunId;
pub use work::{ServerWork, ServerWorkDone};

use crate::exchange::messages::{MSGS_ACK, Query};
use crate::exchange::plain::{open_plain, seal_plain};
use crate::exchange::{Arithmetic, HandshakeError};
use crate::link::{AfterSend, Outgoing, Transmit};
use crate::session::msg_id::MsgIdGenerator;
pub(super) use run::Run;
pub(super) use state::Name;

use run::Repetition;
use work::Step;

/// Key exchanges of one link at a server.
///
/// After each call of `handle_packet`, `handle_work` or `decide`, poll for new keys, for work and for packets.
pub struct ServerHandshake {
    config: Arc<ServerHandshakeConfig>,
    entropy: Box<dyn Entropy + Send>,
    /// Runs in progress, oldest first.
    runs: VecDeque<Run>,
    /// Number of runs started on this link.
    started: u32,
    /// Id of the last run, started here or taken from another link.
    last_id: u32,
    jobs: VecDeque<ServerWork>,
    replies: VecDeque<Reply>,
    ids: MsgIdGenerator,
    closed: bool,
}

impl ServerHandshake {
    /// Creates the handshake of a link.
    #[must_use]
    pub fn new(config: Arc<ServerHandshakeConfig>, entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            config,
            entropy,
            runs: VecDeque::new(),
            started: 0,
            last_id: 0,
            jobs: VecDeque::new(),
            replies: VecDeque::new(),
            ids: MsgIdGenerator::default(),
            closed: false,
        }
    }

    /// Handles a plain packet from the client.
    ///
    /// Packets of a client that does not read its answers are ignored: it may repeat its query.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], for logs. A transport error to the client is queued, after which the link is closed.
    pub fn handle_packet(&mut self, now: Now, packet: &[u8]) -> Result<(), HandshakeError> {
        self.handle_timeout(now);
        if self.closed || self.replies.len() >= REPLIES_MAX {
            return Ok(());
        }
        let result = self.handle_query(now, packet);
        if let Err(error) = result {
            self.close(error);
        }
        result
    }

    /// Returns the next new key.
    ///
    /// [`decide`](Self::decide) confirms it to the client. Store the key first, so that the client's first encrypted
    /// message finds it.
    // spec: crypto 8.9
    #[must_use]
    pub fn poll_key(&mut self) -> Option<NewKey> {
        self.runs.iter_mut().find_map(Run::take_key)
    }

    /// Ends a run or starts its next attempt, by the decision of the key store.
    ///
    /// Ignored for a run that does not wait for a decision.
    // spec: crypto 8.9
    pub fn decide(&mut self, run: RunId, verdict: Verdict) {
        let retries_max = self.config.retries_max;
        if let Some(run) = self.runs.iter_mut().find(|candidate| candidate.id == run)
            && let Some(answer) = run.decide(verdict, retries_max)
        {
            self.replies.push_back(Reply::Answer(answer));
        }
    }

    /// Appends the next packet to `out` or returns the transport error to send.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> Option<Transmit> {
        match self.replies.pop_front()? {
            Reply::Answer(body) => {
                seal_plain(out, self.ids.next(now.unix, MsgIdKind::Answer), &body);
                let what = Outgoing::Packet { quick_ack: None };
                Some(Transmit { what, then: AfterSend::Keep })
            }
            Reply::Error(code) => {
                Some(Transmit { what: Outgoing::Error(code), then: AfterSend::Close })
            }
        }
    }

    /// Returns the next pending job, if the configuration defers arithmetic.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ServerWork> {
        self.jobs.pop_front()
    }

    /// Handles the result of a job.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] as of [`handle_packet`](Self::handle_packet).
    pub fn handle_work(&mut self, now: Now, done: ServerWorkDone) -> Result<(), HandshakeError> {
        self.handle_timeout(now);
        let Some(run) = self.runs.iter_mut().find(|run| run.id == done.run) else {
            return Ok(());
        };
        match run.computed(done.result, self.config.retries_max) {
            Ok(Some(answer)) => {
                self.replies.push_back(Reply::Answer(answer));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                self.close(error);
                Err(error)
            }
        }
    }

    /// Returns the deadline of the oldest run.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.runs.front().map(|run| Deadline::new(run.born + self.config.lifetime, "key exchange"))
    }

    /// Drops runs whose deadline has passed.
    // spec: crypto 8.11
    pub fn handle_timeout(&mut self, now: Now) {
        while self.poll_timeout().is_some_and(|deadline| deadline.is_due(now)) {
            self.runs.pop_front();
        }
    }

    /// Returns `true` if a violation has closed it; the link follows.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns `true` if there are no runs and no pending packets, so that the value may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty() && self.replies.is_empty()
    }

    // Checks are ordered by cost: nonces, factors, RSA.
    // spec: crypto 8.11, 17#10
    fn handle_query(&mut self, now: Now, packet: &[u8]) -> Result<(), HandshakeError> {
        let body = open_plain(packet)?;
        // spec: crypto 7
        if Decoder::new(body).peek_id() == Some(MSGS_ACK) {
            return Ok(());
        }
        let (query, body) = Query::parse(body)?;
        match query {
            Query::ReqPq(msg) => self.start(now, msg.nonce, body),
            Query::ReqPqMulti(msg) => self.start(now, msg.nonce, body),
            Query::ReqDhParams(msg) => {
                let name = Name { nonce: msg.nonce, server_nonce: msg.server_nonce };
                self.advance(now, name, body, |run, config| run.on_req_dh(&msg, now, config))
            }
            Query::SetClientDhParams(msg) => {
                let name = Name { nonce: msg.nonce, server_nonce: msg.server_nonce };
                self.advance(now, name, body, |run, _| run.on_set_client_dh(&msg))
            }
        }
    }

    // spec: crypto 8.2, 8.11
    fn start(&mut self, now: Now, nonce: [u8; 16], query: &[u8]) -> Result<(), HandshakeError> {
        if let Some(answer) = self.runs.iter().find_map(|run| run.repeat_first(nonce, query)) {
            self.replies.push_back(Reply::Answer(answer));
            return Ok(());
        }
        if self.started >= self.config.runs_total_max {
            return Err(HandshakeError::TooManyRuns);
        }
        self.started = self.started.saturating_add(1);
        while self.runs.len() >= self.config.runs_max.max(1) {
            self.runs.pop_front();
        }
        let id = self.next_id();
        let (run, answer) = Run::start(id, now, nonce, query, &self.config, &mut self.entropy);
        self.runs.push_back(run);
        self.replies.push_back(Reply::Answer(answer));
        Ok(())
    }

    fn advance(
        &mut self,
        now: Now,
        name: Name,
        query: &[u8],
        step: impl FnOnce(&mut Run, &Arc<ServerHandshakeConfig>) -> Result<Step, HandshakeError>,
    ) -> Result<(), HandshakeError> {
        let run = self.runs.iter_mut().find(|run| run.name == name);
        let run = run.ok_or(HandshakeError::UnknownRun)?;
        match run.repeat(query) {
            Repetition::No => {}
            Repetition::Answered(answer) => {
                self.replies.push_back(Reply::Answer(answer));
                return Ok(());
            }
            Repetition::Computing => return Ok(()),
        }
        let step = step(run, &self.config)?;
        run.compute(query);
        let id = run.id;
        match self.config.arithmetic {
            Arithmetic::Inline => {
                let result = step.run(&mut self.entropy);
                self.handle_work(now, ServerWorkDone { run: id, result })
            }
            Arithmetic::Deferred => {
                self.jobs.push_back(ServerWork::new(id, step, &mut self.entropy));
                Ok(())
            }
        }
    }

    fn next_id(&mut self) -> RunId {
        self.last_id = self.last_id.wrapping_add(1);
        RunId(self.last_id)
    }

    // ── runs that change their link ────────────────────────────────────────────────────────────

    /// Returns the names of the runs.
    pub(in crate::server) fn names(&self) -> impl Iterator<Item = Name> + '_ {
        self.runs.iter().map(|run| run.name)
    }

    /// Removes a run, unless its next step is pending.
    pub(in crate::server) fn take_run(&mut self, name: Name) -> Taken {
        let Some(position) = self.runs.iter().position(|run| run.name == name) else {
            return Taken::Gone;
        };
        if self.runs.get(position).is_some_and(Run::is_pending) {
            return Taken::Pending;
        }
        self.runs.remove(position).map_or(Taken::Gone, |run| Taken::Run(Box::new(run)))
    }

    /// Drops a run in any state.
    pub(in crate::server) fn drop_run(&mut self, name: Name) {
        self.runs.retain(|run| run.name != name);
    }

    /// Continues a run of another link.
    pub(in crate::server) fn adopt(&mut self, mut run: Run) {
        while self.runs.len() >= self.config.runs_max.max(1) {
            self.runs.pop_front();
        }
        run.id = self.next_id();
        let position = self.runs.iter().position(|other| other.born > run.born);
        self.runs.insert(position.unwrap_or(self.runs.len()), run);
    }

    /// Sends the last answer of a run again.
    pub(in crate::server) fn repeat(&mut self, name: Name) {
        let run = self.runs.iter().find(|run| run.name == name);
        if let Some(answer) = run.and_then(Run::last_answer)
            && self.replies.len() < REPLIES_MAX
        {
            self.replies.push_back(Reply::Answer(answer));
        }
    }

    /// Returns `true` if there are runs.
    pub(in crate::server) fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Drops all runs and queues the transport error.
    // spec: crypto 8.6
    fn close(&mut self, error: HandshakeError) {
        if !self.closed {
            self.closed = true;
            self.runs.clear();
            self.jobs.clear();
            self.replies.push_back(Reply::Error(transport_code(error)));
        }
    }
}

impl fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandshake")
            .field("runs", &self.runs.len())
            .field("started", &self.started)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Result of taking a run from a link.
pub(in crate::server) enum Taken {
    Run(Box<Run>),
    /// Its next step is pending.
    Pending,
    /// There is none.
    Gone,
}

/// Returns the name of the exchange that a plain packet continues.
pub(in crate::server) fn continues(packet: &[u8]) -> Option<Name> {
    let (query, _) = Query::parse(open_plain(packet).ok()?).ok()?;
    let (nonce, server_nonce) = match query {
        Query::ReqPq(_) | Query::ReqPqMulti(_) => return None,
        Query::ReqDhParams(msg) => (msg.nonce, msg.server_nonce),
        Query::SetClientDhParams(msg) => (msg.nonce, msg.server_nonce),
    };
    Some(Name { nonce, server_nonce })
}

enum Reply {
    Answer(Vec<u8>),
    Error(i32),
}

/// All violations look the same from outside, except a wrong data center and floods.
// spec: crypto 8.6
const fn transport_code(error: HandshakeError) -> i32 {
    match error {
        HandshakeError::WrongDc(_) => WRONG_DC,
        HandshakeError::TooManyRuns => FLOOD,
        _ => NOT_FOUND,
    }
}

/// Maximum number of queued answers. A client with more does not read.
const REPLIES_MAX: usize = 16;

const NOT_FOUND: i32 = -404;
const FLOOD: i32 = -429;
const WRONG_DC: i32 = -444;
