//! Containers.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{MsgId, SeqNo};
use mtp_tl::ConstructorId;

use super::MSG_CONTAINER;

/// A checked container.
// spec: session 8.11
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    messages: &'a [u8],
}

/// One message of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
pub struct InnerMessage<'a> {
    /// Message id, less than the container's.
    pub msg_id: MsgId,
    /// Sequence number, at most the container's.
    pub seq_no: SeqNo,
    /// One boxed object.
    pub body: &'a [u8],
}

impl<'a> Container<'a> {
    /// Checks the body of the container with id `msg_id` and sequence number `seq_no`.
    ///
    /// The declared count causes no allocation; only ids out of order do.
    ///
    /// # Errors
    /// [`ContainerError`]; a server answers with code 64, a client closes the link.
    pub fn parse(msg_id: MsgId, seq_no: SeqNo, body: &'a [u8]) -> Result<Self, ContainerError> {
        let (head, messages) = body.split_first_chunk::<8>().ok_or(ContainerError::Truncated)?;
        let [a, b, c, d, count @ ..] = *head;
        if ConstructorId::new(u32::from_le_bytes([a, b, c, d])) != MSG_CONTAINER {
            return Err(ContainerError::NotAContainer);
        }
        let count = u32::from_le_bytes(count);
        let possible = messages.len() / INNER_LEN_MIN;
        if usize::try_from(count).map_or(true, |count| count > possible) {
            return Err(ContainerError::Truncated);
        }
        if count > CONTAINER_MESSAGES_MAX {
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
            return Err(ContainerError::TrailingBytes { len: rest.len() });
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

    /// Returns the messages in order.
    pub fn iter(self) -> impl Iterator<Item = InnerMessage<'a>> {
        let mut rest = self.messages;
        core::iter::from_fn(move || take_message(&mut rest).ok())
    }
}

/// Errors for which a container is rejected as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContainerError {
    /// The body is not a container.
    NotAContainer,
    /// The count or a message needs more bytes than the body has.
    Truncated,
    /// The container has too many messages.
    TooMany {
        /// Declared count.
        count: u32,
    },
    /// The length of a message is not a positive multiple of four.
    Length {
        /// Id of the message.
        inner: MsgId,
        /// Declared length.
        len: i32,
    },
    /// The id or sequence number of a message is not less than the container's.
    Order {
        /// Id of the message.
        inner: MsgId,
    },
    /// A message is itself a container.
    Nested {
        /// Id of the message.
        inner: MsgId,
    },
    /// Two messages have the same id.
    Repeated {
        /// Id of the message.
        inner: MsgId,
    },
    /// Bytes follow the last message.
    TrailingBytes {
        /// Number of bytes.
        len: usize,
    },
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAContainer => f.write_str("not a container"),
            Self::Truncated => f.write_str("messages do not fit the container's body"),
            Self::TooMany { count } => {
                write!(f, "{count} messages in a container, {CONTAINER_MESSAGES_MAX} allowed")
            }
            Self::Length { inner, len } => write!(f, "{inner:?} in a container has length {len}"),
            Self::Order { inner } => write!(f, "{inner:?} is not older than its container"),
            Self::Nested { inner } => write!(f, "{inner:?} is a container in a container"),
            Self::Repeated { inner } => write!(f, "{inner:?} occurs twice in a container"),
            Self::TrailingBytes { len } => {
                write!(f, "{len} bytes after the last message of a container")
            }
        }
    }
}

impl core::error::Error for ContainerError {}

/// Maximum number of messages in a received container.
// spec: session 8.11
pub const CONTAINER_MESSAGES_MAX: u32 = 1024;
/// Length of a container's header: constructor id and count.
pub const CONTAINER_HEADER_LEN: usize = 8;
/// Length of a message's header: id, sequence number, length.
pub const INNER_HEADER_LEN: usize = 16;
/// Minimum length of a message: a header and a constructor without fields.
const INNER_LEN_MIN: usize = INNER_HEADER_LEN + 4;

fn take_message<'a>(rest: &mut &'a [u8]) -> Result<InnerMessage<'a>, ContainerError> {
    let (msg_id, after) = rest.split_first_chunk().ok_or(ContainerError::Truncated)?;
    let (seq_no, after) = after.split_first_chunk().ok_or(ContainerError::Truncated)?;
    let (len, after) = after.split_first_chunk().ok_or(ContainerError::Truncated)?;
    let (msg_id, seq_no) = (MsgId::from_le_bytes(*msg_id), SeqNo::from_le_bytes(*seq_no));
    let len = i32::from_le_bytes(*len);
    let valid = usize::try_from(len).ok().filter(|len| *len > 0 && len % 4 == 0);
    let valid = valid.ok_or(ContainerError::Length { inner: msg_id, len })?;
    let (body, after) = after.split_at_checked(valid).ok_or(ContainerError::Truncated)?;
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
    fn containers_of_the_vectors_are_accepted_or_rejected() {
        let section = vectors::whole("containers");
        assert_eq!(section.number("max_messages_accepted"), u64::from(CONTAINER_MESSAGES_MAX));
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
    fn count_is_limited() {
        for (count, fits) in [(CONTAINER_MESSAGES_MAX, true), (CONTAINER_MESSAGES_MAX + 1, false)] {
            let body = container(count, (0..count).map(|_| 4));
            let parsed = Container::parse(MsgId::from_raw(1 << 40), SeqNo::from_raw(0), &body);
            assert_eq!(parsed.is_ok(), fits);
        }
    }
}
