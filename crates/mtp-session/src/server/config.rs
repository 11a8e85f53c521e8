//! Server configuration.

use alloc::sync::Arc;

use super::handshake::ServerHandshakeConfig;
use super::session::{ServerSalts, ServerSessionConfig};
use crate::version::Versions;

/// Server configuration.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct ServerConfig {
    /// Key exchanges: server keys, data centers, limits of runs.
    pub handshake: ServerHandshakeConfig,
    /// Sessions: buffers, windows, limits of messages.
    pub session: ServerSessionConfig,
    /// Secret of the server salts. Each run of a server mixes it with entropy of its own.
    pub salts: Arc<ServerSalts>,
    /// Accepted versions of message encryption. Default 2.0 only.
    // spec: session 16
    pub versions: Versions,
    /// Maximum number of sessions per key; the one that lost its last link first is evicted. As many ended sessions are
    /// remembered by their highest message id for five minutes, against replays. Default 256.
    // spec: session 17
    pub sessions_per_key_max: usize,
    /// Maximum number of sessions per link; the least recently active one is detached. Default 8.
    // spec: session 17
    pub sessions_per_link_max: usize,
    /// Maximum number of sessions; the one that lost its last link first is evicted, and if all have links the packet is
    /// rejected. As many ended sessions are remembered, in less than 100 bytes each. Default 2^20, which takes about
    /// 4 GiB.
    pub sessions_max: usize,
    /// Maximum number of key exchanges that may go on over another link than their own; the oldest loses that. Default
    /// 4096, which takes about 8 MiB.
    // spec: crypto 8.11
    pub exchanges_max: usize,
    /// Maximum number of keys; further exchanges end with `dh_gen_fail`. Default 2^22.
    pub keys_max: usize,
}

impl ServerConfig {
    /// Returns the default configuration.
    pub fn new(handshake: ServerHandshakeConfig, salts: Arc<ServerSalts>) -> Self {
        Self {
            handshake,
            session: ServerSessionConfig::default(),
            salts,
            versions: Versions::Current,
            sessions_per_key_max: SESSIONS_PER_KEY_MAX,
            sessions_per_link_max: SESSIONS_PER_LINK_MAX,
            sessions_max: SESSIONS_MAX,
            exchanges_max: EXCHANGES_MAX,
            keys_max: KEYS_MAX,
        }
    }
}

const SESSIONS_PER_KEY_MAX: usize = 256;
const SESSIONS_PER_LINK_MAX: usize = 8;
const SESSIONS_MAX: usize = 1 << 20;
const EXCHANGES_MAX: usize = 4096;
const KEYS_MAX: usize = 1 << 22;
