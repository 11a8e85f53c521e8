//! The arithmetic of the key exchange: all entries of its sections in `vectors/crypto.json`, and
//! properties.

mod dh;
mod factoring;
mod keys;
mod negative;
mod nonces;
mod objects;
mod rsa;
mod transcripts;
