//! SIMD kernels of MTProto's cryptography behind a safe interface: message encryption, counter mode, modular powers.
//!
//! The kernels interleave AES-256-IGE with SHA-256 and process several messages in parallel, which
//! portable code cannot do at the same speed. They check nothing: `mtp-crypto` checks lengths and
//! message keys, and has portable code for processors without kernels. Tests in both crates compare
//! the two byte by byte.
//!
//! ```text
//!   mtp-crypto ──▶ Kernels::detect() ──▶ Some(kernels) ──▶ seal, open, … ──▶ x86: AES-NI, SHA-NI
//!                          └───────────▶ None: portable code of its own
//! ```
//!
//! ```
//! use mtp_kernels::{Kernels, Secret, msg_key};
//!
//! // In production, parts of an auth key.
//! let secret = Secret { first: &[1; 36], second: &[2; 36], prefix: &[3; 32] };
//! if let Some(kernels) = Kernels::detect() {
//!     let mut blocks = [[4; 16]; 10];
//!     let sealed = kernels.seal(&secret, &mut blocks);
//!     let opened = kernels.open(&secret, &msg_key(&sealed), &mut blocks);
//!     assert_eq!((opened, blocks), (sealed, [[4; 16]; 10]));
//! }
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | `x86` | the kernels: `aes`, `sha256`, one chain in `ige`, one message in `message`, batches in `lanes`, counter mode in `ctr`, powers in `powers` |
//!
//! | feature | effect |
//! |---|---|
//! | `simd` | the kernels; without it, the crate forbids `unsafe` and [`Kernels::detect`] returns `None` |
//!
//! Dependencies, with `simd` only: `cpufeatures` detects instructions, `zeroize` wipes round keys.
//!
//! # Unsafe code
//!
//! This is the only crate of the workspace with `unsafe` code. It has these uses: [`Kernels`], a
//! proof of detection, calls functions with `target_feature`; blocks are loaded; blocks are stored.
//! Everything else is safe code with bounds checks.
//!
//! **Panics and errors.** There are none. Every input has a result, including an empty one.
//!
//! **Secrets.** Round keys are in memory and are wiped; other secrets are in registers. The
//! instructions take constant time, and no branch depends on data.
#![no_std]
#![cfg_attr(not(feature = "simd"), forbid(unsafe_code))]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod ctr;
mod message;
mod powers;
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
mod x86;

pub use ctr::CtrKeys;
pub use message::{Block, Digest, MessageJob, Secret, msg_key};
pub use powers::{Power, PowerJob, PowerModulus, radix_gap};

/// Proof that the processor supports the instructions of the kernels.
#[derive(Clone, Copy, Debug)]
pub struct Kernels(Proof);

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
type Proof = ();
#[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
type Proof = core::convert::Infallible;

/// Calls a kernel.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
macro_rules! call {
    ($self:ident, $($call:tt)*) => {{
        let Self(()) = $self;
        #[expect(unsafe_code, reason = "calls a `target_feature` function")]
        // SAFETY: the kernels of `Kernels` require AES, SHA, SSSE3 and SSE4.1 and nothing else, those of `Multiplier`
        // AVX-512 F and IFMA. Only `detect` creates a `Self`, after it has detected all of them.
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
    expect(unused_variables, unreachable_code, reason = "there are no kernels to pass them to")
)]
impl Kernels {
    /// Detects whether the processor supports the instructions. The result is cached.
    #[must_use]
    #[inline]
    pub fn detect() -> Option<Self> {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        return x86::detect().then_some(Self(()));
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        None
    }

    /// Encrypts with AES-256-IGE in place and advances `iv`, so that another call continues the
    /// stream.
    pub fn ige_encrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        call!(self, crypt::<{ x86::ENCRYPT }>(key, iv, blocks));
    }

    /// Decrypts with AES-256-IGE in place and advances `iv`, so that another call continues the
    /// stream.
    pub fn ige_decrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        call!(self, crypt::<{ x86::DECRYPT }>(key, iv, blocks));
    }

    /// Hashes a message, derives its keys, encrypts it in place and returns the hash.
    #[must_use]
    pub fn seal(self, secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
        call!(self, seal(secret, blocks))
    }

    /// Derives the keys of a message, decrypts it in place and returns the hash of the plaintext.
    ///
    /// The plaintext is not authenticated until the caller has compared the hash.
    #[must_use]
    pub fn open(self, secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
        call!(self, open(secret, msg_key, blocks))
    }

    /// Performs [`seal`](Self::seal) for each message, several in parallel.
    pub fn seal_each(self, messages: &mut [MessageJob<'_>]) {
        call!(self, seal_each(messages));
    }

    /// Performs [`open`](Self::open) for each message, several in parallel.
    pub fn open_each(self, messages: &mut [MessageJob<'_>]) {
        call!(self, open_each(messages));
    }

    /// Expands a key for [`ctr`](Self::ctr).
    #[must_use]
    pub fn ctr_keys(self, key: &[u8; 32]) -> CtrKeys {
        CtrKeys(call!(self, ctr_keys(key)))
    }

    /// Encrypts or decrypts whole blocks with AES-256 in counter mode, in place. The first block's counter is `counter`,
    /// big-endian in the block; it wraps.
    pub fn ctr(self, keys: &CtrKeys, counter: u128, blocks: &mut [Block]) {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        if x86::detect_wide() {
            #[expect(unsafe_code, reason = "calls a `target_feature` function")]
            // SAFETY: the kernel requires AES, SHA, SSSE3, SSE4.1, AVX-512 F and BW and VAES and nothing else, which
            // `detect_wide` has detected.
            unsafe {
                x86::ctr_wide(&keys.0, counter, blocks);
            }
            return;
        }
        call!(self, ctr(&keys.0, counter, blocks));
    }
}

/// Proof that the processor has the wide multiplier, AVX-512 IFMA.
#[derive(Clone, Copy, Debug)]
pub struct Multiplier(Proof);

#[cfg_attr(
    not(all(feature = "simd", target_arch = "x86_64")),
    expect(unused_variables, reason = "there are no kernels to pass them to")
)]
impl Multiplier {
    /// Detects whether the processor has the multiplier. The result is cached.
    #[must_use]
    #[inline]
    pub fn detect() -> Option<Self> {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        return x86::detect_multiplier().then_some(Self(()));
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        None
    }

    /// Raises bases of 1,024 or 2,048 bits to secret exponents in constant time, all powers in turns: two take less
    /// than one and a half times as long as one. Returns `None` for other lengths.
    #[must_use]
    pub fn pow_each<const JOBS: usize, const LIMBS: usize>(
        self,
        jobs: &[PowerJob<'_, LIMBS>; JOBS],
    ) -> Option<[Power<LIMBS>; JOBS]> {
        call!(self, pow_each(jobs))
    }

    /// Raises a fixed base of 2,048 bits to a secret exponent in constant time, by a table of its powers in Montgomery
    /// form: `table` returns an entry of a block.
    ///
    /// For each column, the product is squared and multiplied by one entry of each block: that at the secret index which
    /// the column has for the block.
    #[must_use]
    pub fn comb<'t, const BLOCKS: usize, const ENTRIES: usize>(
        self,
        modulus: &PowerModulus<'_, 32>,
        table: impl Fn(usize, usize) -> &'t [u64; 32],
        columns: &[[u64; BLOCKS]],
    ) -> Power<32> {
        call!(self, comb::<BLOCKS, ENTRIES>(modulus, table, columns))
    }
}
