//! The key exchange arithmetic: against every entry of its sections of `vectors/crypto.json`,
//! and for properties that no list of entries can show.

mod dh;
mod factoring;
mod keys;
mod negative;
mod nonces;
mod objects;
mod rsa;
mod transcripts;
