//! The server's side of the key exchanges of one link.
//!
//! ```text
//!  req_pq                req_dh_params           set_client_dh_params       decide
//! ────────▶ [AwaitReqDh] ─────────────▶ [AwaitGb] ──────────────▶ [AwaitVerdict] ──────▶ [Done]
//!                                          ▲                           │
//!                                          └────── dh_gen_retry ───────┘
//!  any state ── violation, −404 or −444 ──▶ [Dead]         lifetime over ──▶ forgotten
//! ```
//!
//! A client may begin several runs in a burst, each with a nonce of its own; they do not know of
//! each other. A run is named by the nonces of both sides. Whatever the client sends twice is
//! answered twice alike.

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
mod work;

pub use config::ServerHandshakeConfig;
pub use work::{ServerWork, ServerWorkDone};

use crate::established::Established;
use crate::exchange::messages::{MSGS_ACK, Query};
use crate::exchange::plain::{open_plain, seal_plain};
use crate::exchange::{Arithmetic, HandshakeError};
use crate::link::{AfterSend, Outgoing, Transmit};
use crate::session::msg_id::MsgIdGenerator;
use run::{Name, Repetition, Run};
use work::Step;

/// The key exchanges of one link at a server.
///
/// After each call of `handle_packet`, `handle_work` or `decide`, poll for new keys, for work and for
/// packets.
pub struct ServerHandshake {
    config: Arc<ServerHandshakeConfig>,
    entropy: Box<dyn Entropy + Send>,
    /// The runs remembered, oldest first.
    runs: VecDeque<Run>,
    /// Runs begun on this link in all.
    begun: u32,
    works: VecDeque<ServerWork>,
    replies: VecDeque<Reply>,
    ids: MsgIdGenerator,
    closed: bool,
}

/// A key that a run has made, before the client is told.
#[derive(Debug)]
#[must_use]
pub struct NewKey {
    /// The run to [`decide`](ServerHandshake::decide).
    pub run: RunId,
    /// The key, its first salt and its kind.
    pub established: Established,
}

/// Names a run of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(u32);

/// What the owner of the key store says to a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// No other key has this id, and the key is stored: the client may know.
    Unique,
    /// Another key has this id: the client shall make a new one.
    Collides,
    /// No key is wanted.
    Refuse,
}

impl ServerHandshake {
    /// Prepares for the key exchanges of one link.
    #[must_use]
    pub fn new(config: Arc<ServerHandshakeConfig>, entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            config,
            entropy,
            runs: VecDeque::new(),
            begun: 0,
            works: VecDeque::new(),
            replies: VecDeque::new(),
            ids: MsgIdGenerator::default(),
            closed: false,
        }
    }

    /// Handles a plain packet of the client.
    ///
    /// A client that does not read its answers is not handled further: it may repeat its query.
    ///
    /// # Errors
    ///
    /// The transport error that the client will get is on its way out, and with it the end of the
    /// link; the value returned says why, for logs.
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

    /// Returns the next key that a run has made.
    ///
    /// The client hears of it when [`decide`](Self::decide) is called: store the key first, so that
    /// its first encrypted message finds it.
    // spec: crypto 8.9
    #[must_use]
    pub fn poll_key(&mut self) -> Option<NewKey> {
        self.runs.iter_mut().find_map(Run::take_key)
    }

    /// Ends a run, or begins its next attempt, by what the key store says.
    ///
    /// A run that waits for nothing is left alone.
    // spec: crypto 8.9
    pub fn decide(&mut self, run: RunId, verdict: Verdict) {
        let retries_max = self.config.retries_max;
        if let Some(run) = self.runs.iter_mut().find(|candidate| candidate.id == run)
            && let Some(answer) = run.decide(verdict, retries_max)
        {
            self.replies.push_back(Reply::Answer(answer));
        }
    }

    /// Appends the next packet to `out`, or names the transport error to send.
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

    /// Gives arithmetic away, if the configuration defers it and some waits.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ServerWork> {
        self.works.pop_front()
    }

    /// Takes the result of arithmetic back.
    ///
    /// # Errors
    ///
    /// As [`handle_packet`](Self::handle_packet).
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

    /// Returns when the oldest run is forgotten.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.runs.front().map(|run| Deadline::new(run.born + self.config.lifetime, "key exchange"))
    }

    /// Forgets the runs that have taken too long.
    // spec: crypto 8.11
    pub fn handle_timeout(&mut self, now: Now) {
        while self.poll_timeout().is_some_and(|deadline| deadline.is_due(now)) {
            self.runs.pop_front();
        }
    }

    /// Reports whether nothing is remembered and nothing waits: the value may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty() && self.replies.is_empty()
    }

    // The order of the checks is that of their cost: nonces, then factors, then RSA.
    // spec: crypto 8.11, 17#10
    fn handle_query(&mut self, now: Now, packet: &[u8]) -> Result<(), HandshakeError> {
        let body = open_plain(packet)?;
        // spec: crypto 7
        if Decoder::new(body).peek_id() == Some(MSGS_ACK) {
            return Ok(());
        }
        let (query, body) = Query::parse(body)?;
        match query {
            Query::ReqPq(msg) => self.begin(now, msg.nonce, body),
            Query::ReqPqMulti(msg) => self.begin(now, msg.nonce, body),
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
    fn begin(&mut self, now: Now, nonce: [u8; 16], query: &[u8]) -> Result<(), HandshakeError> {
        if let Some(answer) = self.runs.iter().find_map(|run| run.repeat_first(nonce, query)) {
            self.replies.push_back(Reply::Answer(answer));
            return Ok(());
        }
        if self.begun >= self.config.runs_total_max {
            return Err(HandshakeError::TooManyRuns);
        }
        self.begun = self.begun.saturating_add(1);
        while self.runs.len() >= self.config.runs_max.max(1) {
            self.runs.pop_front();
        }
        let id = RunId(self.begun);
        let (run, answer) = Run::begin(id, now, nonce, query, &self.config, &mut self.entropy);
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
                self.works.push_back(ServerWork::new(id, step, &mut self.entropy));
                Ok(())
            }
        }
    }

    /// Leaves nothing but the transport error on its way out.
    // spec: crypto 8.6
    fn close(&mut self, error: HandshakeError) {
        if !self.closed {
            self.closed = true;
            self.runs.clear();
            self.works.clear();
            self.replies.push_back(Reply::Error(transport_code(error)));
        }
    }
}

impl fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandshake")
            .field("runs", &self.runs.len())
            .field("begun", &self.begun)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

enum Reply {
    Answer(Vec<u8>),
    Error(i32),
}

/// Everything that is wrong looks the same from outside, but for the centre and for floods.
// spec: crypto 8.6
const fn transport_code(error: HandshakeError) -> i32 {
    match error {
        HandshakeError::WrongDc(_) => WRONG_DC,
        HandshakeError::TooManyRuns => FLOOD,
        _ => NOT_FOUND,
    }
}

/// Answers that wait for the link to take them. Above this the client does not read.
const REPLIES_MAX: usize = 16;

const NOT_FOUND: i32 = -404;
const FLOOD: i32 = -429;
const WRONG_DC: i32 = -444;
