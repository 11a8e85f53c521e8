//! `help.*`: where the client is, where else it may go, and that there is no news.

use alloc::string::String;
use alloc::vec::Vec;

use mtp_env::Now;
use mtp_tl::{
    Constructor, ConstructorId, Decoder, Encode, EncodeBare, Flags, Output, TlStr, tl_struct,
};

use super::Api;
use super::call::{Call, Reply, end, seconds, vector};

impl Api {
    /// `help.getConfig`
    pub(super) fn get_config(&self, call: &Call) -> Vec<u8> {
        let config = Config {
            now: call.now,
            test_mode: self.config.test_mode,
            this_dc: self.config.this_dc,
            dc_options: &self.config.dc_options,
        };
        config.to_bytes()
    }

    /// `help.getNearestDc`
    pub(super) fn get_nearest_dc(&self) -> Vec<u8> {
        let nearest = NearestDc {
            country: TlStr::from("ZZ"), // no country: nothing is looked up by address
            this_dc: self.config.this_dc,
            nearest_dc: self.config.this_dc,
        };
        nearest.to_bytes()
    }

    /// `help.getAppConfig hash:int`: nothing is configured.
    pub(super) fn get_app_config(d: &mut Decoder<'_>) -> Reply {
        d.read::<i32>()?;
        end(d)?;
        let mut out = Vec::new();
        0xdd18_782e_u32.encode(&mut out); // help.appConfig
        0_i32.encode(&mut out);
        0x99c1_d49d_u32.encode(&mut out); // jsonObject
        Vec::<i32>::new().encode(&mut out);
        Ok(out)
    }

    /// `help.getAppUpdate source:string`: no application is given out here.
    pub(super) fn get_app_update(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        end(d)?;
        Ok(NO_APP_UPDATE.to_bytes())
    }

    /// `help.getCdnConfig`: files lie here and nowhere else.
    pub(super) fn get_cdn_config() -> Vec<u8> {
        let mut out = 0x5725_e40a_u32.to_bytes();
        Vec::<i32>::new().encode(&mut out);
        out
    }

    /// `help.getCountriesList lang_code:string hash:int`: clients know the countries themselves.
    pub(super) fn get_countries_list(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        d.read::<i32>()?;
        end(d)?;
        let mut out = 0x87d0_759e_u32.to_bytes();
        Vec::<i32>::new().encode(&mut out);
        0_i32.encode(&mut out);
        Ok(out)
    }

    /// `langpack.getLanguages lang_pack:string`: none.
    pub(super) fn get_languages(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        end(d)?;
        Ok(Vec::<i32>::new().to_bytes())
    }

    /// `langpack.getStrings lang_pack:string lang_code:string keys:Vector<string>`: none.
    pub(super) fn get_strings(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        d.string()?;
        for _ in 0..vector(d, 4, LANG_KEYS_MAX)? {
            d.string()?;
        }
        end(d)?;
        Ok(Vec::<i32>::new().to_bytes())
    }

    /// `langpack.getLangPack lang_pack:string lang_code:string`: what clients have in themselves.
    pub(super) fn get_lang_pack(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        let lang_code = d.string()?;
        end(d)?;
        Ok(lang_pack_difference(lang_code, 0))
    }

    /// `langpack.getDifference lang_pack:string lang_code:string from_version:int`: nothing changed.
    pub(super) fn get_lang_difference(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        let lang_code = d.string()?;
        let from_version = d.read()?;
        end(d)?;
        Ok(lang_pack_difference(lang_code, from_version))
    }

    /// `help.getTermsOfServiceUpdate`, `help.getPromoData`: neither, and ask again in an hour.
    pub(super) fn nothing_until_later(call: &Call, empty: u32) -> Vec<u8> {
        let mut out = empty.to_bytes();
        let later = call.now.unix.as_secs().saturating_add(CONFIG_LIFE_S);
        seconds(later).encode(&mut out);
        out
    }
}

/// `langPackDifference` without strings.
fn lang_pack_difference(lang_code: &[u8], version: i32) -> Vec<u8> {
    let mut out = 0xf385_c1f6_u32.to_bytes();
    lang_code.encode(&mut out);
    version.encode(&mut out);
    version.encode(&mut out);
    Vec::<i32>::new().encode(&mut out);
    out
}

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
struct Config<'a> {
    now: Now,
    test_mode: bool,
    this_dc: i32,
    dc_options: &'a [DcOption],
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
    struct NearestDc<'a> = "nearestDc" # 0x8e1a_1775 {
        /// Country as two letters.
        country: TlStr<'a>,
        /// This data centre.
        this_dc: i32,
        /// The nearest one.
        nearest_dc: i32,
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
const VECTOR: u32 = mtp_tl::vector::VECTOR.get();

/// Texts that one call may ask for.
const LANG_KEYS_MAX: usize = 10_000;

const NO_APP_UPDATE: u32 = 0xc45a_6536;
pub(super) const TERMS_OF_SERVICE_UPDATE_EMPTY: u32 = 0xe330_9f7f;
pub(super) const PROMO_DATA_EMPTY: u32 = 0x98f6_ac75;
