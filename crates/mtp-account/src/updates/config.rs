//! Limits and waits of the update machine.

use core::time::Duration;

/// Limits and waits of the update machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateConfig {
    /// The account is a bot: differences of channels may be large.
    pub bot: bool,
    /// Whether updates that name unknown peers are fetched instead of delivered.
    pub complete: bool,
    /// How long a gap may take to close by itself.
    pub gap_wait: Duration,
    /// After so long without a container the difference is fetched.
    pub silence_max: Duration,
    /// The least time between two fetches of one channel.
    pub channel_pause: Duration,
    /// The longest wait after a failure, without the jitter.
    pub retry_wait_max: Duration,
    /// Updates in one difference of a channel, for users.
    pub channel_limit: i32,
    /// Updates in one difference of a channel, for bots.
    pub bot_channel_limit: i32,
    /// Channels fetched at the same time.
    pub channel_fetches_max: usize,
    /// Channels tracked.
    pub channels_max: usize,
    /// Updates that one sequence keeps.
    pub kept_items_max: usize,
    /// Bytes of updates that one sequence keeps.
    pub kept_bytes_max: usize,
    /// Slices in a row that may leave the state as it was.
    pub idle_slices_max: u32,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self {
            bot: false,
            complete: true,
            gap_wait: Duration::from_millis(500),
            silence_max: Duration::from_secs(900),
            channel_pause: Duration::from_secs(1),
            retry_wait_max: Duration::from_secs(60),
            channel_limit: 100,
            bot_channel_limit: 100_000,
            channel_fetches_max: 10,
            channels_max: 10_000,
            kept_items_max: 1000,
            kept_bytes_max: 8 << 20,
            idle_slices_max: 3,
        }
    }
}
