//! Server session configuration.

use core::time::Duration;

use mtp_crypto::Padding;

use crate::session::rules::Rules;

/// Limits and timers of a server session; shared by all sessions of one server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerSessionConfig {
    /// Padding policy, which hides packet lengths. Default: the minimum.
    pub padding: Padding,
    /// Received ids remembered to detect duplicates, 16 bytes each. Default 1000, as most implementations.
    // spec: session 5.3
    pub duplicates_max: usize,
    /// Bytes of pending events; above it packets are refused until the application has caught up.
    /// Default 32 MiB: two answers of the largest size.
    pub event_bytes_max: usize,
    /// Bytes that one packed object may unpack to. Default 1 MiB; one packet may unpack to twice as much.
    // spec: session 8.13
    pub unpacked_bytes_max: usize,
    /// Bodies of at least this length are packed if that makes them shorter. Default 512: below it the header
    /// outweighs the gain. `usize::MAX` turns packing off.
    // spec: session 8.13
    pub pack_from_bytes: usize,
    /// Messages in one container. Default 1020: the other side accepts 1024.
    // spec: session 8.11
    pub container_messages_max: usize,
    /// A container that holds this many bytes of bodies takes no further message. Default 32 KiB.
    // spec: session 8.11
    pub container_bytes: usize,
    /// How long acknowledgments wait for a packet to travel in. Default 1.5 s, because the answer usually acknowledges.
    // spec: session 8.14
    pub ack_delay: Duration,
    /// Pending acknowledgments that are sent without waiting. Default 100.
    // spec: session 8.14
    pub ack_count: usize,
    /// Bytes of buffers kept for reuse. Default 1 KiB, so that idle sessions stay small.
    pub spare_bytes_max: usize,
    /// Calls that run at a time; at this number no more packets are accepted. Default 1024.
    // spec: session 11.7
    pub running_max: usize,
    /// Messages kept until they are acknowledged. Default 400.
    // spec: session 11.7
    pub unacked_max: usize,
    /// Bytes of messages kept until they are acknowledged. Default 16 MiB.
    // spec: session 11.7
    pub unacked_bytes_max: usize,
    /// Bytes that the session may hold in all: events, waiting calls, replies, messages until they are acknowledged. At
    /// this number nothing but acknowledgments and containers is read, calls in containers are refused, and so are answers
    /// and pushes. Default 64 MiB.
    pub held_bytes_max: usize,
    /// Bytes of unwritten messages, with [`answer_reserve`](Self::answer_reserve) for each call that the application runs,
    /// at which further calls wait as the bytes they came in. Default 4 MiB.
    pub output_bytes_max: usize,
    /// Bytes that a running call is expected to answer with. Default 32 KiB, so that 128 calls run at a time.
    pub answer_reserve: usize,
    /// How long the store may be full before the session ends. Default 60 s.
    // spec: session 13
    pub full_max: Duration,
    /// A call that runs longer is answered with `-503 Timeout`. Default 30 s.
    // spec: session 10
    pub answer_timeout: Duration,
    /// Time after which an unacknowledged message is retransmitted, doubled by each retransmission.
    /// Default 30 s.
    // spec: session 11.2
    pub repeat_after: Duration,
    /// Retransmissions of a message on one link. Default 5.
    // spec: session 13
    pub repeats_max: u8,
    /// Length up to which messages are retransmitted whole; longer ones are announced. Default 4096.
    // spec: session 11.5
    pub repeat_whole_bytes: usize,
    /// How long a call may wait for its predecessors. Default 0.5 s.
    // spec: session 9
    pub after_timeout: Duration,
    /// Ids that one call may wait for; a call with more fails like one whose predecessor failed. Default 512.
    // spec: session 9
    pub after_ids_max: usize,
    /// Ids that all waiting calls together wait for; a call with more fails like one whose predecessor failed.
    /// Default 8192.
    // spec: session 9
    pub after_edges_max: usize,
    /// Links that the session uses at a time; at one more, the one that was read longest ago is given up. Default 16.
    pub links_max: usize,
    /// How long a session without links is kept. Default 180 s.
    // spec: session 13
    pub idle_keep: Duration,
    /// Maximum delay of `ping_delay_disconnect`. Default 3600 s.
    // spec: session 8.6
    pub disconnect_delay_max: Duration,
    /// Whether the parity of every sequence number is checked, not only where servers rely on it. Default false:
    /// clients differ.
    // spec: session 4
    pub strict_numbers: bool,
    /// The rule to break, for tests of the invariants.
    #[cfg(feature = "__mutations")]
    pub broken: Option<crate::session::Mutation>,
}

impl ServerSessionConfig {
    #[cfg_attr(
        not(feature = "__mutations"),
        expect(clippy::unused_self, reason = "used with the feature")
    )]
    pub(crate) const fn rules(&self) -> Rules {
        Rules {
            #[cfg(feature = "__mutations")]
            broken: self.broken,
        }
    }
}

impl Default for ServerSessionConfig {
    fn default() -> Self {
        Self {
            padding: Padding::Minimum,
            duplicates_max: 1000,
            event_bytes_max: 32 << 20,
            unpacked_bytes_max: 1 << 20,
            pack_from_bytes: 512,
            container_messages_max: 1020,
            container_bytes: 32 << 10,
            ack_delay: Duration::from_millis(1500),
            ack_count: 100,
            spare_bytes_max: 1 << 10,
            running_max: 1024,
            unacked_max: 400,
            unacked_bytes_max: 16 << 20,
            held_bytes_max: 64 << 20,
            output_bytes_max: 4 << 20,
            answer_reserve: 32 << 10,
            full_max: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(30),
            repeat_after: Duration::from_secs(30),
            repeats_max: 5,
            repeat_whole_bytes: 4096,
            after_timeout: Duration::from_millis(500),
            after_ids_max: 512,
            after_edges_max: 8192,
            links_max: 16,
            idle_keep: Duration::from_secs(180),
            disconnect_delay_max: Duration::from_secs(3600),
            strict_numbers: false,
            #[cfg(feature = "__mutations")]
            broken: None,
        }
    }
}
