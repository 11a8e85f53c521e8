//! MTProto's cryptography for clients and servers: encrypted messages, the arithmetic of the key
//! exchange, passwords, secret chats, calls, files and keys at rest.
//!
//! It draws no random byte, reads no clock and knows no TL: randomness and times are arguments,
//! objects are byte strings. Which key, session and salt are right, and in which order things
//! happen, is `mtp-session`'s business; framing and obfuscation are `mtp-transport`'s.
//!
//! ```text
//!   exchange ───────────▶ AuthKey ──▶ bind        a temporary key to a permanent one
//!                            │    └─▶ key_file    at rest, under a password
//!                            ▼
//!   header, body ──▶ begin, pad, seal ══ packet ══▶ open ──▶ header, body       envelope
//!                    (random padding)               (one error, whatever is wrong)
//! ```
//!
//! ```
//! use mtp_crypto::{
//!     AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, envelope,
//!     open, pad, seal,
//! };
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let mut entropy = CtrEntropy::new([7; 32]); // from the operating system in earnest
//! let key = AuthKey::new([1; 256])?; // from a key exchange in earnest
//! let header = InnerHeader {
//!     salt: Salt::from_raw(1),
//!     session_id: SessionId::from_raw(2),
//!     msg_id: MsgId::from_raw(0x65ab_c0fd_4000_0004),
//!     seq_no: SeqNo::from_raw(1),
//! };
//!
//! let mut packet = Vec::new();
//! let start = envelope::begin(&mut packet, header);
//! packet.extend_from_slice(b"a body of twenty-four by");
//! pad(&mut packet, start, Padding::Minimum, &mut entropy)?;
//! let token = seal(&key, Side::Client, &mut packet)?;
//!
//! let opened = open(&key, Side::Client, &mut packet)?;
//! assert_eq!((opened.header, opened.quick_ack), (header, token));
//! assert_eq!(opened.body, b"a body of twenty-four by");
//! # Ok(())
//! # }
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`envelope`] | messages of MTProto 2.0: pad, seal, open, one by one or in batches |
//! | [`v1`] | messages of MTProto 1.0, where they still exist |
//! | [`ids`], [`side`], [`auth_key`] | what the envelope carries, who sends, the shared secret |
//! | [`exchange`] | arithmetic of the key exchange: pq, RSA, Diffie-Hellman, nonces |
//! | [`bind`] | the proof inside `auth.bindTempAuthKey` |
//! | [`srp`] | two-factor passwords, both roles |
//! | [`secret_chat`], [`calls`] | end to end: keys, messages, order, pictures |
//! | [`cdn`] | files from hostile networks |
//! | `key_file`, with its feature | keys at rest under a password |
//! | [`entropy`] | seeded and system randomness |
//! | [`ige`], [`ctr`], [`hash`] | hazmat: raw primitives for the crates beside this one |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD where the processor has it, through `mtp-kernels`; the bytes are the same |
//! | `getrandom` | adds `OsEntropy`, the operating system's generator |
//! | `key-file` | adds the module `key_file`, and seven crates below it |
//!
//! | dependency | for |
//! |---|---|
//! | `aes`, `sha1`, `sha2`, `md-5`, `hmac`, `pbkdf2` | the primitives, where no kernel of ours is faster |
//! | `mtp-kernels` | where one is |
//! | `crypto-bigint` | long numbers; their products and powers are ours, and faster |
//! | `crypto-primes` | the Lucas test of a peer's primes, the search for our own |
//! | `pkcs1`, `pkcs8`, `spki`, `der`, `pem-rfc7468` | RSA keys as text |
//! | `argon2`, `chacha20poly1305` | key files, with their feature |
//! | `subtle`, `zeroize` | comparing and wiping secrets |
//! | `getrandom` | the system's randomness, with its feature |
//!
//! # Rules
//!
//! Each check of the specification's table (crypto 17) that belongs here, and what shows it. The
//! others belong to `mtp-session`, which calls these.
//!
//! | check | in the code | in the tests |
//! |---|---|---|
//! | 2 fingerprints of known keys | [`exchange::KNOWN_KEYS`], [`exchange::Fingerprint`] | `exchange/keys.rs` |
//! | 3 pq: two primes, 8 bytes | [`exchange::factor`], [`exchange::ShortNumber::read`] | `exchange/factoring.rs`: `pq`, `pq_invalid`, `numbers_have_at_most_eight_bytes` |
//! | 4 inner data ≤ 144 bytes, drawn again above the modulus | [`exchange::RsaPublicKey::pad_encrypt`] | `exchange/rsa.rs`: `rsa_pad` |
//! | 5, 15 answer: whole blocks, SHA-1, padding ≤ 15 | [`exchange::TmpAes::open`] | `exchange/nonces.rs`: `answers_of_every_length_open_and_no_other` |
//! | 6 safe prime, residue | [`exchange::DhGroup::check`] | `exchange/dh.rs`: `dh_params` |
//! | 7 public values in range, also one's own | [`exchange::DhSecret`] | `exchange/dh.rs`: `dh_public_range`, `small_public_values_are_drawn_again` |
//! | 8 `new_nonce_hash` | [`exchange::NewNonceHash::matches`] | `exchange/nonces.rs`: `new_nonce_hash` |
//! | 9, 16 key id not zero | [`AuthKey::new`] | `record_vectors.rs` |
//! | 12 RSA: hash before anything else, constant time | [`exchange::RsaPrivateKey::decrypt`] | `exchange/rsa.rs`: `rsa_pad_negative`, `damaged_and_foreign_envelopes_fail_alike` |
//! | 17, 18 key id, whole blocks | [`open`] | `record_properties.rs`: `cut_and_lengthened_packets` |
//! | 19 message key over all, constant time, first | [`open`] | `any_flipped_bit_is_refused_alike_and_wiped` |
//! | 20 length and padding | [`open`] | `record_vectors.rs`: `messages_negative` |
//! | 22 kind of message id | [`MsgId::kind`] | `ids.rs` |
//! | 26 inner fields of a binding | [`bind::open_bind`] | `bind.rs` |
//! | 28 hash of a CDN part, sizes | [`cdn::open_part`], [`cdn::FileKey::new`] | `record_vectors.rs`: `cdn` |
//! | 29 B in range, u not zero | [`srp::prove`] | `srp.rs`: `server_values_out_of_range` |
//! | 30 A in range, M1 constant time, one use | [`srp::Challenge::verify`] | `srp.rs` |
//! | 31 messages of chats, 1.0 only below layer 73 | [`secret_chat::open`], [`secret_chat::PeerLayer`] | `secret_chat.rs` |
//! | 32, 33 numbers of chats | [`secret_chat::Sequence`] | `secret_chat_order.rs` |
//! | 34 fingerprints | [`secret_chat::confirm`], [`secret_chat::ChatKeys`], [`calls::Callee::confirmed`] | `secret_chat.rs`, `calls.rs` |
//! | 35 random bytes of a wrapper ≥ 15 | [`secret_chat::check_random_bytes`] | `secret_chat.rs`: `wrappers_need_fifteen_random_bytes` |
//! | 36 commitment of a call | [`calls::Callee::confirmed`] | `calls.rs`: `calls_to_discard` |
//!
//! **Panics and errors.** No byte of a peer leads to a panic. Refused packets are one value without
//! a reason, after the same work; everything else names the broken rule. Secrets are wiped when
//! dropped, never printed, and compared in constant time: `docs/constant-time.md`.
#![no_std]

extern crate alloc;

pub mod auth_key;
pub mod bind;
pub mod calls;
pub mod cdn;
pub mod ctr;
mod dc_id;
#[doc(hidden)]
pub mod engine;
pub mod entropy;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod envelope;
pub mod exchange;
pub mod hash;
pub mod ids;
pub mod ige;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#[cfg(feature = "key-file")]
pub mod key_file;
mod parts;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod secret_chat;
pub mod side;
pub mod srp;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod v1;
#[cfg(test)]
mod vectors;

pub use auth_key::{AuthKey, ZeroKeyId};
pub use dc_id::DcId;
#[cfg(feature = "getrandom")]
pub use entropy::OsEntropy;
pub use entropy::{CtrEntropy, Entropy};
pub use envelope::{
    InnerHeader, OpenError, OpenJob, Opened, PREFIX_LEN, Padding, SealError, SealJob, open,
    open_batch, pad, seal, seal_batch,
};
pub use ids::{AuthKeyId, MsgId, MsgIdKind, QuickAckToken, Salt, SeqNo, SessionId};
pub use side::Side;
