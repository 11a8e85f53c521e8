//! Answers to calls.

use mtp_crypto::MsgId;
use mtp_tl::number::BOOL_TRUE;
use mtp_tl::{Constructor, Decode, Decoder};

use super::calls::Call;
use super::receive::{Receipt, constructor};
use super::sent::What;
use super::{ClientSide, Phase};
use crate::service::{DropAnswer, GzipPacked, Message, RPC_ERROR, Reaction, RpcError};
use crate::session::Mutation;
use crate::session::event::{CallError, Discard, Event, Span, Waiting};
use crate::session::request::{RequestId, Wrap};
use crate::session::seq_no::Label;
use crate::session::state::{Base, PacketError};

impl ClientSide {
    /// Handles an `rpc_result`.
    // spec: session 8.1
    pub(super) fn on_result(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        req_msg_id: MsgId,
        result: &[u8],
    ) -> Result<(), PacketError> {
        if req_msg_id.as_raw() == 0 {
            return Err(PacketError::NamesNothing);
        }
        if let Some(key) = self.call_of(req_msg_id) {
            self.splitting.unproven = false;
            self.check_direction(base, receipt.now, label.msg_id, req_msg_id);
            self.answer(base, receipt, key, result);
            return Ok(());
        }
        match self.sent.get(req_msg_id).map(|entry| entry.what) {
            Some(What::DropAnswer(_)) if DropAnswer::parse(result).is_some() => {
                self.sent.settle(req_msg_id);
                Ok(())
            }
            // Some servers answer service messages as if they were calls.
            Some(What::Ping | What::Salts | What::DestroySession(_) | What::DestroyKey)
                if is_own_message(result) =>
            {
                self.on_own_message(base, receipt, label, result)
            }
            _ => {
                self.on_unwanted(base, receipt, label, result);
                Ok(())
            }
        }
    }

    /// Bounds what is spent on results that nobody waits for.
    fn on_unwanted(&mut self, base: &mut Base, receipt: &Receipt, label: Label, result: &[u8]) {
        base.discard(label.msg_id, Discard::NoSuchCall);
        if result.len() > UNWANTED_FROM {
            self.unwanted_bytes = self.unwanted_bytes.saturating_add(result.len());
        }
        if self.unwanted_bytes > UNWANTED_BYTES_MAX {
            self.unwanted_bytes = 0;
            if let Some(link) = base.links.get_mut(receipt.link) {
                link.closing = true;
            }
        }
    }

    /// Ends an open call with what the server answered.
    fn answer(&mut self, base: &mut Base, receipt: &mut Receipt, key: u64, result: &[u8]) {
        let is_packed = constructor(result) == Some(GzipPacked::ID);
        let span = if is_packed && !base.breaks(Mutation::PackedTold) {
            let packed = GzipPacked::from_bytes(result).ok();
            let start = packed.and_then(|it| base.unpack_into_arena(&it, &mut receipt.budget).ok());
            let Some(start) = start else {
                self.fail(base, key, CallError::Undecodable);
                return;
            };
            start..base.events.arena_len()
        } else {
            base.events.store(result)
        };
        let content = base.events.bytes(span.clone());
        match constructor(content) {
            Some(RPC_ERROR) => {
                let Ok(error) = RpcError::parse(content) else {
                    self.fail(base, key, CallError::Undecodable);
                    return;
                };
                let (code, reaction) = (error.code(), error.reaction());
                // An error's text starts behind its id, its code and the text's own header.
                let message = locate(content, error.message().as_bytes(), &span);
                self.on_error(base, key, code, reaction, message);
            }
            None => self.fail(base, key, CallError::Undecodable),
            Some(_) if DropAnswer::parse(content).is_some() => {
                self.fail(base, key, CallError::Dropped);
            }
            Some(id) => {
                if id == BOOL_TRUE && self.is_bind(key) {
                    self.set_bound();
                }
                self.settle_init(key);
                self.finish(base, key);
                if base.breaks(Mutation::ResultsTwice) {
                    base.events.push_with(Waiting::Result(RequestId::new(key), span.clone()));
                }
                base.events.push_with(Waiting::Result(RequestId::new(key), span));
            }
        }
    }

    /// Handles an error: the session itself repeats only what was certainly not run.
    // spec: session 10
    fn on_error(
        &mut self,
        base: &mut Base,
        key: u64,
        code: i32,
        reaction: Reaction,
        message: Span,
    ) {
        let max = base.config.client.recoveries_max;
        let again = self.calls.get(key).filter(|call| call.recoveries < max);
        let is = |test: fn(&Call) -> bool| again.is_some_and(test);
        match reaction {
            Reaction::InitAgain
                if base.config.client.init.is_some()
                    && is(|call| call.options.wrap == Wrap::AsNeeded) =>
            {
                self.need_init();
                self.put_back(key, |_| {});
                return;
            }
            Reaction::ResendInOrder if is(|call| call.options.after.is_some()) => {
                self.put_back(key, |call| call.waits_for_end = true);
                return;
            }
            Reaction::BindAgain if self.needs_binding && is(|_| true) => {
                self.phase = Phase::Unbound;
                self.put_back(key, |_| {});
                base.events.push(Event::BindingLost);
                return;
            }
            _ => {}
        }
        let connection = matches!(reaction, Reaction::InitAgain | Reaction::Retry { .. });
        if !connection {
            self.settle_init(key);
        }
        self.finish(base, key);
        base.events.push_with(Waiting::RpcError(RequestId::new(key), code, message));
    }

    pub(super) fn finish(&mut self, base: &mut Base, key: u64) {
        if let Some(call) = self.calls.remove(key) {
            Self::recycle(base, call);
        }
    }

    /// Handles a service message that came within an `rpc_result`.
    fn on_own_message(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        result: &[u8],
    ) -> Result<(), PacketError> {
        if let Ok(message) = Message::parse(result) {
            self.on_message(base, receipt, label, message)
        } else {
            base.discard(label.msg_id, Discard::Malformed);
            Ok(())
        }
    }
}

/// Unwanted results up to this length are not counted.
// spec: session 8.1
const UNWANTED_FROM: usize = 16 << 10;
/// A link that brings more unwanted bytes than this is closed.
// spec: session 8.1
const UNWANTED_BYTES_MAX: usize = 256 << 10;

/// Reports whether the content of a result is an answer to a service message.
// spec: session 8.5, 8.8, 8.9
fn is_own_message(result: &[u8]) -> bool {
    use crate::service as s;

    let id = Decoder::new(result).peek_id();
    [
        s::Pong::ID,
        s::FutureSalts::ID,
        s::DestroySessionOk::ID,
        s::DestroySessionNone::ID,
        s::DestroyAuthKeyOk::ID,
        s::DestroyAuthKeyNone::ID,
        s::DestroyAuthKeyFail::ID,
    ]
    .iter()
    .any(|known| Some(*known) == id)
}

/// Returns where an error's text lies in the arena.
fn locate(content: &[u8], message: &[u8], span: &Span) -> Span {
    const HEADER_LEN: usize = 4 + 4;
    let text = Decoder::new(content.get(HEADER_LEN..).unwrap_or_default()).string();
    let text = text.unwrap_or_default();
    // A string's header is one byte up to 253 bytes of text, and four beyond.
    let header = if content.get(HEADER_LEN) == Some(&254) { 4 } else { 1 };
    let start = span.start.saturating_add(HEADER_LEN + header);
    debug_assert!(text == message || core::str::from_utf8(text).is_err());
    start..start.saturating_add(text.len())
}
