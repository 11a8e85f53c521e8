//! The vocabulary of the session layer: every service message, read and written.
//!
//! [`Message::parse`] reads any body; what is not a service message is an [`Message::Object`], which
//! is an update to a client and a call to a server. Reading borrows, allocates nothing except for
//! [`FutureSalts`], and refuses trailing bytes.
//!
//! | module | idea |
//! |---|---|
//! | [`messages`] | one struct for each constructor |
//! | [`container`] | several messages in one, checked |
//! | [`message_state`] | the byte by which a side says what it knows of a message |
//! | [`rpc_error`] | errors of calls, and what they ask of the caller |
//! | [`wrappers`] | what stands around calls |

pub mod container;
mod field;
mod future_salts;
pub mod message_state;
pub mod messages;
mod msg_ids;
pub mod rpc_error;
#[cfg(test)]
mod tests;
pub mod wrappers;

use mtp_tl::{Constructor, ConstructorId, Decode, DecodeError, Decoder, Encode, Output};

pub use container::{Container, ContainerError, InnerMessage};
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
/// `message`: stands before a message only within [`MSG_COPY`].
pub const MESSAGE: ConstructorId = ConstructorId::new(0x5bb8_e511);
/// `rpc_error`
pub const RPC_ERROR: ConstructorId = ConstructorId::new(0x2144_ca19);

macro_rules! vocabulary {
    ($($(#[$meta:meta])* $name:ident $(<$life:lifetime>)?,)*) => {
        /// A message's body, read.
        ///
        /// [`Message::Container`] and [`Message::Copy`] are only recognised: their rules depend on
        /// the message around them.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Message<'a> {
            $($(#[$meta])* $name($name $(<$life>)?),)*
            /// `msg_container`; see [`Container::parse`].
            Container(&'a [u8]),
            /// `msg_copy`; see [`copied`].
            Copy(&'a [u8]),
            /// Anything else: an update, or a call.
            Object(&'a [u8]),
        }

        impl<'a> Message<'a> {
            /// Reads a message's body.
            ///
            /// # Errors
            /// A service message is cut short, followed by more bytes, or lists too many ids.
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
    /// The answer to a call.
    RpcResult<'a>,
    /// The client does not want an answer.
    RpcDropAnswer,
    /// The client wants salts.
    GetFutureSalts,
    /// Salts for the time to come.
    FutureSalts,
    /// Answer this.
    Ping,
    /// A ping's answer.
    Pong,
    /// Answer this, and close the link if no other comes.
    PingDelayDisconnect,
    /// The client does not need another session any more.
    DestroySession,
    /// It is gone.
    DestroySessionOk,
    /// There was none.
    DestroySessionNone,
    /// The server began to keep the session.
    NewSessionCreated,
    /// An object, packed.
    GzipPacked<'a>,
    /// Messages arrived.
    MsgsAck<'a>,
    /// A message was not accepted.
    BadMsgNotification,
    /// A message's salt was not accepted.
    BadServerSalt,
    /// What became of messages?
    MsgsStateReq<'a>,
    /// This became of them.
    MsgsStateInfo<'a>,
    /// This became of messages nobody asked about.
    MsgsAllInfo<'a>,
    /// An answer is at hand.
    MsgDetailedInfo,
    /// A message is at hand.
    MsgNewDetailedInfo,
    /// Send messages again.
    MsgResendReq<'a>,
    /// Send answers again.
    MsgResendAnsReq<'a>,
    /// An HTTP server may hold its answer back.
    HttpWait,
    /// The client does not need the key any more.
    DestroyAuthKey,
    /// It is gone.
    DestroyAuthKeyOk,
    /// There was none.
    DestroyAuthKeyNone,
    /// It is not gone.
    DestroyAuthKeyFail,
}

/// Reads the message that a `msg_copy` holds.
///
/// # Errors
/// The body is not one whole boxed message.
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
    /// Reads an `rpc_error`, boxed.
    ///
    /// # Errors
    /// The body is something else, or not whole.
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

/// What a call to drop an answer is answered with, within `rpc_result`.
// spec: session 8.3
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropAnswer {
    /// Nothing is known of the call.
    Unknown(RpcAnswerUnknown),
    /// The call runs; its answer will be dropped.
    Running(RpcAnswerDroppedRunning),
    /// The answer was dropped.
    Dropped(RpcAnswerDropped),
}

impl DropAnswer {
    /// Reads the content of an `rpc_result`, `None` if it is something else.
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
