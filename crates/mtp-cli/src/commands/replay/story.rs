//! What came of each input of a client, in words.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use mtp_env::Instant;
use mtp_session::client::{ClientEvent, ClientSessionEvent, Evidence, RequestId};
use mtp_session::established::Established;
use mtp_session::link::{Outgoing, Transmit};
use mtp_session::record::{ClientInput, ClientOutcome, ClientStep};

use crate::api::Api;

/// The words for a run, and what they need to remember of it.
pub(super) struct Story<'a> {
    api: &'a Api,
    /// When the first input came.
    start: Option<Instant>,
    /// Calls by what the machine named them: their number here and their method.
    calls: BTreeMap<RequestId, (usize, String)>,
}

impl<'a> Story<'a> {
    pub(super) const fn new(api: &'a Api) -> Self {
        Self { api, start: None, calls: BTreeMap::new() }
    }

    /// Returns the lines about a step; none if nothing came of it, unless all are wanted.
    pub(super) fn tell(&mut self, step: &ClientStep<'_, '_>, out: &[u8], all: bool) -> Vec<String> {
        let start = *self.start.get_or_insert(step.now.mono);
        let time = step.now.mono.saturating_since(start).as_secs_f64();
        let told = match (&step.input, &step.outcome) {
            (ClientInput::Request { body, .. }, ClientOutcome::Request(taken)) => match taken {
                Ok(request) => {
                    let number = self.calls.len().saturating_add(1);
                    let name = self.api.name_of(body);
                    let text = format!("call {number}: {name}, {} bytes", body.len());
                    self.calls.insert(*request, (number, name));
                    Some(("app ", text))
                }
                Err(why) => Some(("app ", format!("a call that is not taken: {why}"))),
            },
            (ClientInput::Cancel(request), _) => {
                Some(("app ", format!("{} is cancelled", self.call(*request))))
            }
            (ClientInput::LinkUp { link, kind }, _) => {
                Some(("link", format!("{} is up, {kind:?}", link.as_u64())))
            }
            (ClientInput::LinkDown(link), _) => {
                Some(("link", format!("{} is down", link.as_u64())))
            }
            (ClientInput::Packet { link, bytes }, ClientOutcome::Packet(taken)) => {
                let mut text = packet(link.as_u64(), bytes);
                if let Err(why) = taken {
                    // Writing to a string cannot fail.
                    let _ = write!(text, ": {why}");
                }
                Some((" ◀──", text))
            }
            (ClientInput::TransportError { link, code }, _) => {
                Some((" ◀──", format!("link {}: transport error {code}", link.as_u64())))
            }
            (ClientInput::QuickAck(_), _) => Some((" ◀──", "a quick acknowledgement".to_owned())),
            (ClientInput::Transmit { link, .. }, ClientOutcome::Transmit(transmit)) => {
                transmit.as_ref().map(|transmit| (" ──▶", sent(link.as_u64(), transmit, out)))
            }
            (ClientInput::TransmitBatch { link, .. }, ClientOutcome::TransmitBatch(packets)) => {
                return batch(time, link.as_u64(), packets, out);
            }
            (_, ClientOutcome::Event(Some(event))) => Some(("    ", self.event(event))),
            (ClientInput::Work(_), ClientOutcome::Work(Err(why))) => {
                Some(("    ", format!("arithmetic says no: {why}")))
            }
            _ => None,
        };
        let told = told.or_else(|| all.then(|| ("    ", step.input.to_string())));
        told.map(|(who, text)| line(time, who, &text)).into_iter().collect()
    }

    fn event(&self, event: &ClientEvent<'_>) -> String {
        match event {
            ClientEvent::KeyCreated { established } => key(established),
            ClientEvent::Ready => "calls flow".to_owned(),
            ClientEvent::TemporaryKeyLost { cause } => {
                format!("the temporary key is gone: {cause:?}")
            }
            ClientEvent::PermanentKeyLost { evidence } => match evidence {
                Evidence::Authenticated => "the server does not know the permanent key".to_owned(),
                _ => "the permanent key seems to be gone, or somebody wants us to think so"
                    .to_owned(),
            },
            ClientEvent::ExchangeFailed { error } => format!("the key exchange failed: {error}"),
            ClientEvent::Session(event) => self.session_event(event),
            _ => "an event that this program does not know".to_owned(),
        }
    }

    fn session_event(&self, event: &ClientSessionEvent<'_>) -> String {
        match event {
            ClientSessionEvent::Result { request, body } => {
                let (call, name) = (self.call(*request), self.api.name_of(body));
                format!("{call} is answered: {name}, {} bytes", body.len())
            }
            ClientSessionEvent::RpcError { request, error } => {
                format!("{} is answered: {error}", self.call(*request))
            }
            ClientSessionEvent::Failed { request, error } => {
                format!("{} fails: {error}", self.call(*request))
            }
            ClientSessionEvent::Delivered { request } => {
                format!("{} has arrived", self.call(*request))
            }
            ClientSessionEvent::QuickAcked { request } => {
                format!("{} has arrived at once", self.call(*request))
            }
            ClientSessionEvent::Update { body } => {
                format!("an update: {}, {} bytes", self.api.name_of(body), body.len())
            }
            ClientSessionEvent::SessionCreated { .. } => {
                "the server begins to keep the session".to_owned()
            }
            ClientSessionEvent::SessionReplaced { cause, .. } => {
                format!("another session takes its place: {cause:?}")
            }
            ClientSessionEvent::TimeChanged { offset_ns } => {
                format!("the server's clock is {:+.3} s from ours", nanos(*offset_ns))
            }
            ClientSessionEvent::SaltsChanged => "another salt is in use".to_owned(),
            ClientSessionEvent::BindingLost => "the temporary key is not bound any more".to_owned(),
            ClientSessionEvent::Pong { link, round_trip } => {
                format!("link {}: there and back in {round_trip:?}", link.as_u64())
            }
            ClientSessionEvent::TransportError { link, code } => {
                format!("link {}: transport error {code}", link.as_u64())
            }
            ClientSessionEvent::Discarded { msg_id, reason } => {
                format!("message {:016x} is not used: {reason:?}", msg_id.as_raw())
            }
            _ => "an event that this program does not know".to_owned(),
        }
    }

    fn call(&self, request: RequestId) -> String {
        match self.calls.get(&request) {
            Some((number, name)) => format!("call {number} ({name})"),
            // The machine's own, such as a binding, or one of an earlier run.
            None => "a call of its own".to_owned(),
        }
    }
}

fn line(time: f64, who: &str, text: &str) -> String {
    format!("{time:>12.6}  {who}  {text}")
}

/// Says what kind of packet it is: what is encrypted looks all the same.
fn packet(link: u64, bytes: &[u8]) -> String {
    let kind = if bytes.starts_with(&[0; 8]) { "plain" } else { "encrypted" };
    format!("link {link}: {kind} packet of {} bytes", bytes.len())
}

fn batch(time: f64, link: u64, packets: &[(usize, Transmit)], out: &[u8]) -> Vec<String> {
    let mut start = 0;
    let mut lines = Vec::new();
    for (end, transmit) in packets {
        let bytes = out.get(start..*end).unwrap_or_default();
        lines.push(line(time, " ──▶", &sent(link, transmit, bytes)));
        start = *end;
    }
    lines
}

fn sent(link: u64, transmit: &Transmit, bytes: &[u8]) -> String {
    match transmit.what {
        Outgoing::Packet { .. } => packet(link, bytes),
        _ => format!("link {link} is to be closed"),
    }
}

fn key(established: &Established) -> String {
    let life = if established.kind.is_temporary() { "temporary" } else { "permanent" };
    format!("key {:016x} made: {life}", established.key.id().as_raw())
}

#[expect(clippy::cast_precision_loss, reason = "shown to the millisecond")]
fn nanos(ns: i64) -> f64 {
    ns as f64 / 1e9
}
