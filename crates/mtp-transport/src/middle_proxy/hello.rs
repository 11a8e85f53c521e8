//! The two messages that open a link: nonce and handshake.

use core::net::SocketAddr;

use super::keys::ip_fields;

/// The proxy's or middle proxy's nonce.
#[derive(Clone, Copy)]
pub(super) struct Nonce {
    pub(super) selector: [u8; 4],
    pub(super) schema: u32,
    /// Seconds since 1970.
    pub(super) time: u32,
    pub(super) random: [u8; 16],
}

impl Nonce {
    // spec: proxy 2.2
    pub(super) fn encode(&self) -> [u8; 32] {
        let fields: [&[u8]; 5] = [
            &NONCE.to_le_bytes(),
            &self.selector,
            &self.schema.to_le_bytes(),
            &self.time.to_le_bytes(),
            &self.random,
        ];
        joined(&fields)
    }

    /// Decodes the fields that every schema has. `None` if it is no nonce.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (head, rest) = payload.split_first_chunk::<32>()?;
        let mut fields = Fields(head);
        let kind = u32::from_le_bytes(fields.take());
        let selector = fields.take();
        let schema = u32::from_le_bytes(fields.take());
        let time = u32::from_le_bytes(fields.take());
        // Schemas with extra keys are longer.
        let fits = kind == NONCE && (rest.is_empty() || schema > SCHEMA_AES);
        fits.then(|| Self { selector, schema, time, random: fields.take() })
    }
}

/// Identity of a process at one end of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol has these two fields of its own")]
pub struct ProcessId {
    /// The number of the process.
    pub number: u16,
    /// When it started, in seconds since 1970.
    pub started: u32,
}

impl ProcessId {
    /// Returns the id as sent by a process at an address, or without an address.
    // spec: proxy 2.4
    pub(super) fn at(self, address: Option<SocketAddr>) -> [u8; 12] {
        let ip = address.map_or([0; 4], |address| match address.ip().to_canonical() {
            ip if ip.is_loopback() => [0; 4],
            ip => ip_fields(ip).0,
        });
        let port = address.map_or(0, |address| address.port());
        let fields: [&[u8]; 4] =
            [&ip, &port.to_le_bytes(), &self.number.to_le_bytes(), &self.started.to_le_bytes()];
        joined(&fields)
    }
}

/// Returns `true` if an id is equal to a pattern in each field that is not zero there.
// spec: proxy 2.4
pub(super) fn fits(id: &[u8; 12], pattern: &[u8; 12]) -> bool {
    let fields = [0..4, 4..6, 6..8, 8..12];
    fields.into_iter().all(|at| {
        let wanted = pattern.get(at.clone()).unwrap_or_default();
        wanted.iter().all(|byte| *byte == 0) || id.get(at) == Some(wanted)
    })
}

/// A handshake, the first encrypted message of each end.
#[derive(Clone, Copy)]
pub(super) struct Handshake {
    pub(super) flags: u32,
    pub(super) sender: [u8; 12],
    pub(super) peer: [u8; 12],
}

impl Handshake {
    // spec: proxy 2.4
    pub(super) fn encode(&self) -> [u8; 32] {
        joined(&[&HANDSHAKE.to_le_bytes(), &self.flags.to_le_bytes(), &self.sender, &self.peer])
    }

    pub(super) fn decode(payload: &[u8; 32]) -> Self {
        let mut fields = Fields(payload);
        let _kind: [u8; 4] = fields.take();
        let flags = u32::from_le_bytes(fields.take());
        Self { flags, sender: fields.take(), peer: fields.take() }
    }
}

/// Encodes the refusal of a handshake.
// spec: proxy 2.4
pub(super) fn refusal(code: i32, sender: &[u8; 12]) -> [u8; 20] {
    joined(&[&HANDSHAKE_ERROR.to_le_bytes(), &code.to_le_bytes(), sender])
}

/// Decodes the refusal of a handshake.
pub(super) fn refused(payload: &[u8]) -> Option<i32> {
    let payload: &[u8; 20] = payload.try_into().ok()?;
    let mut fields = Fields(payload);
    let kind = u32::from_le_bytes(fields.take());
    (kind == HANDSHAKE_ERROR).then(|| i32::from_le_bytes(fields.take()))
}

/// Fields of a message of known length.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (first, rest) = self.0.split_first_chunk().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *first
    }
}

fn joined<const N: usize>(fields: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(fields.iter().copied().flatten()) {
        *to = *from;
    }
    out
}

pub(super) const HANDSHAKE: u32 = 0x7682_eef5;
const NONCE: u32 = 0x7acb_87aa;
const HANDSHAKE_ERROR: u32 = 0x6a27_beda;
/// AES with the published secret alone.
pub(super) const SCHEMA_AES: u32 = 1;
/// CRC-32C is offered or accepted.
pub(super) const FLAG_CRC32C: u32 = 0x800;
/// Flags that must not be set.
pub(super) const FLAGS_LOW: u32 = 0xff;
/// The id that one proxy sends for both processes.
pub(super) const PLACEHOLDER: [u8; 12] = *b"IPIPPRPDTIME";
