//! `help.getConfig`, `help.getNearestDc`: where the client is, and where else it may go.

use alloc::string::String;

use mtp_env::Now;
use mtp_tl::{Constructor, ConstructorId, Encode, EncodeBare, Flags, Output, TlStr, tl_struct};

/// One address of one data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DcOption {
    /// The data centre's number.
    pub id: i32,
    /// The address in text form.
    pub ip_address: String,
    /// The port.
    pub port: u16,
    /// The address is of the sixth version of the internet protocol.
    pub ipv6: bool,
}

impl DcOption {
    /// Names an address; `ip_address` with a colon is of the sixth version.
    #[must_use]
    pub fn new(id: i32, ip_address: &str, port: u16) -> Self {
        Self { id, ip_address: ip_address.into(), port, ipv6: ip_address.contains(':') }
    }
}

impl Constructor for DcOption {
    const ID: ConstructorId = ConstructorId::new(0x18b7_a10d);
    const NAME: &'static str = "dcOption";
}

impl EncodeBare for DcOption {
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
        Flags::NONE.with(0, self.ipv6).encode(out);
        self.id.encode(out);
        TlStr::from(self.ip_address.as_str()).encode(out);
        i32::from(self.port).encode(out);
    }
}

impl Encode for DcOption {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.encode_boxed(out);
    }
}

/// `config`, with the fields that vary; the rest are the limits a real data centre gives.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) now: Now,
    pub(super) test_mode: bool,
    pub(super) this_dc: i32,
    pub(super) dc_options: &'a [DcOption],
}

/// How long a client may use a configuration, in seconds.
const CONFIG_LIFE_S: u64 = 3600;

impl Constructor for Config<'_> {
    const ID: ConstructorId = ConstructorId::new(0xcc1a_241e);
    const NAME: &'static str = "config";
}

impl EncodeBare for Config<'_> {
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
        let date = self.now.unix.as_secs();
        Flags::NONE.encode(out);
        seconds(date).encode(out);
        seconds(date.saturating_add(CONFIG_LIFE_S)).encode(out);
        self.test_mode.encode(out);
        self.this_dc.encode(out);
        VECTOR.encode(out);
        i32::try_from(self.dc_options.len()).unwrap_or(i32::MAX).encode(out);
        for option in self.dc_options {
            option.encode(out);
        }
        TlStr::from("").encode(out); // dc_txt_domain_name: no address is published over DNS
        for limit in LIMITS {
            limit.encode(out);
        }
        TlStr::from("").encode(out); // me_url_prefix
        for limit in [CAPTION_LENGTH_MAX, MESSAGE_LENGTH_MAX, self.this_dc] {
            limit.encode(out);
        }
    }
}

impl Encode for Config<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.encode_boxed(out);
    }
}

tl_struct! {
    /// Where the client is, and which data centre is nearest.
    #[expect(clippy::struct_field_names, reason = "the schema's names")]
    pub(super) struct NearestDc<'a> = "nearestDc" # 0x8e1a_1775 {
        /// Country as two letters.
        pub(super) country: TlStr<'a>,
        /// This data centre.
        pub(super) this_dc: i32,
        /// The nearest one.
        pub(super) nearest_dc: i32,
    }
}

/// `chat_size_max` to `channels_read_media_period`, then the four timeouts of calls, in the order of
/// the schema; milliseconds and seconds as their names say there.
const LIMITS: [i32; 21] = [
    200, 200_000, 100, // chat_size_max, megagroup_size_max, forwarded_count_max
    210_000, 5_000, 30_000, 300_000, // online and offline periods, ms
    1_500, 25_000, 60_000, 2, // notify delays and push_chat_period, ms; push_chat_limit
    172_800, 172_800, 172_800, // edit_time_limit, revoke_time_limit, revoke_pm_time_limit, s
    2_419_200, 200,
    604_800, // rating_e_decay, stickers_recent_limit, channels_read_media_period
    20_000, 90_000, 30_000, 10_000, // call_receive, call_ring, call_connect, call_packet, ms
];
const CAPTION_LENGTH_MAX: i32 = 1024;
const MESSAGE_LENGTH_MAX: i32 = 4096;
const VECTOR: u32 = 0x1cb5_c415;

/// Seconds as the API writes them: 32 bits, the last second there is when they do not suffice.
pub(super) fn seconds(seconds: u64) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
