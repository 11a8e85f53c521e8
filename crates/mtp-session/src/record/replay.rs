//! A log run again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use mtp_env::Now;
use mtp_tl::Decoder;

use super::LogError;
use super::field::Written;
use super::head::Head;
use super::input::{ClientInput, Origin};
use crate::client::RequestError;
use crate::client::RequestId;
use crate::client::{ClientConfig, ClientEvent, ClientMachine, ClientPacketError, ClientWork};
use crate::exchange::HandshakeError;
use crate::link::Transmit;

/// A client driven by a log.
#[derive(Debug)]
pub struct ClientReplay<'a> {
    client: ClientMachine,
    rest: &'a [u8],
    /// Deferred jobs with their numbers.
    jobs: VecDeque<(u32, ClientWork)>,
    jobs_polled: u32,
    /// Packets are decrypted here, because the log is borrowed immutably.
    packet: Vec<u8>,
}

/// One replayed input.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "time, input and outcome")]
pub struct ClientStep<'a, 'c> {
    /// Clocks of the client.
    pub now: Now,
    /// The input.
    pub input: ClientInput<'a>,
    /// Its outcome.
    pub outcome: ClientOutcome<'c>,
}

/// Outcome of an input: the return value of its verb.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the return values of a client's verbs")]
pub enum ClientOutcome<'a> {
    /// The verb returns nothing.
    Done,
    /// Of [`ClientInput::Request`].
    Request(Result<RequestId, RequestError>),
    /// Of [`ClientInput::Cancel`].
    Canceled(Result<(), RequestError>),
    /// Of [`ClientInput::Ping`] and [`ClientInput::DestroyKey`].
    Started(bool),
    /// Of [`ClientInput::Packet`].
    Packet(Result<(), ClientPacketError>),
    /// Of [`ClientInput::Work`].
    Work(Result<(), HandshakeError>),
    /// Of [`ClientInput::Transmit`]; the bytes are in the caller's buffer.
    Transmit(Option<Transmit>),
    /// Of [`ClientInput::TransmitBatch`]: the end of each packet in the caller's buffer.
    TransmitBatch(Vec<(usize, Transmit)>),
    /// Of [`ClientInput::Event`].
    Event(Option<ClientEvent<'a>>),
}

impl<'a> ClientReplay<'a> {
    /// Creates the client of a log. `configure` builds its configuration, for example from the log's note.
    ///
    /// # Errors
    /// [`LogError`] if the bytes are not a log of a known version.
    pub fn new(
        log: &'a [u8],
        configure: impl FnOnce(&[u8]) -> ClientConfig,
    ) -> Result<Self, LogError> {
        let (head, mut d) = Head::read(log)?;
        let (config, entropy) = (configure(head.note), Box::new(head.entropy()));
        let client = match Origin::read(&mut d)?.ok_or(LogError::UnknownInput)? {
            Origin::New(permanent) => ClientMachine::new(config, head.now, permanent, entropy),
            Origin::Resumed(saved) => {
                ClientMachine::resume(config, head.now, saved, entropy).map_err(LogError::Resume)?
            }
        };
        let jobs = VecDeque::new();
        Ok(Self { client, rest: d.take_rest(), jobs, jobs_polled: 0, packet: Vec::new() })
    }

    /// Replays the next input and appends packets to `out`. Returns `None` at the end of the log.
    ///
    /// # Errors
    /// [`LogError`] if the log is damaged, in which case nothing was replayed, or if the client wrote other bytes than
    /// the recorded ones.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<ClientStep<'a, '_>>, LogError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut d = Decoder::new(self.rest);
        let (now, input) = ClientInput::read(&mut d)?.ok_or(LogError::UnknownInput)?;
        self.rest = d.take_rest();
        let outcome = self.apply(now, &input, out)?;
        Ok(Some(ClientStep { now, input, outcome }))
    }

    /// Returns the client for inspection.
    #[must_use]
    pub const fn client(&self) -> &ClientMachine {
        &self.client
    }

    fn apply(
        &mut self,
        now: Now,
        input: &ClientInput<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ClientOutcome<'_>, LogError> {
        let (client, start) = (&mut self.client, out.len());
        match *input {
            ClientInput::Request { body, options } => {
                return Ok(ClientOutcome::Request(client.request(now, body, options)));
            }
            ClientInput::Cancel(request) => {
                return Ok(ClientOutcome::Canceled(client.cancel(now, request)));
            }
            ClientInput::Ping => return Ok(ClientOutcome::Started(client.ping())),
            ClientInput::SetOnline(online) => client.set_online(now, online),
            ClientInput::NewPermanentKey => client.new_permanent_key(now),
            ClientInput::DestroyKey => return Ok(ClientOutcome::Started(client.destroy_key(now))),
            ClientInput::TryAgain => client.try_again(now),
            ClientInput::LinkUp { link, kind } => client.link_up(now, link, kind),
            ClientInput::LinkDown(link) => client.link_down(now, link),
            ClientInput::Packet { link, bytes } => {
                self.packet.clear();
                self.packet.extend_from_slice(bytes);
                let outcome = client.handle_packet(now, link, &mut self.packet);
                return Ok(ClientOutcome::Packet(outcome));
            }
            ClientInput::TransportError { link, code } => {
                client.handle_transport_error(now, link, code);
            }
            ClientInput::QuickAck(token) => client.handle_quick_ack(now, token),
            ClientInput::Transmit { link, written } => {
                let transmit = client.poll_transmit(now, link, out);
                compare(written, out, start)?;
                return Ok(ClientOutcome::Transmit(transmit));
            }
            ClientInput::TransmitBatch { link, limits, written } => {
                let mut packets = Vec::new();
                client.poll_transmit_batch(now, link, limits, out, &mut packets);
                compare(written, out, start)?;
                return Ok(ClientOutcome::TransmitBatch(packets));
            }
            ClientInput::PollWork => {
                if let Some(work) = client.poll_work() {
                    self.jobs.push_back((self.jobs_polled, work));
                    self.jobs_polled = self.jobs_polled.wrapping_add(1);
                }
            }
            ClientInput::Work(number) => {
                let position = self.jobs.iter().position(|(known, _)| *known == number);
                let job = position.and_then(|position| self.jobs.remove(position));
                let (_, job) = job.ok_or(LogError::UnknownInput)?;
                return Ok(ClientOutcome::Work(client.handle_work(now, job.run())));
            }
            ClientInput::Event => return Ok(ClientOutcome::Event(client.poll_event())),
            ClientInput::Timeout => client.handle_timeout(now),
        }
        Ok(ClientOutcome::Done)
    }
}

/// Compares the bytes appended to `out` since `start` with the recorded ones.
fn compare(recorded: Written, out: &[u8], start: usize) -> Result<(), LogError> {
    let replayed = Written::of(out.get(start..).unwrap_or_default());
    if recorded == replayed { Ok(()) } else { Err(LogError::Differs { recorded, replayed }) }
}
