//! Configuration and addresses of a link.

use core::net::SocketAddr;
use core::time::Duration;

/// Configuration of all links of a process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddleLinkConfig {
    /// Limit for nonces and handshakes together; 5 s by default.
    // spec: proxy 4.4
    pub handshake_timeout: Duration,
    /// Accepted difference between the clocks of both ends; 30 s by default.
    // spec: proxy 2.2
    pub clock_skew_max: Duration,
    /// Limit of a frame; 2^24 bytes by default, which is also the most.
    // spec: proxy 2.1
    pub frame_len_max: usize,
    /// Pongs that wait to be sent, in bytes; 64 KiB by default. Further pings are not answered.
    pub urgent_len_max: usize,
    /// Queued bytes at which a link accepts no further packets; 1 MiB by default.
    pub queue_len_max: usize,
    /// Time without a received byte after which a ping is sent; 20 s by default. A link without a byte
    /// for twice that time is closed.
    // spec: proxy 4.4
    pub ping_interval: Duration,
    /// Largest random deviation of that time, so that links are not pinged together; 5 s by default.
    pub ping_jitter: Duration,
    /// Offers and accepts CRC-32C; on by default.
    // spec: proxy 2.4
    pub crc32c: bool,
}

impl Default for MiddleLinkConfig {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            clock_skew_max: Duration::from_secs(30),
            frame_len_max: FRAME_LEN_CEILING,
            urgent_len_max: 64 * 1024,
            queue_len_max: 1024 * 1024,
            ping_interval: Duration::from_secs(20),
            ping_jitter: Duration::from_secs(5),
            crc32c: true,
        }
    }
}

/// Addresses of a link, as the middle proxy sees them: they are part of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a link has two ends")]
pub struct LinkAddresses {
    /// The proxy, behind a NAT its public address.
    pub proxy: SocketAddr,
    /// The middle proxy.
    pub middle: SocketAddr,
}

/// Every configured limit of a frame is lowered to this.
// spec: proxy 2.1
pub const FRAME_LEN_CEILING: usize = 1 << 24;
