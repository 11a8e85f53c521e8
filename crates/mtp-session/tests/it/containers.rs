//! Malformed containers.
//!
//! Goal: each fault has its own error, and neither count nor length leads to an allocation. Method: hand-written
//! containers with one fault each.

use mtp_crypto::{MsgId, SeqNo};
use mtp_session::service::{CONTAINER_MESSAGES_MAX as COUNT_MAX, Container, ContainerError};

/// A constructor without fields.
const BODY: [u8; 4] = [7, 0, 0, 0];

fn id(number: u64) -> MsgId {
    MsgId::from_raw(number * 4)
}

/// One message with its declared length.
fn message(number: u64, len: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = id(number).to_le_bytes().to_vec();
    bytes.extend(1_i32.to_le_bytes());
    bytes.extend(len.to_le_bytes());
    bytes.extend(body);
    bytes
}

fn container(count: u32, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = 0x73f1_f8dc_u32.to_le_bytes().to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(messages.concat());
    bytes
}

fn parse(bytes: &[u8]) -> Result<usize, ContainerError> {
    let container = Container::parse(id(100), SeqNo::from_raw(2), bytes)?;
    Ok(container.iter().count())
}

// spec: session 8.11
#[test]
fn member_length_must_be_a_positive_multiple_of_four() {
    for len in [0, 1, 2, 3, 5, 6, 7, -1, -4, i32::MIN] {
        let body = [0; 8];
        let bytes = container(1, &[message(1, len, &body)]);
        assert_eq!(parse(&bytes), Err(ContainerError::Length { inner: id(1), len }));
    }
    assert_eq!(parse(&container(1, &[message(1, 4, &BODY)])), Ok(1));
    assert_eq!(parse(&container(1, &[message(1, 8, &BODY)])), Err(ContainerError::Truncated));
}

// spec: session 8.11
#[test]
fn count_larger_than_the_bytes_is_reported_as_truncated() {
    let two = [message(1, 4, &BODY), message(2, 4, &BODY)];
    assert_eq!(parse(&container(2, &two)), Ok(2));
    for count in [3, COUNT_MAX, COUNT_MAX + 1, u32::MAX] {
        assert_eq!(parse(&container(count, &two)), Err(ContainerError::Truncated), "{count}");
    }
    assert_eq!(parse(&container(1, &two)), Err(ContainerError::TrailingBytes { len: 20 }));
}

#[test]
fn count_above_the_limit_is_reported_when_the_bytes_could_hold_it() {
    let shortest = 20;
    let room = |count: u32| vec![0; count as usize * shortest];
    let count = COUNT_MAX + 1;
    let refused = ContainerError::TooMany { count };
    assert_eq!(parse(&container(count, &[room(count)])), Err(refused));
    assert_eq!(parse(&container(count, &[room(count - 1)])), Err(ContainerError::Truncated));
}

// spec: session 8.11
#[test]
fn repeated_member_id_is_rejected_in_any_order() {
    let of = |numbers: &[u64]| {
        let messages: Vec<_> = numbers.iter().map(|number| message(*number, 4, &BODY)).collect();
        parse(&container(u32::try_from(numbers.len()).unwrap(), &messages))
    };
    assert_eq!(of(&[3, 1, 2]), Ok(3));
    for twice in [[5, 5, 6], [5, 6, 5], [6, 5, 5]] {
        assert_eq!(of(&twice), Err(ContainerError::Repeated { inner: id(5) }), "{twice:?}");
    }
    assert_eq!(of(&[1, 100]), Err(ContainerError::Order { inner: id(100) }));
}

#[test]
fn ordered_members_are_checked_without_allocating() {
    let messages: Vec<_> = (1..=50).map(|number| message(number, 4, &BODY)).collect();
    let bytes = container(50, &messages);
    let mut outcome = Ok(0);
    let allocated = allocation_counter::measure(|| outcome = parse(&bytes));
    assert_eq!((outcome, allocated.count_total), (Ok(50), 0));
}

#[test]
fn container_errors_state_what_was_found() {
    let inner = id(1);
    for (fault, expected) in [
        (ContainerError::NotAContainer, "not a container"),
        (ContainerError::Truncated, "do not fit"),
        (ContainerError::TooMany { count: 1025 }, "1025 messages"),
        (ContainerError::Length { inner, len: -4 }, "length -4"),
        (ContainerError::Order { inner }, "not older"),
        (ContainerError::Nested { inner }, "is a container in"),
        (ContainerError::Repeated { inner }, "twice"),
        (ContainerError::TrailingBytes { len: 20 }, "20 bytes after"),
    ] {
        assert!(fault.to_string().contains(expected), "{fault}");
    }
}
