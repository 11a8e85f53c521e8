//! What a server is told.

use alloc::sync::Arc;

use super::handshake::ServerHandshakeConfig;
use super::session::{ServerSalts, ServerSessionConfig};
use crate::version::Versions;

/// What a [`ServerMachine`](super::ServerMachine) is told.
#[derive(Debug)]
#[must_use]
pub struct ServerConfig {
    /// Key exchanges: server keys, centres, limits of runs.
    pub handshake: ServerHandshakeConfig,
    /// Sessions: stores, windows, limits of messages.
    pub session: ServerSessionConfig,
    /// The secret behind the server salts; the same on all servers of one centre.
    pub salts: Arc<ServerSalts>,
    /// The versions of message encryption that are spoken. Default 2.0 only.
    // spec: session 16
    pub versions: Versions,
    /// Sessions kept for one key; the longest parked makes room. As many that have ended are remembered by their highest
    /// message id for five minutes, so that nobody begins them again with what was seen on the wire. Default 256.
    // spec: session 17
    pub sessions_per_key_max: usize,
    /// Sessions served on one link; the first one leaves it. Default 8.
    // spec: session 17
    pub sessions_per_link_max: usize,
    /// Sessions kept in all; the longest parked makes room, and without one the packet is refused.
    /// As many that have ended are remembered, for less than 100 bytes each. Default 2^20, which takes about 4 GiB.
    pub sessions_max: usize,
    /// Keys kept in all; above it exchanges end with `dh_gen_fail`. Default 2^22.
    pub keys_max: usize,
}

impl ServerConfig {
    /// Builds the default configuration.
    pub fn new(handshake: ServerHandshakeConfig, salts: Arc<ServerSalts>) -> Self {
        Self {
            handshake,
            session: ServerSessionConfig::default(),
            salts,
            versions: Versions::Current,
            sessions_per_key_max: SESSIONS_PER_KEY_MAX,
            sessions_per_link_max: SESSIONS_PER_LINK_MAX,
            sessions_max: SESSIONS_MAX,
            keys_max: KEYS_MAX,
        }
    }
}

const SESSIONS_PER_KEY_MAX: usize = 256;
const SESSIONS_PER_LINK_MAX: usize = 8;
const SESSIONS_MAX: usize = 1 << 20;
const KEYS_MAX: usize = 1 << 22;
