//! Test rig for one layer, or for two connected layers.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_env::{Now, UnixTime};
use serde_json::Value;

use crate::code::TransportCode;
use crate::layer::{Layer, Step};

/// Output of a layer on the inner side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) stream: Vec<u8>,
    pub(crate) packets: Vec<Vec<u8>>,
    pub(crate) errors: Vec<TransportCode>,
}

/// A layer with the buffers of a link.
pub(crate) struct Rig<L> {
    pub(crate) layer: L,
    pub(crate) now: Now,
    pub(crate) inner: Inner,
    pub(crate) entropy: CtrEntropy,
    received: Vec<u8>,
}

impl<L: Layer> Rig<L> {
    pub(crate) fn new(layer: L) -> Self {
        let now = Now { unix: UnixTime::from_secs(1_763_800_000), ..Now::default() };
        let entropy = CtrEntropy::from_number(7);
        Self { layer, now, inner: Inner::default(), entropy, received: Vec::new() }
    }

    /// Passes bytes to the layer in pieces of at most `piece` bytes.
    pub(crate) fn receive(&mut self, bytes: &[u8], piece: usize) -> Result<(), L::Error> {
        bytes.chunks(piece.max(1)).try_for_each(|piece| {
            self.received.extend_from_slice(piece);
            self.open()
        })
    }

    /// Passes the bytes that are not consumed yet to the layer.
    pub(crate) fn open(&mut self) -> Result<(), L::Error> {
        while !self.received.is_empty() {
            let step = self.layer.open(self.now, &mut self.received)?;
            let (skip, len) = match step {
                Step::Wait => return Ok(()),
                Step::Stream { skip, len } | Step::Packet { skip, len } => (skip, len),
                Step::Error { skip, .. } => (skip, 0),
            };
            assert!(skip + len > 0 && skip + len <= self.received.len(), "{step:?}");
            let inner = &self.received[skip..skip + len];
            match step {
                Step::Packet { .. } => self.inner.packets.push(inner.to_vec()),
                Step::Error { code, .. } => self.inner.errors.push(code),
                _ => self.inner.stream.extend_from_slice(inner),
            }
            self.received.drain(..skip + len);
        }
        Ok(())
    }

    pub(crate) fn eof(&mut self) -> Result<(), L::Error> {
        self.layer.handle_eof(&self.received)?;
        self.open()
    }

    /// Returns the layer's own output.
    pub(crate) fn transmit(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let any = self.layer.poll_transmit(self.now, &mut out, &mut self.entropy);
        assert_eq!(any, !out.is_empty());
        out
    }

    /// Wraps inner bytes.
    pub(crate) fn seal(&mut self, inner: &[u8]) -> Vec<u8> {
        assert!(self.layer.can_send(), "the layer cannot send");
        let mut out = b"before".to_vec();
        let start = out.len();
        out.resize(start + self.layer.room(), 0xaa);
        out.extend_from_slice(inner);
        self.layer.seal(self.now, &mut out, start, &mut self.entropy);
        assert_eq!(&out[..start], b"before");
        out.split_off(start)
    }

    /// Advances the clock to the next deadline.
    pub(crate) fn pass_to_deadline(&mut self) -> Result<(), L::Error> {
        let deadline = self.layer.poll_timeout().expect("a deadline");
        assert!(deadline.at > self.now.mono, "{deadline:?} is not in the future");
        self.now = self.now.after(deadline.at.saturating_since(self.now.mono));
        self.layer.handle_timeout(self.now)
    }

    pub(crate) fn pass(&mut self, secs: u64) {
        self.now = self.now.after(Duration::from_secs(secs));
    }
}

/// Exchanges the output of both sides until neither has any.
pub(crate) fn shake_hands<C: Layer, S: Layer>(
    client: &mut Rig<C>,
    server: &mut Rig<S>,
    piece: usize,
) where
    C::Error: core::fmt::Debug,
    S::Error: core::fmt::Debug,
{
    loop {
        let (up, down) = (client.transmit(), server.transmit());
        if up.is_empty() && down.is_empty() {
            return;
        }
        server.receive(&up, piece).unwrap();
        client.receive(&down, piece).unwrap();
    }
}

/// Returns one section of the vectors.
pub(crate) fn vectors(section: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../../vectors/transport.json")).unwrap();
    all[section].clone()
}

/// Decodes a hex string of the vectors.
#[track_caller]
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap_or_else(|| panic!("no text: {value}")).as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Number of hostile streams for each decoder; fewer where an emulator runs the tests.
pub(crate) const STREAMS: u32 = if cfg!(target_arch = "x86_64") { 600_000 } else { 6_000 };

/// A fast generator for mutations; their statistical quality does not matter.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = sides.max(1) as u64;
        usize::try_from(((z ^ (z >> 31)) >> 8) % sides).unwrap()
    }

    /// Changes, removes, inserts, duplicates or truncates some bytes.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            match self.roll(6) {
                0 => bytes[at] ^= 1 << self.roll(8),
                1 => bytes[at] = u8::try_from(self.roll(256)).unwrap(),
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, u8::try_from(self.roll(256)).unwrap()),
                4 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
            bytes.truncate(8192);
        }
    }
}
