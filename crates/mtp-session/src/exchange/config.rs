//! Configuration values of the key exchange.

use core::time::Duration;

/// Kind of key that a client requests.
// spec: crypto 11.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRequest {
    /// A key without expiry.
    Permanent,
    /// A key that expires, for forward secrecy.
    Temporary {
        /// Lifetime in seconds, counted by the server from the creation of the key. Greater than zero; usually 86,400.
        expires_in_s: i32,
    },
}

/// Where the expensive arithmetic of a key exchange runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arithmetic {
    /// In `handle_packet`, which then takes milliseconds.
    #[default]
    Inline,
    /// Where the driver chooses: `poll_work` returns a job, `handle_work` takes its result.
    Deferred,
}

/// Maximum number of retries after a key collision.
pub(crate) const RETRIES_MAX: u8 = 5;

/// Time after which both sides drop an unfinished exchange.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
