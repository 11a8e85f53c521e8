//! Packets out: what goes into the next one.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::{AuthKey, MsgId, MsgIdKind, QuickAckToken};
use mtp_env::{Entropy, Instant, Now};
use mtp_tl::Encode;

use super::ServerSession;
use super::link::{Link, ServerLink};
use super::outgoing::{MessageKind, Next, Outgoing, Retransmit, repeat_delay};
use crate::link::LinkId;
use crate::service::FutureSalts;
use crate::session::packer::{Form, Packer};
use crate::session::reply::Reply;
use crate::session::session_core::{Draft, SessionCore};
use crate::session::transmitting::Writer;

impl Writer for ServerSession {
    type Link = ServerLink;

    fn core(&self) -> &SessionCore<ServerLink> {
        &self.core
    }

    fn writing_key(&self) -> Option<&AuthKey> {
        Some(&self.key)
    }

    fn write(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        _: &mut dyn Entropy,
    ) -> Option<Draft> {
        self.handle_timeout(now);
        let state = self.core.links.get(link).filter(|link| !link.closing)?;
        if self.gone || !self.may_write(now, state) {
            return None;
        }
        let is_http = state.kind.is_http();
        let form = self.form(link);
        let mut packer = Packer::begin(out, form);
        let mut answers =
            self.write_new(now, link, &mut packer, |kind| kind == MessageKind::NewSession);
        answers |= self.write_replies(now, link, &mut packer);
        if !self.core.ledger.acks.is_empty() && !packer.is_full(self.config.container_messages_max)
        {
            self.core.ledger.write_acks(&mut packer, now.unix, MsgIdKind::Notice);
        }
        if form == Form::Container {
            answers |= self.retransmit(now, link, &mut packer);
        }
        answers |= self.write_new(now, link, &mut packer, |_| true);
        if packer.count() == 0 && !(is_http && form == Form::Container) {
            packer.cancel();
            return None;
        }
        let kind = if answers { MsgIdKind::Answer } else { MsgIdKind::Notice };
        let salt = self.key_salts.current(&self.salts, now.unix);
        let (label, start) = self.core.finish(packer, now.unix, salt, kind);
        if let Some(link) = self.core.links.get_mut(link) {
            link.used = true;
            link.wing.held = None;
        }
        if is_http {
            // What did not fit may use another link.
            self.record_queued(now);
        }
        Some(Draft { start, label, quick_ack: false })
    }

    /// A server asks for no quick acknowledgments.
    fn expect_quick_ack(&mut self, _: Draft, _: QuickAckToken) {}
}

impl ServerSession {
    /// Returns `true` if a packet is due.
    fn may_write(&self, now: Now, link: &Link) -> bool {
        if link.kind.is_http() {
            return self.http_due(link).is_some_and(|at| at <= now.mono);
        }
        self.has_work(link)
    }

    fn has_work(&self, link: &Link) -> bool {
        link.replies() > 0
            || self.core.ledger.acks.is_due()
            || self.next_new(link.id).is_some()
            || self.next_again(link.id).is_some()
    }

    /// Returns `true` if unwritten and lost messages of other links use this one.
    // spec: session 2
    fn is_open(&self, id: LinkId) -> bool {
        let links = self.core.links.iter().filter(|link| takes(link));
        links.max_by_key(|link| link.read_at).is_some_and(|link| link.id == id)
    }

    fn takes(&self, id: LinkId) -> bool {
        self.core.links.get(id).is_some_and(takes)
    }

    /// Returns the next new message for a link: its own, or one of a link that takes none.
    fn next_new(&self, id: LinkId) -> Option<Next> {
        let is_open = self.takes(id).then(|| self.is_open(id))?;
        self.store.next(id, is_open, |link| self.takes(link))
    }

    /// Returns the next message to be retransmitted on a link.
    fn next_again(&self, id: LinkId) -> Option<MsgId> {
        if !self.store.repeats() {
            return None;
        }
        let is_open = self.takes(id).then(|| self.is_open(id))?;
        self.store.next_again(id, is_open, |link| self.takes(link))
    }

    /// Returns when the response on an HTTP link is due.
    // spec: session 14
    pub(super) fn http_due(&self, link: &Link) -> Option<Instant> {
        let held = link.wing.held?;
        let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        match held.queued {
            Some((first, latest)) if self.has_work(link) => {
                let collected = first + ms(held.wait.max_delay);
                let quiet = latest + ms(held.wait.wait_after);
                Some(collected.min(quiet))
            }
            _ => Some(held.since + ms(held.wait.max_wait)),
        }
    }

    /// Records on HTTP links that there is something to send.
    pub(crate) fn record_queued(&mut self, now: Now) {
        self.events.release();
        let waiting: Vec<LinkId> = self
            .core
            .links
            .iter()
            .filter(|link| link.wing.held.is_some() && self.has_work(link))
            .map(|link| link.id)
            .collect();
        for id in waiting {
            if let Some(held) = self.core.links.get_mut(id).and_then(|link| link.wing.held.as_mut())
            {
                let first = held.queued.map_or(now.mono, |(first, _)| first);
                held.queued = Some((first, now.mono));
                held.is_due = false;
            }
        }
    }

    fn form(&self, id: LinkId) -> Form {
        let Some(link) = self.core.links.get(id) else { return Form::Single };
        let again = self.next_again(id).is_some();
        let acks = usize::from(!self.core.ledger.acks.is_empty());
        let mine = if takes(link) {
            self.store.count(id, self.is_open(id), |link| self.takes(link))
        } else {
            0
        };
        let count = link.replies().saturating_add(acks).saturating_add(mine);
        if again || count != 1 { Form::Container } else { Form::Single }
    }

    fn write_replies(&mut self, now: Now, id: LinkId, packer: &mut Packer<'_>) -> bool {
        let mut answers = false;
        while !packer.is_full(self.config.container_messages_max) {
            let reply = self.core.links.get_mut(id).and_then(Link::pop_reply);
            let Some(reply) = reply else { break };
            let kind = reply.server_kind();
            answers |= kind == MsgIdKind::Answer;
            let label = self.core.ledger.service(now.unix, kind);
            packer.message(label, |out| match reply {
                Reply::FutureSalts { req_msg_id, num } => FutureSalts {
                    req_msg_id,
                    now: u32::try_from(now.unix.as_secs()).unwrap_or(u32::MAX),
                    salts: self.key_salts.schedule(&self.salts, now.unix, num).collect(),
                }
                .encode(out),
                reply => reply.write(out),
            });
        }
        answers
    }

    /// Writes new messages; returns `true` if answers are among them.
    fn write_new(
        &mut self,
        now: Now,
        id: LinkId,
        packer: &mut Packer<'_>,
        is_meant: impl Fn(MessageKind) -> bool,
    ) -> bool {
        let mut answers = false;
        while !packer.is_full(self.config.container_messages_max) {
            let Some(next) = self.next_new(id) else { break };
            let may = |message: &Outgoing| is_meant(message.kind) && self.fits(packer, message);
            if !self.store.peek(next).is_some_and(may) {
                break;
            }
            let Some(mut message) = self.store.take(next) else { break };
            message.label = self.core.ledger.content(now.unix, message.id_kind());
            message.link = Some(id);
            message.repeat_at = now.mono + self.config.repeat_after;
            self.check_by(message.repeat_at);
            packer.message(message.label, |out| out.extend_from_slice(&message.body));
            answers |= message.id_kind() == MsgIdKind::Answer;
            self.store.written(message);
        }
        answers
    }

    /// Retransmits messages under their ids; long ones are announced.
    // spec: session 11.5, 13
    fn retransmit(&mut self, now: Now, id: LinkId, packer: &mut Packer<'_>) -> bool {
        let (whole_bytes, repeat_after) =
            (self.config.repeat_whole_bytes, self.config.repeat_after);
        let mut answers = false;
        while !packer.is_full(self.config.container_messages_max) {
            let Some(msg_id) = self.next_again(id) else { break };
            let Some(message) = self.store.get(msg_id) else { break };
            let announced =
                message.retransmit == Retransmit::Announced && message.body.len() > whole_bytes;
            if !announced && !self.fits(packer, message) {
                break;
            }
            answers |= message.id_kind() == MsgIdKind::Answer;
            if announced {
                let reply = announcement(message);
                let label = self.core.ledger.service(now.unix, reply.server_kind());
                packer.message(label, |out| reply.write(out));
            } else {
                packer.message(message.label, |out| out.extend_from_slice(&message.body));
            }
            let at = |repeats| now.mono + repeat_delay(repeat_after, repeats);
            if let Some(at) = self.store.written_again(msg_id, id, at) {
                self.check_by(at);
            }
        }
        answers
    }

    /// Returns `true` if a packet has room for one more message; a long one is written alone.
    fn fits(&self, packer: &Packer<'_>, message: &Outgoing) -> bool {
        packer.count() == 0
            || packer.len().saturating_add(message.body.len()) <= self.config.container_bytes
    }
}

/// Announces a message that is too long to be retransmitted unasked.
// spec: session 8.18
fn announcement(message: &Outgoing) -> Reply {
    let answer_msg_id = message.label.msg_id;
    let bytes = i32::try_from(message.body.len()).unwrap_or(i32::MAX);
    match message.kind {
        MessageKind::Answer(msg_id) => Reply::DetailedInfo { msg_id, answer_msg_id, bytes },
        _ => Reply::NewDetailedInfo { answer_msg_id, bytes },
    }
}

/// Returns `true` if a link can carry messages now.
fn takes(link: &Link) -> bool {
    !link.closing && (!link.kind.is_http() || link.wing.held.is_some())
}
