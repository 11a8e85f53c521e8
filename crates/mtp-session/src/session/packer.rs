//! Writes the messages of one packet, alone or in a container.

use alloc::vec::Vec;

use mtp_crypto::EXTERNAL_HEADER_LEN;
use mtp_crypto::{InnerHeader, MsgId, PREFIX_LEN, Salt, SeqNo, SessionId};

use super::seq_no::Label;
use crate::service::MSG_CONTAINER;
use crate::service::container::{CONTAINER_HEADER_LEN, INNER_HEADER_LEN};

/// The form of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One message, whose label is the packet's.
    Single,
    /// Any number of messages, in a container.
    Container,
}

/// Writer of one packet at the end of the caller's buffer.
pub(crate) struct Packer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    form: Form,
    count: u32,
    last: Label,
}

impl<'o> Packer<'o> {
    /// Starts a packet with room for its headers.
    pub(crate) fn begin(out: &'o mut Vec<u8>, form: Form) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; PREFIX_LEN]);
        if form == Form::Container {
            out.extend_from_slice(&MSG_CONTAINER.get().to_le_bytes());
            out.extend_from_slice(&[0; 4]);
        }
        let last = Label { msg_id: MsgId::from_raw(0), seq_no: SeqNo::from_raw(0) };
        Self { out, start, form, count: 0, last }
    }

    /// Writes one message, whose body `write` appends.
    pub(crate) fn message<T>(&mut self, label: Label, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        debug_assert!(self.form == Form::Container || self.count == 0);
        self.count = self.count.saturating_add(1);
        self.last = label;
        if self.form == Form::Single {
            return write(self.out);
        }
        let header = self.out.len();
        self.out.extend_from_slice(&label.msg_id.to_le_bytes());
        self.out.extend_from_slice(&label.seq_no.to_le_bytes());
        self.out.extend_from_slice(&[0; 4]);
        let result = write(self.out);
        let len = self.out.len().saturating_sub(header).saturating_sub(INNER_HEADER_LEN);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        put(self.out, header.saturating_add(INNER_HEADER_LEN - 4), len.to_le_bytes());
        result
    }

    /// Returns the bytes of messages written so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len().saturating_sub(self.start).saturating_sub(PREFIX_LEN)
    }

    /// Returns how many messages were written.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Returns `true` if no other message may follow.
    pub(crate) const fn is_full(&self, count_max: usize) -> bool {
        match self.form {
            Form::Single => self.count >= 1,
            Form::Container => self.count as usize >= count_max,
        }
    }

    /// Fills in the headers and returns the label and the start of the packet; `container` makes the label of a
    /// container after all the others.
    // spec: session 3.5
    pub(crate) fn finish(
        self,
        salt: Salt,
        session_id: SessionId,
        container: impl FnOnce() -> Label,
    ) -> (Label, usize) {
        let label = match self.form {
            Form::Single => self.last,
            Form::Container => {
                let count = self.start.saturating_add(PREFIX_LEN + CONTAINER_HEADER_LEN - 4);
                put(self.out, count, self.count.to_le_bytes());
                container()
            }
        };
        let header = InnerHeader { salt, session_id, msg_id: label.msg_id, seq_no: label.seq_no };
        let at = self.start.saturating_add(EXTERNAL_HEADER_LEN);
        put(self.out, at, header.salt.to_le_bytes());
        put(self.out, at.saturating_add(8), header.session_id.to_le_bytes());
        put(self.out, at.saturating_add(16), header.msg_id.to_le_bytes());
        put(self.out, at.saturating_add(24), header.seq_no.to_le_bytes());
        (label, self.start)
    }

    /// Removes the packet from the buffer.
    pub(crate) fn cancel(self) {
        self.out.truncate(self.start);
    }
}

fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(place) = out.get_mut(at..at.saturating_add(N)) {
        place.copy_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    fn label(msg_id: u64, seq_no: i64) -> Label {
        Label {
            msg_id: MsgId::from_raw(msg_id),
            seq_no: SeqNo::from_raw(i32::try_from(seq_no).unwrap()),
        }
    }

    // spec: session 1
    #[test]
    fn single_message_matches_the_vectors() {
        for entry in &vectors::section("inner_data", 1) {
            let mut out = Vec::new();
            let mut packer = Packer::begin(&mut out, Form::Single);
            let single = label(entry.number("msg_id"), entry.signed("seqno"));
            packer.message(single, |out| out.extend(entry.bytes("body")));
            assert!(packer.is_full(1020));
            let salt = Salt::from_raw(entry.number("salt"));
            let session_id = SessionId::from_raw(entry.number("session_id"));
            packer.finish(salt, session_id, || unreachable!());
            let mut padding = mtp_crypto::CtrEntropy::from_number(1);
            mtp_crypto::pad(&mut out, 0, mtp_crypto::Padding::Minimum, &mut padding).unwrap();
            let expected = entry.bytes("bytes_before_padding");
            assert_eq!(out[EXTERNAL_HEADER_LEN..][..expected.len()], expected);
            let header_len = usize::try_from(entry.number("header_len")).unwrap();
            assert_eq!(PREFIX_LEN - EXTERNAL_HEADER_LEN, header_len);
        }
    }

    // spec: session 8.11
    // spec: session 3.5
    #[test]
    fn container_matches_the_vectors() {
        let cases = vectors::whole("containers").entries("cases");
        let mut tried = 0;
        for case in cases.iter().filter(|case| case.has("inner")) {
            let mut out = Vec::from([9]);
            let mut packer = Packer::begin(&mut out, Form::Container);
            for inner in case.entries("inner") {
                let inner_label = label(inner.at(0).as_number(), inner.at(1).as_signed());
                packer
                    .message(inner_label, |out| out.extend(vectors::unhex(inner.at(2).as_text())));
            }
            let own = label(case.number("container_msg_id"), case.signed("container_seqno"));
            let finished = packer.finish(Salt::from_raw(1), SessionId::from_raw(2), || own);
            assert_eq!(finished, (own, 1));
            assert_eq!(out[1 + PREFIX_LEN..], case.bytes("body"));
            tried += 1;
        }
        assert_eq!(tried, 3);
    }
}
