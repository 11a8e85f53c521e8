//! A client whose inputs can be recorded.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Deref;

use mtp_crypto::QuickAckToken;
use mtp_env::{Entropy, Now};

use super::field::Written;
use super::head::Head;
use super::input::{ClientInput, Origin};
use crate::client::RequestError;
use crate::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientPacketError, ClientWork, ClientWorkDone,
    ResumeError,
};
use crate::client::{RequestId, RequestOptions};
use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::link::{BatchLimits, LinkId, Transmit};
use crate::session::LinkKind;

/// A [`ClientMachine`] whose inputs are recorded if a note is given for the log.
///
/// It has the same verbs. Without a note it adds one branch to each. Everything that only reads comes from the machine
/// by [`Deref`]; there is no `DerefMut`, so that no input can bypass the log.
#[derive(Debug)]
pub struct RecordedClient {
    machine: ClientMachine,
    recorder: Option<Box<Recorder>>,
}

/// Inputs since the log was last taken.
struct Recorder {
    log: Vec<u8>,
    /// Latest time, clamped as in the machine; for verbs without a time argument.
    now: Now,
}

impl RecordedClient {
    /// Creates a client as [`ClientMachine::new`] does. Records it if `note` is given.
    #[must_use]
    pub fn new(
        config: ClientConfig,
        now: Now,
        permanent: Option<Established>,
        entropy: Box<dyn Entropy + Send>,
        note: Option<&[u8]>,
    ) -> Self {
        let (recorder, entropy) = record(now, note, entropy, || Origin::New(permanent.clone()));
        Self { machine: ClientMachine::new(config, now, permanent, entropy), recorder }
    }

    /// Resumes a client as [`ClientMachine::resume`] does. Records it if `note` is given.
    ///
    /// # Errors
    /// As [`ClientMachine::resume`].
    pub fn resume(
        config: ClientConfig,
        now: Now,
        saved: &[u8],
        entropy: Box<dyn Entropy + Send>,
        note: Option<&[u8]>,
    ) -> Result<Self, ResumeError> {
        let (recorder, entropy) = record(now, note, entropy, || Origin::Resumed(saved));
        let machine = ClientMachine::resume(config, now, saved, entropy)?;
        Ok(Self { machine, recorder })
    }

    /// Returns the log since the last call; empty if the client is not recorded. Concatenate the parts.
    #[must_use]
    pub fn take_log(&mut self) -> Vec<u8> {
        self.recorder.as_mut().map(|it| core::mem::take(&mut it.log)).unwrap_or_default()
    }

    // ── verbs ──────────────────────────────────────────────────────────────────────────────────

    /// See [`ClientMachine::request`].
    ///
    /// # Errors
    /// As [`ClientMachine::request`].
    pub fn request(
        &mut self,
        now: Now,
        body: &[u8],
        options: RequestOptions,
    ) -> Result<RequestId, RequestError> {
        self.record(now, || ClientInput::Request { body, options });
        self.machine.request(now, body, options)
    }

    /// See [`ClientMachine::cancel`].
    ///
    /// # Errors
    /// As [`ClientMachine::cancel`].
    pub fn cancel(&mut self, now: Now, request: RequestId) -> Result<(), RequestError> {
        self.record(now, || ClientInput::Cancel(request));
        self.machine.cancel(now, request)
    }

    /// See [`ClientMachine::ping`].
    pub fn ping(&mut self) -> bool {
        self.record_now(|| ClientInput::Ping);
        self.machine.ping()
    }

    /// See [`ClientMachine::set_online`].
    pub fn set_online(&mut self, now: Now, online: bool) {
        self.record(now, || ClientInput::SetOnline(online));
        self.machine.set_online(now, online);
    }

    /// See [`ClientMachine::new_permanent_key`].
    pub fn new_permanent_key(&mut self, now: Now) {
        self.record(now, || ClientInput::NewPermanentKey);
        self.machine.new_permanent_key(now);
    }

    /// See [`ClientMachine::destroy_key`].
    pub fn destroy_key(&mut self, now: Now) -> bool {
        self.record(now, || ClientInput::DestroyKey);
        self.machine.destroy_key(now)
    }

    /// See [`ClientMachine::try_again`].
    pub fn try_again(&mut self, now: Now) {
        self.record(now, || ClientInput::TryAgain);
        self.machine.try_again(now);
    }

    /// See [`ClientMachine::link_up`].
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.record(now, || ClientInput::LinkUp { link, kind });
        self.machine.link_up(now, link, kind);
    }

    /// See [`ClientMachine::link_down`].
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        self.record(now, || ClientInput::LinkDown(link));
        self.machine.link_down(now, link);
    }

    /// See [`ClientMachine::handle_packet`].
    ///
    /// # Errors
    /// As [`ClientMachine::handle_packet`].
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), ClientPacketError> {
        self.record(now, || ClientInput::Packet { link, bytes: packet });
        self.machine.handle_packet(now, link, packet)
    }

    /// See [`ClientMachine::handle_transport_error`].
    pub fn handle_transport_error(&mut self, now: Now, link: LinkId, code: i32) {
        self.record(now, || ClientInput::TransportError { link, code });
        self.machine.handle_transport_error(now, link, code);
    }

    /// See [`ClientMachine::handle_quick_ack`].
    pub fn handle_quick_ack(&mut self, now: Now, token: QuickAckToken) {
        self.record(now, || ClientInput::QuickAck(token));
        self.machine.handle_quick_ack(now, token);
    }

    /// See [`ClientMachine::poll_transmit`].
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit> {
        let start = out.len();
        let transmit = self.machine.poll_transmit(now, link, out);
        self.record(now, || ClientInput::Transmit { link, written: written(out, start) });
        transmit
    }

    /// See [`ClientMachine::poll_transmit_batch`].
    pub fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    ) {
        let start = out.len();
        self.machine.poll_transmit_batch(now, link, limits, out, packets);
        self.record(now, || {
            let written = written(out, start);
            ClientInput::TransmitBatch { link, limits, written }
        });
    }

    /// See [`ClientMachine::poll_work`].
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ClientWork> {
        let work = self.machine.poll_work()?;
        self.record_now(|| ClientInput::PollWork);
        Some(work)
    }

    /// See [`ClientMachine::handle_work`].
    ///
    /// # Errors
    /// As [`ClientMachine::handle_work`].
    pub fn handle_work(&mut self, now: Now, done: ClientWorkDone) -> Result<(), HandshakeError> {
        self.record(now, || ClientInput::Work(done.ticket));
        self.machine.handle_work(now, done)
    }

    /// See [`ClientMachine::poll_event`].
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ClientEvent<'_>> {
        self.record_now(|| ClientInput::Event);
        self.machine.poll_event()
    }

    /// See [`ClientMachine::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Now) {
        self.record(now, || ClientInput::Timeout);
        self.machine.handle_timeout(now);
    }

    fn record<'a>(&mut self, now: Now, input: impl FnOnce() -> ClientInput<'a>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(now, &input());
        }
    }

    /// Records a verb without a time argument.
    fn record_now<'a>(&mut self, input: impl FnOnce() -> ClientInput<'a>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(recorder.now, &input());
        }
    }
}

impl Deref for RecordedClient {
    type Target = ClientMachine;

    fn deref(&self) -> &ClientMachine {
        &self.machine
    }
}

impl Recorder {
    fn put(&mut self, now: Now, input: &ClientInput<'_>) {
        self.now = Now { mono: now.mono.max(self.now.mono), unix: now.unix };
        input.put(now, &mut self.log);
    }
}

/// Leaves out the log, which is as secret as the keys in it.
impl core::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Recorder({} bytes)", self.log.len())
    }
}

/// Starts a log if `note` is given. Returns the recorder and the entropy for the machine.
fn record<'a>(
    now: Now,
    note: Option<&[u8]>,
    mut entropy: Box<dyn Entropy + Send>,
    origin: impl FnOnce() -> Origin<'a>,
) -> (Option<Box<Recorder>>, Box<dyn Entropy + Send>) {
    let Some(note) = note else { return (None, entropy) };
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    let head = Head { now, note, seed };
    let mut log = Vec::new();
    head.put(&mut log);
    origin().put(&mut log);
    (Some(Box::new(Recorder { log, now })), Box::new(head.entropy()))
}

fn written(out: &[u8], start: usize) -> Written {
    Written::of(out.get(start..).unwrap_or_default())
}
