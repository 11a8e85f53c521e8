//! Checks of a packet before anything is kept.

use alloc::vec::Vec;

use mtp_crypto::{AuthKey, InnerHeader, MsgIdKind, Padding, Salt, SealError, SeqNo, Side};
use mtp_env::{Entropy, Now};

use super::salts::{KeySalts, ServerSalts};
use crate::session::msg_id::{Age, MsgIdGenerator, VALID_FUTURE_S, VALID_PAST_S, age};
use crate::session::packer::{Form, Packer};
use crate::session::reply::{BAD_SALT, Reply};
use crate::session::seq_no::{Label, SeqNoCounter};
use crate::version::Version;

/// Checks what needs no session: the message id, its time, the salt.
///
/// # Errors
/// [`Refusal`]: what to answer. The packet must not be used, nor a session made for it.
// spec: session 5.2
// spec: session 20#22
pub fn server_gate(
    now: Now,
    header: &InnerHeader,
    salts: &ServerSalts,
    key: &KeySalts,
) -> Result<(), Refusal> {
    let bad_msg = |code| Err(Refusal::BadMsg { header: *header, code });
    // spec: session 5.2#2
    if header.msg_id.kind() != MsgIdKind::Client {
        return bad_msg(18);
    }
    // spec: session 5.2#3; crypto 5#10, 17#24
    match age(header.msg_id, now.unix, VALID_PAST_S, VALID_FUTURE_S) {
        Age::Valid => {}
        Age::TooLow => return bad_msg(16),
        Age::TooHigh => return bad_msg(17),
    }
    // spec: session 5.2#4; crypto 5#11, 17#25
    if !key.accepts(salts, now.unix, header.salt) {
        return Err(Refusal::BadSalt { header: *header, salt: key.current(salts, now.unix) });
    }
    if header.session_id.as_raw() == 0 {
        return Err(Refusal::NoSession);
    }
    Ok(())
}

/// How to answer a packet that failed the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A `bad_msg_notification`.
    BadMsg {
        /// The refused packet's header.
        header: InnerHeader,
        /// Why.
        code: i32,
    },
    /// A `bad_server_salt`.
    BadSalt {
        /// The refused packet's header.
        header: InnerHeader,
        /// The salt to use.
        salt: Salt,
    },
    /// The session id is zero: transport error −404, as Telegram's servers answer.
    // spec: crypto 4.3
    NoSession,
}

impl Refusal {
    /// Returns the error code: of the notification, or of the transport.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::BadMsg { code, .. } => *code,
            Self::BadSalt { .. } => BAD_SALT,
            Self::NoSession => -404,
        }
    }

    /// Returns the message to answer with; `None` for a transport error.
    pub(crate) const fn reply(&self) -> Option<(InnerHeader, Reply)> {
        match *self {
            Self::BadMsg { header, code } => {
                let reply = Reply::BadMsg { msg_id: header.msg_id, seq_no: header.seq_no, code };
                Some((header, reply))
            }
            Self::BadSalt { header, salt } => {
                let reply = Reply::BadSalt { msg_id: header.msg_id, seq_no: header.seq_no, salt };
                Some((header, reply))
            }
            Self::NoSession => None,
        }
    }
}

/// Writes refusals for sessions that are not kept.
#[derive(Debug, Default)]
pub struct StatelessReplies {
    ids: Option<MsgIdGenerator>,
}

impl StatelessReplies {
    /// Returns a writer, which serves all keys of a server.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the generator of the server's message ids, which sessions share: the ids that a client receives grow.
    // spec: session 20#21
    pub(crate) fn ids(&mut self, entropy: &mut dyn Entropy) -> &mut MsgIdGenerator {
        self.ids.get_or_insert_with(|| MsgIdGenerator::scattered(entropy))
    }

    /// Appends one sealed packet with the refusal, for the session of the refused packet.
    ///
    /// A refusal by a transport error appends nothing.
    ///
    /// # Errors
    /// [`SealError`], never for packets made here.
    pub fn write(
        &mut self,
        now: Now,
        key: &AuthKey,
        salt: Salt,
        refusal: &Refusal,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), SealError> {
        let seq_no = SeqNoCounter::default().service();
        let Some(start) = self.append(now, (salt, seq_no), refusal, out, entropy) else {
            return Ok(());
        };
        let room = (out, start);
        Version::Two.seal(key, Side::Server, room, Padding::Minimum, entropy)?;
        Ok(())
    }

    /// Appends the packet without padding and encryption; returns where it starts.
    pub(crate) fn append(
        &mut self,
        now: Now,
        (salt, seq_no): (Salt, SeqNo),
        refusal: &Refusal,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<usize> {
        let (header, reply) = refusal.reply()?;
        let ids = self.ids(entropy);
        let label = Label { msg_id: ids.next(now.unix, MsgIdKind::Answer), seq_no };
        let mut packer = Packer::begin(out, Form::Single);
        packer.message(label, |out| reply.write(out));
        let (_, start) = packer.finish(salt, header.session_id, || label);
        Some(start)
    }
}
