//! A call: its circumstances, its arguments, and the errors it may end with.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_session::server::SessionName;
use mtp_tl::{ConstructorId, DecodeError, Decoder, Flags};

use crate::ids::constructors;
use crate::layers::Layer;
use mtp_server::{Network, UserId};

/// The caller of a method.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all that the API knows of a caller")]
pub struct CallContext {
    /// The session, to which updates are sent.
    pub session: SessionName,
    /// The permanent key, to which logins are bound.
    // spec: crypto 11.1
    pub identity: AuthKeyId,
    /// The client's layer of the API, if it is known.
    pub layer: Option<i32>,
    /// The call was wrapped in `invokeWithoutUpdates`.
    // spec: session 9
    pub without_updates: bool,
    /// The client's address, if it is known. Guesses and look-ups are limited for each network.
    pub address: Option<IpAddr>,
}

/// A call's circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) now: Now,
    pub(crate) caller: CallContext,
    pub(crate) layer: Layer,
    /// The user who is logged in with the caller's key.
    pub(crate) user: Option<UserId>,
}

impl Call {
    /// Returns `true` if the client's layer is older than the oldest that answers are written in.
    pub(crate) fn is_too_old(&self) -> bool {
        self.caller.layer.is_some_and(Layer::is_too_old)
    }

    /// Returns the network that guesses and look-ups are charged to.
    pub(crate) fn network(&self) -> Option<Network> {
        self.caller.address.map(Network::site)
    }

    /// Returns the user, for methods that require a login.
    pub(crate) fn user(&self) -> Result<UserId, Fault> {
        self.user.ok_or_else(Fault::unregistered)
    }
}

/// A boxed result, or the reason there is none.
pub(crate) type Reply = Result<Vec<u8>, Fault>;

/// The reason a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its arguments cannot be decoded: the client gets the error for an unknown method.
    // spec: session 10
    Unreadable,
    /// Anything else: code and text of an `rpc_error`.
    Error(i32, Cow<'static, str>),
}

impl Fault {
    pub(crate) fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(code, message.into())
    }

    /// No user is logged in with this key.
    pub(crate) fn unregistered() -> Self {
        Self::new(401, "AUTH_KEY_UNREGISTERED")
    }

    /// `FLOOD_WAIT_n`, in whole seconds.
    // spec: session 10
    pub(crate) fn flood(wait: Duration) -> Self {
        let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
        Self::new(420, alloc::format!("FLOOD_WAIT_{seconds}"))
    }
}

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Self {
        Self::Unreadable
    }
}

/// Checks that no bytes follow the arguments.
pub(crate) const fn end(d: &Decoder<'_>) -> Result<(), Fault> {
    if d.remaining() == 0 { Ok(()) } else { Err(Fault::Unreadable) }
}

/// Reads a text, which must be UTF-8.
pub(crate) fn text<'a>(d: &mut Decoder<'a>) -> Result<&'a str, Fault> {
    core::str::from_utf8(d.string()?).map_err(|_| Fault::new(400, "INPUT_TEXT_NOT_UTF8"))
}

/// Reads a phone number: 5 to 15 digits with any punctuation.
pub(crate) fn phone(d: &mut Decoder<'_>) -> Result<String, Fault> {
    let written = d.string()?;
    let invalid = || Fault::new(400, "PHONE_NUMBER_INVALID");
    if written.len() > PHONE_WRITTEN_MAX {
        return Err(invalid());
    }
    let mut phone = String::new();
    for byte in written {
        match byte {
            b'0'..=b'9' => phone.push(char::from(*byte)),
            b'+' | b' ' | b'-' | b'(' | b')' => {}
            _ => return Err(invalid()),
        }
    }
    if PHONE_DIGITS.contains(&phone.len()) { Ok(phone) } else { Err(invalid()) }
}

/// The user that an `InputUser` or an `InputPeer` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The caller.
    Myself,
    /// A user, with the proof that the client has seen them.
    User { id: UserId, access_hash: i64 },
    /// No user: groups and channels do not exist here.
    Unknown,
}

impl Named {
    /// Reads an `InputUser` or an `InputPeer`; their ids are distinct.
    pub(crate) fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let id = d.id()?;
        Ok(match id.get() {
            constructors::INPUT_USER_SELF | constructors::INPUT_PEER_SELF => Self::Myself,
            constructors::INPUT_USER | constructors::INPUT_PEER_USER => {
                Self::User { id: UserId::new(d.read()?), access_hash: d.read()? }
            }
            constructors::INPUT_USER_EMPTY | constructors::INPUT_PEER_EMPTY => Self::Unknown,
            constructors::INPUT_PEER_CHAT => {
                d.read::<i64>()?;
                Self::Unknown
            }
            constructors::INPUT_PEER_CHANNEL => {
                d.array::<16>()?;
                Self::Unknown
            }
            // "…FromMessage" names a user by a message in a group; groups do not exist here.
            _ => return Err(d.unexpected(id, "InputPeer")),
        })
    }
}

/// Skips an `InputReplyTo`. In all layers the fields read here come first, and later ones depend on
/// flags. A quote with formatting is not skipped but refused.
pub(crate) fn skip_reply_to(d: &mut Decoder<'_>) -> Result<(), Fault> {
    match d.id()?.get() {
        constructors::INPUT_REPLY_TO_MESSAGE => {}
        id if INPUT_REPLY_TO_MESSAGE_EARLIER.contains(&id) => {}
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
pub(crate) fn vector(
    d: &mut Decoder<'_>,
    item_len_min: usize,
    count_max: usize,
) -> Result<usize, Fault> {
    d.expect_id(mtp_tl::VECTOR, "Vector")?;
    let count = d.count(item_len_min)?;
    if count > count_max { Err(Fault::new(400, "LIMIT_INVALID")) } else { Ok(count) }
}

/// Converts seconds to the API's 32 bits, saturating.
pub(crate) fn seconds(seconds: u64) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// Returns the id as a [`ConstructorId`].
pub(crate) const fn bare(id: u32) -> ConstructorId {
    ConstructorId::new(id)
}

/// `inputReplyToMessage` in the layers from 160 on.
const INPUT_REPLY_TO_MESSAGE_EARLIER: [u32; 4] =
    [0x9c53_86e4, 0x22c0_f6d5, 0xb070_38b0, 0x869f_be10];
/// Bytes of a phone number with punctuation.
const PHONE_WRITTEN_MAX: usize = 32;
/// Digits of a phone number.
const PHONE_DIGITS: core::ops::RangeInclusive<usize> = 5..=15;
