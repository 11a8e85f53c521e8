//! Generation of client hellos from a profile.

use alloc::vec::Vec;

use mtp_crypto::hash::hmac_sha256;
use mtp_env::{Entropy, UnixTime};

use super::profile::{Block, GREASES, Item, Profile};
use super::wire::{HANDSHAKE, ML_KEM_768_KEY_LEN, RANDOM_AT, RANDOM_LEN, draw_below};
use super::x25519::draw_public_key;
use crate::secret::{Domain, SecretKey};

/// Generates a hello as one record with a zero random.
// spec: transport 8.2
pub(super) fn write(profile: &Profile, domain: &Domain, entropy: &mut dyn Entropy) -> Vec<u8> {
    let greases = draw_greases(entropy);
    let mut writer = Writer { out: Vec::with_capacity(2048), domain, greases, entropy };
    writer.out.extend_from_slice(&[HANDSHAKE, 3, 1]);
    writer.long(|record| {
        record.out.extend_from_slice(&[1, 0]);
        record.long(|hello| {
            hello.out.extend_from_slice(&[3, 3]);
            hello.out.extend_from_slice(&[0; RANDOM_LEN]);
            hello.short(|session_id| session_id.random(SESSION_ID_LEN));
            hello.long(|ciphers| ciphers.items(&profile.ciphers));
            hello.short(|compression| compression.out.push(0));
            hello.long(|extensions| {
                for block in &profile.blocks {
                    extensions.block(block);
                }
                extensions.pad(profile.pad_to);
            });
        });
    });
    writer.out
}

/// Replaces the zero random by the digest, masked with the time. Returns the new random.
// spec: transport 8.1
pub(super) fn sign(hello: &mut [u8], key: &SecretKey, unix: UnixTime) -> [u8; RANDOM_LEN] {
    let mut random = hmac_sha256(key.as_bytes(), &[hello]);
    // The time is in seconds modulo 2^32.
    let [a, b, c, d, ..] = unix.as_secs().to_le_bytes();
    for (byte, time) in random.iter_mut().rev().zip([d, c, b, a]) {
        *byte ^= time;
    }
    if let Some(place) = hello.get_mut(RANDOM_AT..).and_then(|rest| rest.first_chunk_mut()) {
        *place = random;
    }
    random
}

/// Draws the GREASE values. Adjacent values in a list must differ.
fn draw_greases(entropy: &mut dyn Entropy) -> [u8; GREASES] {
    let mut greases = [0; GREASES];
    entropy.fill(&mut greases);
    let mut before = None;
    for (index, grease) in greases.iter_mut().enumerate() {
        *grease = *grease & 0xf0 | 0x0a;
        if index % 2 == 1 && before == Some(*grease) {
            *grease ^= 0x10;
        }
        before = Some(*grease);
    }
    greases
}

struct Writer<'a> {
    out: Vec<u8>,
    domain: &'a Domain,
    greases: [u8; GREASES],
    entropy: &'a mut dyn Entropy,
}

impl Writer<'_> {
    fn block(&mut self, block: &Block) {
        let mut order: Vec<_> = block.extensions.iter().collect();
        if block.shuffled {
            for len in (2..=order.len()).rev() {
                let bound = u32::try_from(len).unwrap_or(u32::MAX);
                let chosen = draw_below(bound, self.entropy) as usize;
                order.swap(chosen, len.saturating_sub(1));
            }
        }
        for extension in order {
            self.items(extension);
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Bytes(bytes) => self.out.extend_from_slice(bytes),
            Item::Grease(number) => {
                let grease = self.greases.get(*number).copied().unwrap_or(0x0a);
                self.out.extend_from_slice(&[grease, grease]);
            }
            Item::Random(len) => self.random(*len),
            Item::Domain => self.out.extend_from_slice(self.domain.as_bytes()),
            Item::X25519 => self.out.extend_from_slice(&draw_public_key(self.entropy)),
            Item::MlKem768 => self.ml_kem_768_key(),
            Item::Short(items) => self.short(|inside| inside.items(items)),
            Item::Long(items) => self.long(|inside| inside.items(items)),
            Item::OneOf(choices) => {
                let bound = u32::try_from(choices.len()).unwrap_or(u32::MAX);
                let chosen = choices.get(draw_below(bound, self.entropy) as usize);
                self.items(chosen.map_or(&[], Vec::as_slice));
            }
        }
    }

    fn random(&mut self, len: usize) {
        let start = self.out.len();
        self.out.resize(start.saturating_add(len), 0);
        self.entropy.fill(self.out.get_mut(start..).unwrap_or_default());
    }

    /// Draws a plausible encapsulation key: coefficients below the modulus, packed in pairs, then a
    /// seed.
    fn ml_kem_768_key(&mut self) {
        for _ in 0..COEFFICIENTS / 2 {
            let [one, two] = [(); 2].map(|()| draw_below(ML_KEM_MODULUS, self.entropy));
            let [low, middle, high, _] = (one | two << 12).to_le_bytes();
            self.out.extend_from_slice(&[low, middle, high]);
        }
        self.random(ML_KEM_768_KEY_LEN - COEFFICIENTS / 2 * 3);
    }

    /// Writes a one-byte length followed by what `write` appends.
    fn short(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.out.push(0);
        write(self);
        let len = self.out.len().saturating_sub(start).saturating_sub(1);
        debug_assert!(len <= 0xff, "{len} bytes behind a length of one");
        if let Some(place) = self.out.get_mut(start) {
            *place = u8::try_from(len).unwrap_or(u8::MAX);
        }
    }

    /// Writes a two-byte length followed by what `write` appends. Profiles are limited so that it
    /// fits.
    fn long(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 2]);
        write(self);
        let len = self.out.len().saturating_sub(start).saturating_sub(2);
        if let Some(place) = self.out.get_mut(start..).and_then(|rest| rest.first_chunk_mut()) {
            *place = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        }
    }

    fn pad(&mut self, pad_to: Option<usize>) {
        let missing = pad_to.unwrap_or(0).saturating_sub(self.out.len());
        if let Some(len) = missing.checked_sub(PADDING_HEADER_LEN).filter(|len| *len > 0) {
            self.out.extend_from_slice(&PADDING);
            self.long(|padding| padding.out.resize(padding.out.len().saturating_add(len), 0));
        }
    }
}

const SESSION_ID_LEN: usize = 32;

/// Type of the padding extension, and the length of its header.
const PADDING: [u8; 2] = [0x00, 0x15];
const PADDING_HEADER_LEN: usize = 4;

/// Coefficients in an ML-KEM-768 encapsulation key: 3 polynomials of 256.
const COEFFICIENTS: usize = 768;
const ML_KEM_MODULUS: u32 = 3329;
