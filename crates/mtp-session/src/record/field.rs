//! Encoding of the fields of a log.

use alloc::vec::Vec;

use mtp_env::{Instant, Now, UnixTime};
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

use crate::client::{Priority, Repetition, RequestId, RequestOptions, Wrap};
use crate::link::{BatchLimits, LinkId};
use crate::session::LinkKind;

pub(super) fn put_time(now: Now, to: &mut Vec<u8>) {
    to.put(&now.mono.as_micros().to_le_bytes());
    to.put(&now.unix.as_nanos().to_le_bytes());
}

pub(super) fn read_time(d: &mut Decoder<'_>) -> Result<Now, DecodeError> {
    let mono = Instant::from_micros(long(d)?);
    Ok(Now { mono, unix: UnixTime::from_nanos(long(d)?) })
}

pub(super) fn put_options(options: &RequestOptions, to: &mut Vec<u8>) {
    let priority = match options.priority {
        Priority::High => 0_u32,
        Priority::Normal => 1,
        Priority::Low => 2,
    };
    let flags = [
        (options.repetition == Repetition::Once, ONCE),
        (options.quick_ack, QUICK_ACK),
        (options.pack, PACK),
        (options.wrap == Wrap::Never, BARE),
        (options.after.is_some(), AFTER),
    ];
    flags.iter().fold(priority, |bits, (is, flag)| bits | if *is { *flag } else { 0 }).encode(to);
    to.put(&options.after.map_or(0, RequestId::as_u64).to_le_bytes());
}

pub(super) fn read_options(d: &mut Decoder<'_>) -> Result<RequestOptions, DecodeError> {
    let flags: u32 = d.read()?;
    let after = RequestId::from_u64(long(d)?);
    let is = |flag: u32| flags & flag != 0;
    let mut options = RequestOptions::new().priority(match flags & 3 {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    });
    options.repetition = if is(ONCE) { Repetition::Once } else { Repetition::AtLeastOnce };
    options.wrap = if is(BARE) { Wrap::Never } else { Wrap::AsNeeded };
    (options.quick_ack, options.pack) = (is(QUICK_ACK), is(PACK));
    options.after = is(AFTER).then_some(after);
    Ok(options)
}

const ONCE: u32 = 1 << 2;
const QUICK_ACK: u32 = 1 << 3;
const PACK: u32 = 1 << 4;
const BARE: u32 = 1 << 5;
const AFTER: u32 = 1 << 6;

pub(super) fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.put(&(bytes.len() as u64).to_le_bytes());
    to.put(bytes);
}

pub(super) fn read_bytes<'a>(d: &mut Decoder<'a>) -> Result<&'a [u8], DecodeError> {
    let len = long(d)?;
    d.take(usize::try_from(len).unwrap_or(usize::MAX))
}

pub(super) fn put_link(link: LinkId, to: &mut Vec<u8>) {
    to.put(&link.as_u64().to_le_bytes());
}

pub(super) fn read_link(d: &mut Decoder<'_>) -> Result<LinkId, DecodeError> {
    Ok(LinkId::new(long(d)?))
}

pub(super) fn is_set(d: &mut Decoder<'_>) -> Result<bool, DecodeError> {
    Ok(d.read::<u32>()? != 0)
}

pub(super) fn long(d: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    d.array().map(|bytes| u64::from_le_bytes(*bytes))
}

pub(super) fn put_kind(kind: LinkKind, to: &mut Vec<u8>) {
    match kind {
        LinkKind::Stream => 0_u32,
        LinkKind::Http => 1,
        LinkKind::HttpPoll => 2,
    }
    .encode(to);
}

pub(super) fn read_kind(d: &mut Decoder<'_>) -> Result<Option<LinkKind>, DecodeError> {
    Ok(match d.read()? {
        0_u32 => Some(LinkKind::Stream),
        1 => Some(LinkKind::Http),
        2 => Some(LinkKind::HttpPoll),
        _ => None,
    })
}

/// Bytes written by one call, as length and checksum, for comparison with a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a length and a checksum")]
pub struct Written {
    /// Number of bytes.
    pub len: u64,
    /// 64-bit FNV-1a hash of the bytes; it detects divergence, not tampering.
    pub sum: u64,
}

impl Written {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        Self { len: bytes.len() as u64, sum: bytes.iter().fold(FNV_START, step) }
    }

    pub(super) fn put(self, to: &mut Vec<u8>) {
        to.put(&self.len.to_le_bytes());
        to.put(&self.sum.to_le_bytes());
    }

    pub(super) fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self { len: long(d)?, sum: long(d)? })
    }
}

impl BatchLimits {
    pub(super) fn put(self, to: &mut Vec<u8>) {
        to.put(&(self.packets as u64).to_le_bytes());
        to.put(&(self.bytes as u64).to_le_bytes());
    }

    pub(super) fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut number = || Ok(usize::try_from(long(d)?).unwrap_or(usize::MAX));
        Ok(Self { packets: number()?, bytes: number()? })
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
