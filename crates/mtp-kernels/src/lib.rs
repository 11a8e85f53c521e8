//! SIMD kernels for MTProto's message encryption, behind one safe door.
//!
//! It holds the inner loops that safe Rust cannot make as fast as the processor is: AES-256-IGE and
//! SHA-256 in one and the same loop, and several messages side by side. It decides nothing:
//! `mtp-crypto` checks lengths and message keys, and does the same without this crate's help where
//! there are no kernels. Tests on both sides of the door compare the two bit by bit.
//!
//! ```text
//!   mtp-crypto ──▶ Kernels::detect() ──▶ Some(kernels) ──▶ seal, open, … ──▶ x86: AES-NI, SHA-NI
//!                          └───────────▶ None: portable code of its own
//! ```
//!
//! ```
//! use mtp_kernels::{Kernels, Secret, msg_key};
//!
//! // Pieces of an auth key in earnest.
//! let secret = Secret { first: &[1; 36], second: &[2; 36], prefix: &[3; 32] };
//! if let Some(kernels) = Kernels::detect() {
//!     let mut blocks = [[4; 16]; 10];
//!     let sealed = kernels.seal(&secret, &mut blocks);
//!     let opened = kernels.open(&secret, &msg_key(&sealed), &mut blocks);
//!     assert_eq!((opened, blocks), (sealed, [[4; 16]; 10]));
//! }
//! ```
//!
//! | module | idea |
//! |---|---|
//! | `x86` | the kernels: `aes`, `sha256`, one chain in `ige`, one message in `message`, many in `lanes` |
//!
//! | feature | effect |
//! |---|---|
//! | `simd` | the kernels; without it the crate forbids `unsafe` and [`Kernels::detect`] finds none |
//!
//! Dependencies, with `simd` only: `cpufeatures` asks the processor what it has, `zeroize` wipes.
//!
//! # Unsafe code
//!
//! It is the only crate of the workspace that has any, in three places: [`Kernels`] calls functions
//! that demand instructions, because it exists only where they were found; a block is loaded; a
//! block is stored. Everything between is safe code that the compiler checks, bounds included.
//!
//! **Panics and errors.** There are none: every input has a result, also no blocks at all.
//!
//! **Secrets.** Round keys lie in memory and are wiped; what else is secret lives in registers. The
//! instructions take the same time for all operands, and nothing branches on data.
#![no_std]
#![cfg_attr(not(feature = "simd"), forbid(unsafe_code))]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod message;
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
mod x86;

pub use message::{Message, Secret, msg_key};

/// A block of the cipher.
pub type Block = [u8; 16];

/// A SHA-256.
pub type Digest = [u8; 32];

/// Proof that this processor has the instructions which the kernels need.
#[derive(Clone, Copy, Debug)]
pub struct Kernels(Proof);

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
type Proof = ();
#[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
type Proof = core::convert::Infallible;

/// Calls a kernel where there can be any.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
macro_rules! call {
    ($self:ident, $($call:tt)*) => {{
        let Self(()) = $self;
        #[expect(unsafe_code, reason = "the caller of a `target_feature` function must promise")]
        // SAFETY: kernels demand AES, SHA, SSSE3 and SSE4.1 of the processor and nothing else;
        // `detect` alone makes a `Self`, after it has found all of them.
        unsafe {
            x86::$($call)*
        }
    }};
}
#[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
macro_rules! call {
    ($self:ident, $($call:tt)*) => {
        match $self.0 {}
    };
}

#[cfg_attr(
    not(all(feature = "simd", target_arch = "x86_64")),
    expect(unused_variables, reason = "nothing can be called here")
)]
impl Kernels {
    /// Looks whether the processor has the instructions; the answer is remembered.
    #[must_use]
    #[inline]
    pub fn detect() -> Option<Self> {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        return x86::detect().then_some(Self(()));
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        None
    }

    /// Encrypts with AES-256-IGE in place; `iv` becomes the one that continues the stream.
    pub fn ige_encrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        call!(self, crypt::<{ x86::ENCRYPT }>(key, iv, blocks));
    }

    /// Decrypts with AES-256-IGE in place; `iv` becomes the one that continues the stream.
    pub fn ige_decrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        call!(self, crypt::<{ x86::DECRYPT }>(key, iv, blocks));
    }

    /// Hashes a message, derives its keys from the message key and encrypts it in place.
    #[must_use]
    pub fn seal(self, secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
        call!(self, seal(secret, blocks))
    }

    /// Derives a message's keys from its message key, decrypts it in place, hashes it on the way.
    ///
    /// The caller compares the hash; until then the plaintext is not to be trusted.
    #[must_use]
    pub fn open(self, secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
        call!(self, open(secret, msg_key, blocks))
    }

    /// Does for each message what [`seal`](Self::seal) does, several at a time.
    pub fn seal_each(self, messages: &mut [Message<'_>]) {
        call!(self, seal_each(messages));
    }

    /// Does for each message what [`open`](Self::open) does, several at a time.
    pub fn open_each(self, messages: &mut [Message<'_>]) {
        call!(self, open_each(messages));
    }
}
