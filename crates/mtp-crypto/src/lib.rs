//! MTProto cryptography for clients and servers: encrypted messages, the arithmetic of the key
//! exchange, passwords, secret chats, calls, CDN files and keys at rest.
//!
//! This crate generates no random bytes, reads no clock and parses no TL: randomness and time are
//! arguments, objects are byte strings. `mtp-session` chooses keys, sessions and salts and drives
//! the key exchange; `mtp-transport` does framing and obfuscation.
//!
//! ```text
//!   exchange ───────────▶ AuthKey ──▶ bind        a temporary key to a permanent one
//!                            │    └─▶ key_file    at rest, under a password
//!                            ▼
//!   header, body ──▶ begin, pad, seal ══ packet ══▶ open ──▶ header, body
//!                    (random padding)               (one error for every defect)
//! ```
//!
//! ```
//! use mtp_crypto::{
//!     AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, open,
//!     pad, seal,
//! };
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let mut entropy = CtrEntropy::new([7; 32]); // in production, from the operating system
//! let key = AuthKey::new([1; 256])?; // in production, from a key exchange
//! let header = InnerHeader {
//!     salt: Salt::from_raw(1),
//!     session_id: SessionId::from_raw(2),
//!     msg_id: MsgId::from_raw(0x65ab_c0fd_4000_0004),
//!     seq_no: SeqNo::from_raw(1),
//! };
//!
//! let mut packet = Vec::new();
//! let start = begin(&mut packet, header);
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
//! | items | purpose |
//! |---|---|
//! | [`begin`], [`pad`], [`seal`], [`open`], [`InnerHeader`] | messages of MTProto 2.0 |
//! | [`seal_batch`], [`open_batch`] | several messages at once |
//! | [`v1`] | messages of MTProto 1.0, where still in use |
//! | [`AuthKey`], [`MsgId`], [`Salt`], [`SessionId`], [`DcId`], [`Side`] | the shared secret, identifiers, directions |
//! | [`exchange`] | arithmetic of the key exchange: pq, RSA, Diffie-Hellman, nonces |
//! | [`bind`] | the proof in `auth.bindTempAuthKey` |
//! | [`srp`] | two-factor passwords, client and server |
//! | [`secret_chat`], [`calls`] | end-to-end encryption: keys, messages, order, fingerprints |
//! | [`cdn`] | files from untrusted content delivery networks |
//! | `key_file` | keys at rest under a password, with its feature |
//! | [`CtrEntropy`], `OsEntropy` | seeded and system randomness |
//! | [`ige`], [`ctr`], [`hash`] | hazmat: raw primitives for sibling crates |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD if the processor supports it, through `mtp-kernels`; output is identical |
//! | `getrandom` | adds `OsEntropy`, the operating system's generator |
//! | `key-file` | adds the module `key_file` and seven dependencies |
//!
//! | dependency | purpose |
//! |---|---|
//! | `mtp-kernels` | the primitives with SIMD |
//! | `aes`, `sha1`, `sha2`, `md-5`, `hmac`, `pbkdf2` | the primitives without |
//! | `crypto-bigint` | big integers; products and powers use our own, faster code |
//! | `crypto-primes` | the Lucas test of a peer's primes, generation of our own |
//! | `pkcs1`, `pkcs8`, `spki`, `der`, `pem-rfc7468` | RSA keys as PEM and DER |
//! | `argon2`, `chacha20poly1305` | key files, with their feature |
//! | `subtle`, `zeroize` | constant-time comparison and wiping of secrets |
//! | `getrandom` | system randomness, with its feature |
//!
//! # Checks
//!
//! The checks of the specification (crypto 17) that this crate implements, with their tests in
//! `tests/it`.
//! `mtp-session` implements the other checks.
//!
//! | check | in the code | in the tests |
//! |---|---|---|
//! | 2 fingerprints of published keys | [`exchange::KNOWN_KEYS`], [`exchange::Fingerprint`] | `exchange/keys.rs` |
//! | 3 pq: two primes, 8 bytes | [`exchange::factor`], [`exchange::ShortNumber::read`] | `exchange/factoring.rs`: `pq_vectors`, `invalid_pq_vectors`, `short_numbers_have_at_most_eight_bytes` |
//! | 4 inner data ≤ 144 bytes, redrawn above the modulus | [`exchange::RsaPublicKey::pad_encrypt`] | `exchange/rsa.rs`: `rsa_pad_vectors` |
//! | 5, 15 answer: whole blocks, SHA-1, padding ≤ 15 | [`exchange::TmpAes::open`] | `exchange/nonces.rs`: `answers_of_every_length_open_and_damaged_ones_do_not` |
//! | 6 safe prime, residue | [`exchange::DhGroup::check`] | `exchange/dh.rs`: `dh_params_vectors` |
//! | 7 public values in range, including our own | [`exchange::DhSecret`] | `exchange/dh.rs`: `dh_public_range_vectors`, `exponents_with_small_public_values_are_drawn_again` |
//! | 8 `new_nonce_hash` | [`exchange::NewNonceHash::matches`] | `exchange/nonces.rs`: `new_nonce_hash_vectors` |
//! | 9, 16 key id not zero | [`AuthKey::new`] | `record_vectors.rs` |
//! | 12 RSA: hash checked first, constant time | [`exchange::RsaPrivateKey::decrypt`] | `exchange/rsa.rs`: `negative_rsa_pad_vectors`, `damaged_data_and_data_for_other_keys_give_the_same_error` |
//! | 17, 18 key id, whole blocks | [`open`] | `record_properties.rs`: `truncated_packets_are_rejected_and_short_tails_are_ignored` |
//! | 19 message key over everything, checked first, constant time | [`open`] | `packets_with_a_flipped_bit_are_rejected_and_wiped` |
//! | 20 length and padding | [`open`] | `record_vectors.rs`: `negative_message_vectors` |
//! | 22 kind of message id | [`MsgId::kind`] | `src/ids.rs`: `message_ids_contain_time_and_kind` |
//! | 26 inner fields of a binding | [`bind::open_bind`] | `bind.rs` |
//! | 28 hash of a CDN part, sizes | [`cdn::open_part`], [`cdn::CdnFileKey::new`] | `record_vectors.rs`: `cdn_vectors` |
//! | 29 B in range, u not zero | [`srp::prove`] | `srp.rs`: `server_values_out_of_range_are_rejected` |
//! | 30 A in range, M1 in constant time, single use | [`srp::Challenge::verify`] | `srp.rs` |
//! | 31 messages of chats, MTProto 1.0 only below layer 73 | [`secret_chat::open`], [`secret_chat::PeerLayer`] | `secret_chat.rs` |
//! | 32, 33 sequence numbers of chats | [`secret_chat::Sequence`] | `secret_chat_order.rs` |
//! | 34 fingerprints | [`secret_chat::confirm`], [`secret_chat::ChatKeys`], [`calls::Callee::confirmed`] | `secret_chat.rs`, `calls.rs` |
//! | 35 random bytes of a wrapper ≥ 15 | [`secret_chat::check_random_bytes`] | `secret_chat.rs`: `wrappers_need_fifteen_random_bytes` |
//! | 36 commitment of a call | [`calls::Callee::confirmed`] | `calls.rs`: `calls_to_discard` |
//!
//! **Panics and errors.** No bytes from a peer cause a panic. A rejected packet gives one error
//! value without a reason, after the same amount of work; every other error names the violated rule.
//! Secrets are wiped on drop, never printed, and compared in constant time (see
//! `docs/constant-time.md`).
#![no_std]

extern crate alloc;

mod auth_key;
pub mod bind;
pub mod calls;
pub mod cdn;
pub mod ctr;
mod dc_id;
#[doc(hidden)]
pub mod engine;
mod entropy;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
mod envelope;
pub mod exchange;
pub mod hash;
mod ids;
pub mod ige;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#[cfg(feature = "key-file")]
pub mod key_file;
mod parts;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod secret_chat;
mod side;
pub mod srp;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod v1;
#[cfg(test)]
mod vectors;

pub use auth_key::{AuthKey, ZeroKeyId};
pub use dc_id::DcId;
pub use entropy::CtrEntropy;
#[cfg(feature = "getrandom")]
pub use entropy::OsEntropy;
pub use envelope::{
    EXTERNAL_HEADER_LEN, InnerHeader, OpenError, OpenJob, Opened, PACKET_MIN, PADDING_MAX,
    PADDING_MIN, PREFIX_LEN, Padding, SealError, SealJob, begin, open, open_batch, pad, seal,
    seal_batch,
};
pub use ids::{AuthKeyId, MsgId, MsgIdKind, QuickAckToken, Salt, SeqNo, SessionId};
pub use side::Side;
