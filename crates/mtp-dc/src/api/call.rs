//! A call on its way in: who makes it, what it says, and how it may fail.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_session::server::SessionName;
use mtp_tl::{ConstructorId, DecodeError, Decoder, Encode, Flags, Output, TlStr};

use super::account::UserId;
use super::layers::Layer;

/// Who makes a call.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all that the API knows of a caller")]
pub struct Caller {
    /// The session, to which updates are sent.
    pub session: SessionName,
    /// The permanent key, to which logins are bound.
    // spec: crypto 11.1
    pub identity: AuthKeyId,
    /// The layer that the client speaks, if it said so.
    pub layer: Option<i32>,
    /// The call was wrapped in `invokeWithoutUpdates`.
    // spec: session 9
    pub without_updates: bool,
}

/// A call together with all that is known of its circumstances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) now: Now,
    pub(super) caller: Caller,
    pub(super) layer: Layer,
    /// Who is logged in with the caller's key.
    pub(super) user: Option<UserId>,
}

impl Call {
    /// Reports whether the client speaks a layer whose objects are not written.
    pub(super) fn is_too_old(&self) -> bool {
        self.caller.layer.is_some_and(Layer::is_too_old)
    }

    /// Returns the user, for methods that need one.
    pub(super) fn user(&self) -> Result<UserId, Fault> {
        self.user.ok_or_else(Fault::unregistered)
    }
}

/// A boxed result, or why there is none.
pub(super) type Reply = Result<Vec<u8>, Fault>;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its arguments cannot be read: to the client that is a method nobody knows.
    // spec: session 10
    Unreadable,
    /// Anything else.
    Error(RpcError),
}

impl Fault {
    pub(super) fn new(code: i32, message: &str) -> Self {
        Self::Error(RpcError::new(code, message))
    }

    /// Nobody is logged in with this key.
    pub(super) fn unregistered() -> Self {
        Self::new(401, "AUTH_KEY_UNREGISTERED")
    }

    /// `FLOOD_WAIT_n`, in whole seconds.
    // spec: session 10
    pub(super) fn flood(wait: Duration) -> Self {
        let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
        Self::Error(RpcError { code: 420, message: alloc::format!("FLOOD_WAIT_{seconds}") })
    }
}

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Self {
        Self::Unreadable
    }
}

/// What `rpc_error` carries.
// spec: session 8.2
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RpcError {
    /// Like a status of HTTP.
    pub code: i32,
    /// Capitals, digits and underscores.
    pub message: String,
}

impl RpcError {
    /// Makes an error of this code and text.
    #[must_use]
    pub fn new(code: i32, message: &str) -> Self {
        Self { code, message: message.into() }
    }

    /// The answer to a method nobody knows: `INPUT_METHOD_INVALID_<id>_<layer>`.
    // spec: session 10
    #[must_use]
    pub fn unknown_method(id: u32, layer: Option<i32>) -> Self {
        let layer = layer.unwrap_or_default();
        Self { code: 400, message: alloc::format!("INPUT_METHOD_INVALID_{id}_{layer}") }
    }
}

impl Encode for RpcError {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        RPC_ERROR.encode(out);
        self.code.encode(out);
        TlStr::from(self.message.as_str()).encode(out);
    }
}

/// Ends the reading of arguments: nothing may be left.
pub(super) const fn end(d: &Decoder<'_>) -> Result<(), Fault> {
    if d.remaining() == 0 { Ok(()) } else { Err(Fault::Unreadable) }
}

/// Reads a text, which has to be UTF-8.
pub(super) fn text<'a>(d: &mut Decoder<'a>) -> Result<&'a str, Fault> {
    core::str::from_utf8(d.string()?).map_err(|_| Fault::new(400, "INPUT_TEXT_NOT_UTF8"))
}

/// What an `InputUser` or an `InputPeer` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Whoever is logged in.
    Myself,
    /// A user, with what proves that the client has met them.
    User { id: UserId, access_hash: i64 },
    /// Nobody, or something that is not a user: groups and channels do not exist here.
    Nobody,
}

impl Named {
    /// Reads an `InputUser` or an `InputPeer`: their ids are distinct.
    pub(super) fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let id = d.id()?;
        Ok(match id.get() {
            INPUT_USER_SELF | INPUT_PEER_SELF => Self::Myself,
            INPUT_USER | INPUT_PEER_USER => {
                Self::User { id: UserId::new(d.read()?), access_hash: d.read()? }
            }
            INPUT_USER_EMPTY | INPUT_PEER_EMPTY => Self::Nobody,
            INPUT_PEER_CHAT => {
                d.read::<i64>()?;
                Self::Nobody
            }
            INPUT_PEER_CHANNEL => {
                d.array::<16>()?;
                Self::Nobody
            }
            // "…FromMessage" names a user by a message in a group, and groups do not exist here.
            _ => return Err(d.unexpected(id, "InputPeer")),
        })
    }
}

/// Steps over an `InputReplyTo`: in all layers the fields read here come first, and what follows
/// them hangs on flags. A quote with formatting is not stepped over.
pub(super) fn skip_reply_to(d: &mut Decoder<'_>) -> Result<(), Fault> {
    match d.id()?.get() {
        0x9c53_86e4 | 0x22c0_f6d5 | 0xb070_38b0 | 0x869f_be10 | 0x3bd4_b7c2 => {}
        _ => return Err(Fault::new(400, "REPLY_TO_INVALID")),
    }
    let flags: Flags = d.read()?;
    d.read::<i32>()?;
    d.optional::<i32>(flags, 0)?;
    if flags.has(1) {
        Named::read(d)?;
    }
    if flags.has(2) {
        d.string()?;
    }
    if flags.has(3) {
        return Err(Fault::new(400, "QUOTE_TEXT_INVALID"));
    }
    d.optional::<i32>(flags, 4)?;
    if flags.has(5) {
        Named::read(d)?;
    }
    d.optional::<i32>(flags, 6)?;
    if flags.has(7) {
        d.string()?;
    }
    Ok(())
}

/// Reads the id of a vector and its count, for items of at least that many bytes.
pub(super) fn vector(
    d: &mut Decoder<'_>,
    item_len_min: usize,
    count_max: usize,
) -> Result<usize, Fault> {
    d.expect_id(mtp_tl::vector::VECTOR, "Vector")?;
    let count = d.count(item_len_min)?;
    if count > count_max { Err(Fault::new(400, "LIMIT_INVALID")) } else { Ok(count) }
}

/// Seconds as the API writes them: 32 bits, the last second there is when they do not suffice.
pub(super) fn seconds(seconds: u64) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// Names a constructor without fields.
pub(super) const fn bare(id: u32) -> ConstructorId {
    ConstructorId::new(id)
}

const RPC_ERROR: u32 = 0x2144_ca19;

const INPUT_USER_EMPTY: u32 = 0xb988_86cf;
const INPUT_USER_SELF: u32 = 0xf7c1_b13f;
const INPUT_USER: u32 = 0xf211_58c6;
const INPUT_PEER_EMPTY: u32 = 0x7f3b_18ea;
const INPUT_PEER_SELF: u32 = 0x7da0_7ec9;
const INPUT_PEER_USER: u32 = 0xdde8_a54c;
const INPUT_PEER_CHAT: u32 = 0x35a9_5cb9;
const INPUT_PEER_CHANNEL: u32 = 0x27bc_bbfc;
