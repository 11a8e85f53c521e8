//! Bytes from one side to the other: re-encrypted and, for FakeTLS, unwrapped from or wrapped in
//! records.
//!
//! ```text
//!  client ─▶ records ─▶ decrypt ─▶ encrypt ─▶ data center
//!  client ◀─ records ◀─ encrypt ◀─ decrypt ◀─ data center
//!                       └── skipped with the shortcut ──┘
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::DcId;
use mtp_crypto::ctr::CtrCipher;
use mtp_env::Entropy;

use super::opening::Accepted;
use crate::faketls::{FakeTlsError, Records};
use crate::layer::Step;
use crate::obfuscation::{self, Filter, HEADER_LEN, Streams};

/// Transformation between client and upstream.
pub(super) enum Carrier {
    /// None, for connections forwarded to the site.
    Raw,
    Ciphers(Box<Ciphers>),
}

/// Transformation between a client and its data center.
pub(super) struct Ciphers {
    records: Option<Records>,
    /// The start of a record whose header is incomplete.
    partial: Vec<u8>,
    from_client: CtrCipher,
    to_upstream: CtrCipher,
    /// `None` with the shortcut: the data center encrypts for the client.
    down: Option<[CtrCipher; 2]>,
}

impl Carrier {
    /// Returns the carrier for a client that knows a secret, and the header for its data center.
    // spec: transport 7.2
    pub(super) fn new(
        accepted: Accepted,
        dc: DcId,
        shortcut: bool,
        entropy: &mut dyn Entropy,
    ) -> (Self, [u8; HEADER_LEN]) {
        let Streams { incoming: from_client, outgoing: to_client } = accepted.streams;
        let (tag, header, key) = (accepted.tag, &accepted.header, &accepted.key);
        let (header, upstream) = if shortcut {
            obfuscation::start_mirrored(tag, dc, header, key, entropy)
        } else {
            obfuscation::start(tag, dc, None, Filter::Redraw, entropy)
        };
        let down = (!shortcut).then_some([upstream.incoming, to_client]);
        let ciphers = Ciphers {
            records: accepted.records,
            partial: Vec::new(),
            from_client,
            to_upstream: upstream.outgoing,
            down,
        };
        (Self::Ciphers(Box::new(ciphers)), header)
    }

    /// Carries bytes from client to upstream. The bytes in front of a violation are still carried.
    pub(super) fn carry_up(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FakeTlsError> {
        let Self::Ciphers(ciphers) = self else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        let start = out.len();
        let result = ciphers.unwrap(bytes, out);
        let inner = out.get_mut(start..).unwrap_or_default();
        ciphers.from_client.apply(inner);
        ciphers.to_upstream.apply(inner);
        result
    }

    /// Carries bytes from upstream to client.
    pub(super) fn carry_down(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Self::Ciphers(ciphers) = self else {
            out.extend_from_slice(bytes);
            return;
        };
        let start = out.len();
        let room = ciphers.records.as_ref().map_or(0, Records::room);
        out.resize(start.saturating_add(room), 0);
        let inner = out.len();
        out.extend_from_slice(bytes);
        for cipher in ciphers.down.iter_mut().flatten() {
            cipher.apply(out.get_mut(inner..).unwrap_or_default());
        }
        if let Some(records) = &mut ciphers.records {
            records.seal(out, start);
        }
    }
}

impl Ciphers {
    /// Unwraps a client's bytes from their records.
    fn unwrap(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FakeTlsError> {
        let Some(records) = &mut self.records else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        let mut joined = core::mem::take(&mut self.partial);
        let mut rest = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        while let Step::Stream { skip, len } = records.open(rest)? {
            let end = skip.saturating_add(len);
            out.extend_from_slice(rest.get(skip..end).unwrap_or_default());
            rest = rest.get(end..).unwrap_or_default();
        }
        self.partial = rest.to_vec();
        Ok(())
    }
}
