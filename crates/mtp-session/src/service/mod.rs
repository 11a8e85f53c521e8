//! Service messages: the messages that sessions send each other.
//!
//! [`Message::parse`] reads any body. A body that is not a service message is an [`Message::Object`]: an update to a
//! client, a call to a server. Reading borrows, allocates only for [`FutureSalts`], and rejects trailing bytes.
//!
//! | type | content |
//! |---|---|
//! | [`Message`] and one struct per constructor | service messages |
//! | [`Container`] | several messages in one, checked |
//! | [`MessageState`] | state byte of a message |
//! | [`RpcError`] | error of a call and the reaction it requires |
//! | [`Wrappers`] | wrappers around a call |

pub(crate) mod container;
mod field;
mod future_salts;
mod message_state;
mod messages;
mod msg_ids;
mod rpc_error;
#[cfg(test)]
mod tests;
pub(crate) mod wrappers;

use mtp_tl::{Constructor, ConstructorId, Decode, DecodeError, Decoder, Encode, Output};

pub use container::{
    CONTAINER_HEADER_LEN, CONTAINER_MESSAGES_MAX, Container, ContainerError, INNER_HEADER_LEN,
    InnerMessage,
};
pub use future_salts::FutureSalts;
pub use message_state::{Meaning, MessageState};
pub use messages::*;
pub use msg_ids::{IDS_MAX, MsgIds};
pub use rpc_error::{ErrorName, Reaction, RpcError};
pub use wrappers::{InitConnection, Wrappers};

/// `msg_container`
pub const MSG_CONTAINER: ConstructorId = ConstructorId::new(0x73f1_f8dc);
/// `msg_copy`
pub const MSG_COPY: ConstructorId = ConstructorId::new(0xe060_46b2);
/// `message`, boxed only inside [`MSG_COPY`].
pub const MESSAGE: ConstructorId = ConstructorId::new(0x5bb8_e511);
/// `rpc_error`
pub const RPC_ERROR: ConstructorId = ConstructorId::new(0x2144_ca19);

macro_rules! vocabulary {
    ($($(#[$meta:meta])* $name:ident $(<$life:lifetime>)?,)*) => {
        /// Body of a message.
        ///
        /// [`Message::Container`] and [`Message::Copy`] are recognized but not checked: their rules depend on the message
        /// around them.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Message<'a> {
            $($(#[$meta])* $name($name $(<$life>)?),)*
            /// `msg_container`; see [`Container::parse`].
            Container(&'a [u8]),
            /// `msg_copy`; see [`copied`].
            Copy(&'a [u8]),
            /// Any other object: an update or a call.
            Object(&'a [u8]),
        }

        impl<'a> Message<'a> {
            /// Reads the body of a message.
            ///
            /// # Errors
            /// [`DecodeError`] if a service message is truncated, has trailing bytes, or lists too many ids.
            pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
                let mut d = Decoder::new(body);
                let message = match d.id()? {
                    $($name::ID => Self::$name(d.bare()?),)*
                    MSG_CONTAINER => return Ok(Self::Container(body)),
                    MSG_COPY => return Ok(Self::Copy(body)),
                    _ => return Ok(Self::Object(body)),
                };
                d.finish()?;
                Ok(message)
            }
        }

        impl Encode for Message<'_> {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) {
                match self {
                    $(Self::$name(message) => message.encode(out),)*
                    Self::Container(body) | Self::Copy(body) | Self::Object(body) => out.put(body),
                }
            }
        }
    };
}

// In the order of the specification's table.
vocabulary! {
    /// Answer to a call.
    RpcResult<'a>,
    /// Request to drop the answer to a call.
    RpcDropAnswer,
    /// Request for future salts.
    GetFutureSalts,
    /// Future salts.
    FutureSalts,
    /// Ping.
    Ping,
    /// Answer to a ping.
    Pong,
    /// Ping with a disconnect delay.
    PingDelayDisconnect,
    /// Request to destroy another session.
    DestroySession,
    /// The session was destroyed.
    DestroySessionOk,
    /// The session did not exist.
    DestroySessionNone,
    /// The server created the session.
    NewSessionCreated,
    /// Gzipped object.
    GzipPacked<'a>,
    /// Acknowledgment of messages.
    MsgsAck<'a>,
    /// Rejection of a message.
    BadMsgNotification,
    /// Rejection of a message for its salt.
    BadServerSalt,
    /// Request for the states of messages.
    MsgsStateReq<'a>,
    /// Requested states of messages.
    MsgsStateInfo<'a>,
    /// Unsolicited states of messages.
    MsgsAllInfo<'a>,
    /// Announcement of an answer.
    MsgDetailedInfo,
    /// Announcement of a message.
    MsgNewDetailedInfo,
    /// Request to resend messages.
    MsgResendReq<'a>,
    /// Request to resend answers.
    MsgResendAnsReq<'a>,
    /// Delay allowed for an HTTP response.
    HttpWait,
    /// Request to destroy the key.
    DestroyAuthKey,
    /// The key was destroyed.
    DestroyAuthKeyOk,
    /// The key did not exist.
    DestroyAuthKeyNone,
    /// The key was not destroyed.
    DestroyAuthKeyFail,
}

/// Reads the message inside a `msg_copy`.
///
/// # Errors
/// [`DecodeError`] if the body is not exactly one boxed message.
// spec: session 8.12
pub fn copied(body: &[u8]) -> Result<InnerMessage<'_>, DecodeError> {
    use field::Field;

    let mut d = Decoder::new(body);
    d.expect_id(MSG_COPY, "msg_copy")?;
    d.expect_id(MESSAGE, "message")?;
    let (msg_id, seq_no) = (Field::read(&mut d)?, Field::read(&mut d)?);
    let len: u32 = d.read()?;
    let body = d.take(usize::try_from(len).unwrap_or(usize::MAX))?;
    d.finish()?;
    Ok(InnerMessage { msg_id, seq_no, body })
}

impl<'a> RpcError<'a> {
    /// Reads a boxed `rpc_error`.
    ///
    /// # Errors
    /// [`DecodeError`] if the body is not exactly one `rpc_error`.
    // spec: session 8.2
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(body);
        d.expect_id(RPC_ERROR, "rpc_error")?;
        let (code, message) = (d.read()?, d.string()?);
        d.finish()?;
        Ok(Self::from_wire(code, message))
    }
}

impl Encode for RpcError<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        RPC_ERROR.encode(out);
        self.code().encode(out);
        out.put_string(self.message().as_bytes());
    }
}

/// Result of `rpc_drop_answer`, inside `rpc_result`.
// spec: session 8.3
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropAnswer {
    /// The call is unknown.
    Unknown(RpcAnswerUnknown),
    /// The call is running; its answer will be dropped.
    Running(RpcAnswerDroppedRunning),
    /// The answer was dropped.
    Dropped(RpcAnswerDropped),
}

impl DropAnswer {
    /// Reads the content of an `rpc_result`; `None` if it is something else.
    #[must_use]
    pub fn parse(result: &[u8]) -> Option<Self> {
        match Decoder::new(result).peek_id()? {
            RpcAnswerUnknown::ID => RpcAnswerUnknown::from_bytes(result).ok().map(Self::Unknown),
            RpcAnswerDroppedRunning::ID => {
                RpcAnswerDroppedRunning::from_bytes(result).ok().map(Self::Running)
            }
            RpcAnswerDropped::ID => RpcAnswerDropped::from_bytes(result).ok().map(Self::Dropped),
            _ => None,
        }
    }
}
