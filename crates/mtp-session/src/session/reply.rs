//! Messages that need no acknowledgment: written once, on one link.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::{MsgId, MsgIdKind, Salt, SeqNo, SessionId};
use mtp_tl::{Encode, Rest};

use super::KeyOutcome;
use crate::service::{
    BadMsgNotification, BadServerSalt, DestroyAuthKeyFail, DestroyAuthKeyNone, DestroyAuthKeyOk,
    DestroySessionNone, DestroySessionOk, MsgDetailedInfo, MsgNewDetailedInfo, MsgsStateInfo, Pong,
};

/// A message that needs no acknowledgment.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Pong(Pong),
    BadMsg {
        msg_id: MsgId,
        seq_no: SeqNo,
        code: i32,
    },
    BadSalt {
        msg_id: MsgId,
        seq_no: SeqNo,
        salt: Salt,
    },
    StateInfo {
        req_msg_id: MsgId,
        info: Box<[u8]>,
    },
    DetailedInfo {
        msg_id: MsgId,
        answer_msg_id: MsgId,
        bytes: i32,
    },
    NewDetailedInfo {
        answer_msg_id: MsgId,
        bytes: i32,
    },
    /// Its content is determined when it is written.
    FutureSalts {
        req_msg_id: MsgId,
        num: i32,
    },
    SessionDestroyed {
        session_id: SessionId,
        existed: bool,
    },
    KeyDestroyed(KeyOutcome),
}

impl Reply {
    /// Returns the memory that the message takes while it waits.
    pub(crate) fn held_bytes(&self) -> usize {
        let info = match self {
            Self::StateInfo { info, .. } => info.len(),
            _ => 0,
        };
        size_of::<Self>().saturating_add(info)
    }

    /// Returns the kind of id that a server gives the message.
    // spec: session 3.1
    pub(crate) const fn server_kind(&self) -> MsgIdKind {
        match self {
            Self::NewDetailedInfo { .. } => MsgIdKind::Notice,
            _ => MsgIdKind::Answer,
        }
    }

    /// Writes the message, except for future salts, which the caller writes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Pong(ref pong) => pong.encode(out),
            Self::BadMsg { msg_id, seq_no, code } => {
                BadMsgNotification { bad_msg_id: msg_id, bad_msg_seqno: seq_no, error_code: code }
                    .encode(out);
            }
            Self::BadSalt { msg_id, seq_no, salt } => BadServerSalt {
                bad_msg_id: msg_id,
                bad_msg_seqno: seq_no,
                error_code: BAD_SALT,
                new_server_salt: salt,
            }
            .encode(out),
            Self::StateInfo { req_msg_id, ref info } => {
                MsgsStateInfo { req_msg_id, info }.encode(out);
            }
            Self::DetailedInfo { msg_id, answer_msg_id, bytes } => {
                MsgDetailedInfo { msg_id, answer_msg_id, bytes, status: 0 }.encode(out);
            }
            Self::NewDetailedInfo { answer_msg_id, bytes } => {
                MsgNewDetailedInfo { answer_msg_id, bytes, status: 0 }.encode(out);
            }
            Self::FutureSalts { .. } => Rest::default().encode(out),
            Self::SessionDestroyed { session_id, existed: true } => {
                DestroySessionOk { session_id }.encode(out);
            }
            Self::SessionDestroyed { session_id, existed: false } => {
                DestroySessionNone { session_id }.encode(out);
            }
            Self::KeyDestroyed(KeyOutcome::Destroyed) => DestroyAuthKeyOk {}.encode(out),
            Self::KeyDestroyed(KeyOutcome::Unknown) => DestroyAuthKeyNone {}.encode(out),
            Self::KeyDestroyed(KeyOutcome::Failed) => DestroyAuthKeyFail {}.encode(out),
        }
    }
}

/// The error code of `bad_server_salt`.
pub(crate) const BAD_SALT: i32 = 48;
