//! Answers to calls.

use mtp_crypto::MsgId;
use mtp_env::Work;
use mtp_tl::{Constructor, Decode, Decoder};

use super::calls::Call;
use super::event::Pending;
use super::receive::{Receipt, constructor};
use super::sent::SentKind;
use super::{CallError, ClientSession, RequestId, Wrap};
use crate::service::{DropAnswer, GzipPacked, Message, RPC_ERROR, Reaction, RpcError};
use crate::session::arena::Span;
use crate::session::seq_no::Label;
use crate::session::{Discard, Mutation, PacketError};

impl ClientSession {
    /// Handles an `rpc_result`.
    // spec: session 8.1
    pub(super) fn on_result(
        &mut self,
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
            self.check_direction(receipt.now, label.msg_id, req_msg_id);
            self.answer(receipt, key, result);
            return Ok(());
        }
        match self.sent.get(req_msg_id).map(|entry| entry.kind) {
            Some(SentKind::DropAnswer(_)) if DropAnswer::parse(result).is_some() => {
                self.sent.settle(req_msg_id);
                Ok(())
            }
            // Some servers answer service messages with an `rpc_result`.
            Some(
                SentKind::Ping
                | SentKind::Salts
                | SentKind::DestroySession(_)
                | SentKind::DestroyKey,
            ) if is_own_message(result) => self.on_own_message(receipt, label, result),
            _ => {
                self.on_unwanted(receipt, label, result);
                Ok(())
            }
        }
    }

    /// Bounds the traffic spent on results of no open call.
    fn on_unwanted(&mut self, receipt: &Receipt, label: Label, result: &[u8]) {
        self.discard(label.msg_id, Discard::NoSuchCall);
        if result.len() > UNWANTED_FROM {
            self.unwanted_bytes = self.unwanted_bytes.saturating_add(result.len());
        }
        if self.unwanted_bytes > UNWANTED_BYTES_MAX {
            self.unwanted_bytes = 0;
            if let Some(link) = self.core.links.get_mut(receipt.link) {
                link.closing = true;
            }
        }
    }

    /// Ends an open call with the server's answer.
    fn answer(&mut self, receipt: &mut Receipt, key: u64, result: &[u8]) {
        let is_packed = constructor(result) == Some(GzipPacked::ID);
        let span = if is_packed && !self.breaks(Mutation::PackedTold) {
            let packed = GzipPacked::from_bytes(result).ok();
            let arena = self.events.arena();
            let start = arena.len();
            let unpacked =
                packed.is_some_and(|it| self.core.unpack(&it, &mut receipt.budget, arena).is_ok());
            self.meter.add(Work::of_bytes(arena.len().saturating_sub(start)));
            let start = unpacked.then_some(start);
            let Some(start) = start else {
                self.fail(key, CallError::Undecodable);
                return;
            };
            start..self.events.arena_len()
        } else {
            self.meter.add(Work::of_bytes(result.len()));
            self.events.store(result)
        };
        let content = self.events.bytes(span.clone());
        match constructor(content) {
            Some(RPC_ERROR) => {
                let Ok(error) = RpcError::parse(content) else {
                    self.fail(key, CallError::Undecodable);
                    return;
                };
                let (code, reaction) = (error.code(), error.reaction());
                // The text of an error follows its id, its code and the header of the string.
                let message = locate(content, error.message().as_bytes(), &span);
                self.on_error(key, code, reaction, message);
            }
            None => self.fail(key, CallError::Undecodable),
            Some(_) if DropAnswer::parse(content).is_some() => {
                self.fail(key, CallError::Dropped);
            }
            Some(id) => {
                self.binding_answered(key, id);
                self.settle_init(key);
                self.finish(key);
                if self.breaks(Mutation::ResultsTwice) {
                    self.events.push(Pending::Result(RequestId::new(key), span.clone()));
                }
                self.events.push(Pending::Result(RequestId::new(key), span));
            }
        }
    }

    /// Handles an error. The session resends only calls that were certainly not run.
    // spec: session 10
    fn on_error(&mut self, key: u64, code: i32, reaction: Reaction, message: Span) {
        let max = self.config.recoveries_max;
        let retried = self.calls.get(key).filter(|call| call.recoveries < max);
        let is = |test: fn(&Call) -> bool| retried.is_some_and(test);
        match reaction {
            Reaction::InitAgain
                if self.config.init.is_some() && is(|call| call.options.wrap == Wrap::AsNeeded) =>
            {
                self.need_init();
                self.put_back(key, |_| {});
                return;
            }
            Reaction::ResendInOrder if is(|call| call.options.after.is_some()) => {
                self.put_back(key, |call| call.waits_for_end = true);
                return;
            }
            Reaction::BindAgain if is(|_| true) && self.binding_lost(key) => return,
            _ => {}
        }
        let connection = matches!(reaction, Reaction::InitAgain | Reaction::Retry { .. });
        if !connection {
            self.settle_init(key);
        }
        self.finish(key);
        self.events.push(Pending::RpcError(RequestId::new(key), code, message));
    }

    pub(super) fn finish(&mut self, key: u64) {
        if let Some(call) = self.calls.remove(key) {
            self.recycle(call);
        }
    }

    /// Handles a service message inside an `rpc_result`.
    fn on_own_message(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        result: &[u8],
    ) -> Result<(), PacketError> {
        if let Ok(message) = Message::parse(result) {
            self.on_message(receipt, label, message)
        } else {
            self.discard(label.msg_id, Discard::Malformed);
            Ok(())
        }
    }
}

/// Unwanted results up to this length are not counted.
// spec: session 8.1
const UNWANTED_FROM: usize = 16 << 10;
/// Bytes of unwanted results after which a link is closed.
// spec: session 8.1
const UNWANTED_BYTES_MAX: usize = 256 << 10;

/// Returns `true` if the content of a result answers a service message.
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

/// Returns the span of an error's text in the arena.
fn locate(content: &[u8], message: &[u8], span: &Span) -> Span {
    const HEADER_LEN: usize = 4 + 4;
    let text = Decoder::new(content.get(HEADER_LEN..).unwrap_or_default()).string();
    let text = text.unwrap_or_default();
    // The header of a string has one byte up to 253 bytes of text, four beyond.
    let header = if content.get(HEADER_LEN) == Some(&254) { 4 } else { 1 };
    let start = span.start.saturating_add(HEADER_LEN + header);
    debug_assert!(text == message || core::str::from_utf8(text).is_err());
    start..start.saturating_add(text.len())
}
