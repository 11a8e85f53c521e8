//! `config` and `dcOption`.

use mtp_env::Now;
use mtp_tl::{Constructor, ConstructorId, Encode, EncodeBare, Flags, Output, TlStr};

use crate::call::seconds;
use crate::config::DcOption;
use crate::ids::constructors;

impl Constructor for DcOption {
    const ID: ConstructorId = ConstructorId::new(constructors::DC_OPTION);
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

/// `config`: the fields that vary. The others are limits, as real data centers send them.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    pub(crate) now: Now,
    pub(crate) test_mode: bool,
    pub(crate) this_dc: i32,
    pub(crate) dc_options: &'a [DcOption],
}

/// How long a client may use a configuration, in seconds.
pub(crate) const CONFIG_LIFE_S: u64 = 3600;

impl Constructor for Config<'_> {
    const ID: ConstructorId = ConstructorId::new(constructors::CONFIG);
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
        TlStr::from("").encode(out); // dc_txt_domain_name: addresses are not published in DNS
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
const VECTOR: u32 = mtp_tl::VECTOR.get();
