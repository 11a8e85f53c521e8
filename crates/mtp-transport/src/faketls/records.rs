//! The data phase: records of type 17 to bytes and back.

use alloc::vec::Vec;

use super::FakeTlsError;
use super::wire::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC_RECORD, RECORD_HEADER_LEN,
    TLS_1_2, record_header,
};
use crate::layer::Step;
use crate::room::place_header;

/// The longest record a client sends, in bytes of content. Official clients use the same limit.
// spec: transport 15
pub(super) const CLIENT_RECORD_LEN_MAX: usize = 2878;

/// The longest record a server sends, in bytes of content.
pub(super) const SERVER_RECORD_LEN_MAX: usize = 16_384;

/// The longest record a server accepts, in bytes of content. A client accepts every length.
// spec: transport 8.5
pub(super) const SERVER_RECORD_LEN_ACCEPTED: u16 = 16_640;

/// Both directions of the data phase, from the perspective of one side.
#[derive(Debug)]
pub(crate) struct Records {
    /// Outstanding content of the record whose header was read.
    left: usize,
    accepted_len_max: u16,
    sent_len_max: usize,
    /// The client's change cipher spec is not sent yet.
    change_due: bool,
}

impl Records {
    pub(super) fn client() -> Self {
        Self {
            left: 0,
            accepted_len_max: u16::MAX,
            sent_len_max: CLIENT_RECORD_LEN_MAX,
            change_due: true,
        }
    }

    pub(crate) fn server() -> Self {
        Self {
            left: 0,
            accepted_len_max: SERVER_RECORD_LEN_ACCEPTED,
            sent_len_max: SERVER_RECORD_LEN_MAX,
            change_due: false,
        }
    }

    /// Consumes one record, or a part of one.
    // spec: transport 8.5
    pub(crate) fn open(&mut self, outer: &[u8]) -> Result<Step, FakeTlsError> {
        self.open_at_most(outer, usize::MAX)
    }

    /// Like [`Self::open`], but consumes at most `len_max` bytes of content.
    pub(crate) fn open_at_most(
        &mut self,
        outer: &[u8],
        len_max: usize,
    ) -> Result<Step, FakeTlsError> {
        let Some(kind) = outer.first() else { return Ok(Step::Wait) };
        if self.left > 0 {
            return Ok(self.take(0, outer, len_max));
        }
        if !matches!(*kind, APPLICATION_DATA | CHANGE_CIPHER_SPEC | ALERT) {
            return Err(FakeTlsError::RecordKind { found: *kind });
        }
        let Some(&[kind, major, minor, high, low]) = outer.first_chunk::<RECORD_HEADER_LEN>()
        else {
            return Ok(Step::Wait);
        };
        if [major, minor] != TLS_1_2 {
            return Err(FakeTlsError::RecordVersion { found: u16::from_be_bytes([major, minor]) });
        }
        let len = u16::from_be_bytes([high, low]);
        match kind {
            APPLICATION_DATA if len > self.accepted_len_max => {
                Err(FakeTlsError::RecordTooLong { len })
            }
            APPLICATION_DATA => {
                self.left = usize::from(len);
                Ok(self.take(RECORD_HEADER_LEN, outer, len_max))
            }
            // A client sends one such record; further ones are tolerated. Its content is not part of
            // the stream.
            CHANGE_CIPHER_SPEC if len == 1 => {
                let whole = CHANGE_CIPHER_SPEC_RECORD.len();
                let there = outer.len() >= whole;
                Ok(if there { Step::Stream { skip: whole, len: 0 } } else { Step::Wait })
            }
            CHANGE_CIPHER_SPEC => Err(FakeTlsError::RecordTooLong { len }),
            _ => Err(FakeTlsError::Alert),
        }
    }

    fn take(&mut self, skip: usize, outer: &[u8], len_max: usize) -> Step {
        let len = self.left.min(outer.len().saturating_sub(skip)).min(len_max);
        self.left = self.left.saturating_sub(len);
        Step::Stream { skip, len }
    }

    pub(crate) const fn room(&self) -> usize {
        if self.change_due {
            CHANGE_CIPHER_SPEC_RECORD.len().saturating_add(RECORD_HEADER_LEN)
        } else {
            RECORD_HEADER_LEN
        }
    }

    /// Splits the bytes behind the reserved space into records.
    pub(crate) fn seal(&mut self, out: &mut Vec<u8>, start: usize) {
        let room = self.room();
        let len = out.len().saturating_sub(start).saturating_sub(room);
        let first = len.min(self.sent_len_max);
        self.split_rest(out, start.saturating_add(room).saturating_add(first));
        let header = record_header(APPLICATION_DATA, len16(first));
        let mut lead = [0; CHANGE_CIPHER_SPEC_RECORD.len() + RECORD_HEADER_LEN];
        let (change, place) = lead.split_at_mut(CHANGE_CIPHER_SPEC_RECORD.len());
        change.copy_from_slice(&CHANGE_CIPHER_SPEC_RECORD);
        place.copy_from_slice(&header);
        place_header(out, start, room, if self.change_due { &lead } else { &header });
        self.change_due = false;
    }

    /// Inserts the headers of all records but the first. Goes backwards so that no byte is
    /// overwritten before it is moved.
    fn split_rest(&self, out: &mut Vec<u8>, from: usize) {
        let len = out.len().saturating_sub(from);
        let count = len.div_ceil(self.sent_len_max.max(1));
        let old_end = out.len();
        out.resize(old_end.saturating_add(count.saturating_mul(RECORD_HEADER_LEN)), 0);
        for index in (0..count).rev() {
            let old = from.saturating_add(index.saturating_mul(self.sent_len_max));
            let end = old.saturating_add(self.sent_len_max).min(old_end);
            let header_at = old.saturating_add(index.saturating_mul(RECORD_HEADER_LEN));
            let header = record_header(APPLICATION_DATA, len16(end.saturating_sub(old)));
            out.copy_within(old..end, header_at.saturating_add(RECORD_HEADER_LEN));
            if let Some(place) = out.get_mut(header_at..).and_then(|rest| rest.first_chunk_mut()) {
                *place = header;
            }
        }
    }

    /// Accepts the end of the stream only between two records.
    pub(crate) fn handle_eof(&self, rest: &[u8]) -> Result<(), FakeTlsError> {
        if self.left == 0 && rest.is_empty() { Ok(()) } else { Err(FakeTlsError::Truncated) }
    }
}

/// Converts a record's length, which the limits keep below 2^16.
fn len16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

const _: () = assert!(CLIENT_RECORD_LEN_MAX <= SERVER_RECORD_LEN_MAX);
const _: () = assert!(SERVER_RECORD_LEN_MAX <= SERVER_RECORD_LEN_ACCEPTED as usize);
