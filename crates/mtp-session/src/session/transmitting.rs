//! Writing packets: one by one, or several encrypted together.

use alloc::vec::Vec;

use mtp_crypto::{AuthKey, QuickAckToken, SealJob, pad, seal_batch};
use mtp_env::{Entropy, Now};

use super::session_core::{Draft, SessionCore};
use crate::link::{AfterSend, BatchLimits, LinkId, Outgoing, Transmit};
use crate::version::Version;

/// The half of writing a packet in which the wings differ.
pub(crate) trait Writer {
    /// The wing's part of a link.
    type Link: Default;

    fn core(&self) -> &SessionCore<Self::Link>;

    fn writing_key(&self) -> Option<&AuthKey>;

    /// Appends one packet without padding and encryption.
    fn write(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Draft>;

    /// Records that a quick acknowledgment of the packet may arrive.
    fn expect_quick_ack(&mut self, draft: Draft, token: QuickAckToken);
}

/// Appends one packet for `link`, if there is something to send.
#[inline]
pub(crate) fn poll_transmit<W: Writer>(
    session: &mut W,
    now: Now,
    link: LinkId,
    out: &mut Vec<u8>,
    entropy: &mut dyn Entropy,
) -> Option<Transmit> {
    let Some(draft) = session.write(now, link, out, entropy) else {
        return session.core().links.closing(link);
    };
    let key = session.writing_key();
    let Some(Ok(token)) = key.map(|key| session.core().seal(key, link, draft, out, entropy)) else {
        debug_assert!(false, "a packet made here can be sealed");
        out.truncate(draft.start);
        return None;
    };
    Some(transmit(session, draft, token))
}

/// Appends several packets for `link`, as far as `limits` allow, and encrypts them together.
pub(crate) fn poll_transmit_batch<W: Writer>(
    session: &mut W,
    now: Now,
    link: LinkId,
    limits: BatchLimits,
    out: &mut Vec<u8>,
    packets: &mut Vec<(usize, Transmit)>,
    entropy: &mut dyn Entropy,
) {
    let before = out.len();
    if session.core().version(link) == Version::One {
        // Version 1 has no batch encryption: one by one.
        let mut sent = 0;
        while limits.allow(sent, out.len().saturating_sub(before)) {
            let Some(transmit) = poll_transmit(session, now, link, out, entropy) else { break };
            packets.push((out.len(), transmit));
            sent = sent.saturating_add(1);
        }
        return;
    }
    let mut drafts = Vec::new();
    while limits.allow(drafts.len(), out.len().saturating_sub(before)) {
        let Some(draft) = session.write(now, link, out, entropy) else { break };
        if pad(out, draft.start, session.core().padding, entropy).is_err() {
            out.truncate(draft.start);
            break;
        }
        drafts.push((draft, out.len()));
    }
    let Some(key) = session.writing_key() else { return };
    let Some((first, _)) = drafts.first() else {
        packets.extend(session.core().links.closing(link).map(|closing| (out.len(), closing)));
        return;
    };
    let mut rest = out.get_mut(first.start..).unwrap_or_default();
    let mut jobs = Vec::with_capacity(drafts.len());
    for (draft, end) in &drafts {
        let (packet, after) =
            rest.split_at_mut_checked(end.saturating_sub(draft.start)).unwrap_or_default();
        rest = after;
        jobs.push(SealJob::new(key, session.core().side, packet));
    }
    seal_batch(&mut jobs);
    let tokens: Vec<_> = jobs.into_iter().map(SealJob::into_result).collect();
    for ((draft, end), token) in drafts.into_iter().zip(tokens) {
        if let Ok(token) = token {
            packets.push((end, transmit(session, draft, token)));
        }
    }
}

fn transmit<W: Writer>(session: &mut W, draft: Draft, token: QuickAckToken) -> Transmit {
    let quick_ack = draft.quick_ack.then_some(token);
    if let Some(token) = quick_ack {
        session.expect_quick_ack(draft, token);
    }
    Transmit { what: Outgoing::Packet { quick_ack }, then: AfterSend::Keep }
}
