//! Cryptography: all parsers and all functions that decrypt a peer's data.

mod chats;
mod engines;
mod exchange;
mod keys;
mod messages;
mod passwords;

pub use chats::{chat_keys, chat_open, chat_sequence};
pub use engines::engines;
pub use exchange::{dh_values, pq_factor, rsa_inner, tmp_aes};
pub use keys::{key_file, key_text};
pub use messages::{bind_open, ciphers, message_open, message_seal};
pub use passwords::srp;
