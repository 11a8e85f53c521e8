//! Client session configuration.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::Padding;
use mtp_tl::{Encode, Output};

use crate::service::HttpWait;
use crate::service::wrappers::{INIT_CONNECTION, INVOKE_WITH_LAYER};
use crate::session::rules::Rules;
use crate::version::Version;

/// Limits and timers of a client session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientSessionConfig {
    /// Padding policy, which hides packet lengths. Default: the minimum.
    pub padding: Padding,
    /// Received ids remembered to detect duplicates, 16 bytes each. Default 1000, as most implementations.
    // spec: session 5.3
    pub duplicates_max: usize,
    /// Bytes of pending events; above it packets are refused until the application has caught up.
    /// Default 32 MiB: two answers of the largest size.
    pub event_bytes_max: usize,
    /// Bytes that one packed object may unpack to. Default 16 MiB; one packet may unpack to twice as much.
    // spec: session 8.13
    pub unpacked_bytes_max: usize,
    /// Bodies of at least this length are packed if that makes them shorter. Default 256: below it the header
    /// outweighs the gain. `usize::MAX` turns packing off.
    // spec: session 8.13
    pub pack_from_bytes: usize,
    /// Messages in one container. Default 1020: the other side accepts 1024.
    // spec: session 8.11
    pub container_messages_max: usize,
    /// A container that holds this many bytes of bodies takes no further message. Default 32 KiB.
    // spec: session 8.11
    pub container_bytes: usize,
    /// How long acknowledgments wait for a packet to travel in. Default 30 s.
    // spec: session 8.14
    pub ack_delay: Duration,
    /// Pending acknowledgments that are sent without waiting. Default 100.
    // spec: session 8.14
    pub ack_count: usize,
    /// Bytes of buffers kept for reuse. Default 1 MiB, so that steady traffic does not allocate.
    pub spare_bytes_max: usize,
    /// The version of message encryption. Default 2.0; 1.0 is for legacy servers.
    // spec: session 16
    pub version: Version,
    /// The client's `initConnection`; without it calls are not wrapped.
    pub init: Option<InitParams>,
    /// Calls in flight at a time; further calls wait. Default 1024.
    // spec: session 11.7
    pub calls_in_flight_max: usize,
    /// Open calls. Default 8192.
    // spec: session 11.7
    pub calls_max: usize,
    /// Bytes of the bodies of open calls. Default 64 MiB.
    // spec: session 11.7
    pub call_bytes_max: usize,
    /// How long a call may wait for others to share its packet. Default zero: a driver polls once
    /// per wake-up, which already collects calls. Other implementations wait 1 ms.
    pub flush_delay: Duration,
    /// Time without answer or acknowledgment after which the state of a call is requested. Default 10 s.
    // spec: session 11.4
    pub ask_after: Duration,
    /// Sent message ids remembered, to resolve notifications; at least those of one
    /// container. Default 1000.
    // spec: session 11.1
    pub sent_max: usize,
    /// Whether links are pinged. Default true; a session for one short exchange needs no pings.
    // spec: session 8.7
    pub ping: bool,
    /// Whether salts are requested before they are needed. Default true.
    // spec: session 6.2
    pub future_salts: bool,
    /// Recoveries by a new session within a minute, and by a new id for each call. Default 5.
    // spec: session 8.15
    pub recoveries_max: u8,
    /// `http_wait` of an HTTP link that carries calls. Default 30, 10, 0 ms.
    // spec: session 14
    pub http_calls: HttpWait,
    /// `http_wait` of a long-poll HTTP link. Default 30, 10, 25,000 ms.
    // spec: session 14
    pub http_poll: HttpWait,
    /// `http_wait` of an HTTP link that carries calls while some are unanswered and there is no long-poll link.
    /// A call made meanwhile waits at most that long. Default 30, 10, 1000 ms.
    // spec: session 14
    pub http_alone: HttpWait,
    /// The rule to break, for tests of the invariants.
    #[cfg(feature = "__mutations")]
    pub broken: Option<crate::session::Mutation>,
}

impl ClientSessionConfig {
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

impl Default for ClientSessionConfig {
    fn default() -> Self {
        Self {
            padding: Padding::Minimum,
            duplicates_max: 1000,
            event_bytes_max: 32 << 20,
            unpacked_bytes_max: 16 << 20,
            pack_from_bytes: 256,
            container_messages_max: 1020,
            container_bytes: 32 << 10,
            ack_delay: Duration::from_secs(30),
            ack_count: 100,
            spare_bytes_max: 1 << 20,
            version: Version::Two,
            init: None,
            calls_in_flight_max: 1024,
            calls_max: 8192,
            call_bytes_max: 64 << 20,
            flush_delay: Duration::ZERO,
            ask_after: Duration::from_secs(10),
            sent_max: 1000,
            ping: true,
            future_salts: true,
            recoveries_max: 5,
            http_calls: HttpWait { max_delay: 30, wait_after: 10, max_wait: 0 },
            http_poll: HttpWait { max_delay: 30, wait_after: 10, max_wait: 25_000 },
            http_alone: HttpWait { max_delay: 30, wait_after: 10, max_wait: 1000 },
            #[cfg(feature = "__mutations")]
            broken: None,
        }
    }
}

/// The wrappers in which a client introduces itself.
// spec: session 9
#[derive(Clone, Debug)]
pub struct InitParams {
    prefix: Vec<u8>,
}

/// Required fields of `initConnection`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the schema's required fields")]
pub struct ClientInfo<'a> {
    /// The id of the application.
    pub api_id: i32,
    /// The device's model.
    pub device_model: &'a str,
    /// The system's version.
    pub system_version: &'a str,
    /// The application's version.
    pub app_version: &'a str,
    /// The system's language, for example `en-US`.
    pub system_lang_code: &'a str,
    /// The language pack, empty for none.
    pub lang_pack: &'a str,
    /// The application's language, for example `en`.
    pub lang_code: &'a str,
}

impl InitParams {
    /// Builds `invokeWithLayer(initConnection(…))`.
    #[must_use]
    pub fn new(layer: i32, info: &ClientInfo<'_>) -> Self {
        let mut prefix = Vec::new();
        INVOKE_WITH_LAYER.encode(&mut prefix);
        layer.encode(&mut prefix);
        INIT_CONNECTION.encode(&mut prefix);
        0_u32.encode(&mut prefix);
        info.api_id.encode(&mut prefix);
        for text in [
            info.device_model,
            info.system_version,
            info.app_version,
            info.system_lang_code,
            info.lang_pack,
            info.lang_code,
        ] {
            prefix.put_string(text.as_bytes());
        }
        Self { prefix }
    }

    /// Takes complete wrappers, for clients that also send `proxy` or `params`.
    #[must_use]
    pub const fn from_prefix(prefix: Vec<u8>) -> Self {
        Self { prefix }
    }

    /// Returns the bytes that precede a call.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}

/// Maximum length of a message in a container that servers accept.
// spec: session 8.11
pub const CALL_BYTES_MAX: usize = 1_044_404;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Wrappers;
    use crate::vectors;

    // spec: session 9
    #[test]
    fn init_connection_prefix_matches_the_vectors() {
        let entries = vectors::section("service_messages", 57);
        let entry = entries
            .iter()
            .find(|entry| entry.text("name") == "invokeWithLayer" && entry.bytes("body").len() > 20)
            .unwrap();
        let info = ClientInfo {
            api_id: 12345,
            device_model: "model",
            system_version: "1.0",
            app_version: "0.1",
            system_lang_code: "en",
            lang_pack: "",
            lang_code: "en",
        };
        let mut body = InitParams::new(195, &info).prefix().to_vec();
        body.extend([0x6b, 0x18, 0xf9, 0xc4]);
        assert_eq!(body, entry.bytes("body"));
        assert_eq!(Wrappers::peel(&body).unwrap().0.layer, Some(195));
    }
}
