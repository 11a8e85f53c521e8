//! Several messages in one.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{MsgId, SeqNo};
use mtp_tl::ConstructorId;

use super::MSG_CONTAINER;

/// A container whose rules have been checked: its messages can be taken one by one.
// spec: session 8.11
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    messages: &'a [u8],
}

/// One message of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
pub struct InnerMessage<'a> {
    /// Its id, below the container's.
    pub msg_id: MsgId,
    /// Its number, not above the container's.
    pub seq_no: SeqNo,
    /// One boxed object.
    pub body: &'a [u8],
}

impl<'a> Container<'a> {
    /// Checks the body of a container that came as message `msg_id` with number `seq_no`.
    ///
    /// Nothing is allocated from the declared count, and nothing at all unless ids are out of order.
    ///
    /// # Errors
    /// [`ContainerError`]; a server answers with error 64, a client closes the link.
    pub fn parse(msg_id: MsgId, seq_no: SeqNo, body: &'a [u8]) -> Result<Self, ContainerError> {
        let (head, messages) = body.split_first_chunk::<8>().ok_or(ContainerError::CutShort)?;
        let [a, b, c, d, count @ ..] = *head;
        if ConstructorId::new(u32::from_le_bytes([a, b, c, d])) != MSG_CONTAINER {
            return Err(ContainerError::NotAContainer);
        }
        let count = u32::from_le_bytes(count);
        let possible = messages.len() / INNER_LEN_MIN;
        if usize::try_from(count).map_or(true, |count| count > possible) {
            return Err(ContainerError::CutShort);
        }
        if count > COUNT_MAX {
            return Err(ContainerError::TooMany { count });
        }
        let container = Self { messages };
        container.check(msg_id, seq_no, count)?;
        Ok(container)
    }

    fn check(self, msg_id: MsgId, seq_no: SeqNo, count: u32) -> Result<(), ContainerError> {
        let mut rest = self.messages;
        let mut previous = None;
        let mut ascending = true;
        for _ in 0..count {
            let inner = take_message(&mut rest)?;
            if inner.msg_id >= msg_id || inner.seq_no > seq_no {
                return Err(ContainerError::Order { inner: inner.msg_id });
            }
            if inner.body.starts_with(&MSG_CONTAINER.get().to_le_bytes()) {
                return Err(ContainerError::Nested { inner: inner.msg_id });
            }
            ascending &= previous < Some(inner.msg_id);
            previous = Some(inner.msg_id);
        }
        if !rest.is_empty() {
            return Err(ContainerError::LeftOver { len: rest.len() });
        }
        if ascending { Ok(()) } else { self.check_distinct() }
    }

    fn check_distinct(self) -> Result<(), ContainerError> {
        let mut ids: Vec<MsgId> = self.iter().map(|inner| inner.msg_id).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).find(|pair| pair.first() == pair.last());
        match twice.and_then(<[MsgId]>::first) {
            Some(&inner) => Err(ContainerError::Repeated { inner }),
            None => Ok(()),
        }
    }

    /// Returns the messages in their order.
    pub fn iter(self) -> impl Iterator<Item = InnerMessage<'a>> {
        let mut rest = self.messages;
        core::iter::from_fn(move || take_message(&mut rest).ok())
    }
}

/// Why a container is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContainerError {
    /// The body is something else.
    NotAContainer,
    /// The count, or a message, needs more bytes than there are.
    CutShort,
    /// More messages than allowed.
    TooMany {
        /// The declared count.
        count: u32,
    },
    /// A message's length is negative, zero or not a multiple of four.
    Length {
        /// The message.
        inner: MsgId,
        /// The declared length.
        len: i32,
    },
    /// A message's id or number is not below the container's.
    Order {
        /// The message.
        inner: MsgId,
    },
    /// A message is a container.
    Nested {
        /// The message.
        inner: MsgId,
    },
    /// Two messages have one id.
    Repeated {
        /// The message.
        inner: MsgId,
    },
    /// Bytes follow the last message.
    LeftOver {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAContainer => f.write_str("not a container"),
            Self::CutShort => f.write_str("the container's messages do not fit its body"),
            Self::TooMany { count } => {
                write!(f, "{count} messages in a container, {COUNT_MAX} allowed")
            }
            Self::Length { inner, len } => write!(f, "{inner:?} in a container has length {len}"),
            Self::Order { inner } => write!(f, "{inner:?} in a container is not older than it"),
            Self::Nested { inner } => write!(f, "{inner:?} in a container is a container"),
            Self::Repeated { inner } => write!(f, "{inner:?} stands twice in a container"),
            Self::LeftOver { len } => write!(f, "{len} bytes after a container's last message"),
        }
    }
}

impl core::error::Error for ContainerError {}

/// The most messages a container may hold when it is received.
// spec: session 8.11
pub const COUNT_MAX: u32 = 1024;
/// Bytes of a container before its messages: the id and the count.
pub const CONTAINER_HEADER_LEN: usize = 8;
/// Bytes of a message before its body: id, number, length.
pub const INNER_HEADER_LEN: usize = 16;
/// The shortest message: a header and a constructor without fields.
const INNER_LEN_MIN: usize = INNER_HEADER_LEN + 4;

fn take_message<'a>(rest: &mut &'a [u8]) -> Result<InnerMessage<'a>, ContainerError> {
    let (msg_id, after) = rest.split_first_chunk().ok_or(ContainerError::CutShort)?;
    let (seq_no, after) = after.split_first_chunk().ok_or(ContainerError::CutShort)?;
    let (len, after) = after.split_first_chunk().ok_or(ContainerError::CutShort)?;
    let (msg_id, seq_no) = (MsgId::from_le_bytes(*msg_id), SeqNo::from_le_bytes(*seq_no));
    let len = i32::from_le_bytes(*len);
    let valid = usize::try_from(len).ok().filter(|len| *len > 0 && len % 4 == 0);
    let valid = valid.ok_or(ContainerError::Length { inner: msg_id, len })?;
    let (body, after) = after.split_at_checked(valid).ok_or(ContainerError::CutShort)?;
    *rest = after;
    Ok(InnerMessage { msg_id, seq_no, body })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::service::{GzipPacked, Message};
    use crate::vectors;

    // spec: session 8.11
    // spec: session 5.2#7
    #[test]
    fn containers_and_their_faults() {
        let section = vectors::whole("containers");
        assert_eq!(section.number("max_messages_accepted"), u64::from(COUNT_MAX));
        assert_eq!(section.number("header_bytes"), CONTAINER_HEADER_LEN as u64);
        assert_eq!(section.number("per_message_overhead"), INNER_HEADER_LEN as u64);
        let cases = section.entries("cases");
        assert_eq!(cases.len(), 15);
        for case in cases {
            let body = case.bytes("body");
            let msg_id = MsgId::from_raw(case.number("container_msg_id"));
            let seq_no = i32::try_from(case.signed("container_seqno")).unwrap();
            let parsed = Container::parse(msg_id, SeqNo::from_raw(seq_no), &body);
            assert_eq!(parsed.is_err(), case.text("verdict") == "error 64", "{case:?}");
            if let (Ok(container), true) = (parsed, case.has("inner")) {
                let inner = case.entries("inner");
                assert_eq!(container.iter().count(), inner.len());
                for (message, expected) in container.iter().zip(inner) {
                    assert_eq!(message.msg_id.as_raw(), expected.at(0).as_number());
                    assert_eq!(i64::from(message.seq_no.as_raw()), expected.at(1).as_signed());
                    assert_eq!(message.body, vectors::unhex(expected.at(2).as_text()));
                }
            }
            if case.text("case") == "gzip inside the container" {
                let inner = parsed.unwrap().iter().next().unwrap();
                assert!(matches!(
                    Message::parse(inner.body),
                    Ok(Message::GzipPacked(GzipPacked { .. }))
                ));
            }
        }
    }

    fn container(count: u32, lens: impl Iterator<Item = usize>) -> Vec<u8> {
        let mut body = MSG_CONTAINER.get().to_le_bytes().to_vec();
        body.extend(count.to_le_bytes());
        for (position, len) in lens.enumerate() {
            body.extend((position as u64 * 4).to_le_bytes());
            body.extend(0_u32.to_le_bytes());
            body.extend(u32::try_from(len).unwrap().to_le_bytes());
            body.extend(vec![0; len]);
        }
        body
    }

    // spec: session 8.11
    #[test]
    fn the_count_has_a_limit() {
        for (count, fits) in [(COUNT_MAX, true), (COUNT_MAX + 1, false)] {
            let body = container(count, (0..count).map(|_| 4));
            let parsed = Container::parse(MsgId::from_raw(1 << 40), SeqNo::from_raw(0), &body);
            assert_eq!(parsed.is_ok(), fits);
        }
    }
}
