//! `help.*`: where the client is, where else it may go, and that there is no news.

use alloc::vec::Vec;

use mtp_tl::{Decoder, Encode};

use super::{Api, done};
use crate::call::{Call, Reply, end, seconds};
use crate::ids::constructors;
use crate::ids::functions::help;
use crate::objects::config::{CONFIG_LIFE_S, Config};

impl Api {
    /// Answers a call of `help.*`.
    pub(super) fn call_help(&self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            help::GET_CONFIG => done(d, || self.get_config(call)),
            help::GET_NEAREST_DC => done(d, || self.get_nearest_dc()),
            help::GET_APP_CONFIG => Self::get_app_config(d),
            help::GET_APP_UPDATE => Self::get_app_update(d),
            help::GET_TERMS_OF_SERVICE_UPDATE => {
                let empty = constructors::help::TERMS_OF_SERVICE_UPDATE_EMPTY;
                done(d, || Self::nothing_until_later(call, empty))
            }
            help::GET_PROMO_DATA => {
                let empty = constructors::help::PROMO_DATA_EMPTY;
                done(d, || Self::nothing_until_later(call, empty))
            }
            help::GET_CDN_CONFIG => done(d, Self::get_cdn_config),
            help::GET_COUNTRIES_LIST => Self::get_countries_list(d),
            _ => return None,
        })
    }

    /// `help.getConfig`
    fn get_config(&self, call: &Call) -> Vec<u8> {
        let config = Config {
            now: call.now,
            test_mode: self.config.test_mode,
            this_dc: self.config.this_dc,
            dc_options: &self.config.dc_options,
        };
        config.to_bytes()
    }

    /// `help.getNearestDc`
    fn get_nearest_dc(&self) -> Vec<u8> {
        let mut out = constructors::NEAREST_DC.to_bytes();
        "ZZ".encode(&mut out); // no country: addresses are not looked up
        self.config.this_dc.encode(&mut out);
        self.config.this_dc.encode(&mut out);
        out
    }

    /// `help.getAppConfig hash:int`: nothing is configured.
    fn get_app_config(d: &mut Decoder<'_>) -> Reply {
        d.read::<i32>()?;
        end(d)?;
        let mut out = Vec::new();
        constructors::help::APP_CONFIG.encode(&mut out);
        0_i32.encode(&mut out);
        constructors::JSON_OBJECT.encode(&mut out);
        Vec::<i32>::new().encode(&mut out);
        Ok(out)
    }

    /// `help.getAppUpdate source:string`: no application is distributed here.
    fn get_app_update(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        end(d)?;
        Ok(constructors::help::NO_APP_UPDATE.to_bytes())
    }

    /// `help.getCdnConfig`: there are no content delivery centers.
    fn get_cdn_config() -> Vec<u8> {
        let mut out = constructors::CDN_CONFIG.to_bytes();
        Vec::<i32>::new().encode(&mut out);
        out
    }

    /// `help.getCountriesList lang_code:string hash:int`: clients have a list of their own.
    fn get_countries_list(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        d.read::<i32>()?;
        end(d)?;
        let mut out = constructors::help::COUNTRIES_LIST.to_bytes();
        Vec::<i32>::new().encode(&mut out);
        0_i32.encode(&mut out);
        Ok(out)
    }

    /// `help.getTermsOfServiceUpdate`, `help.getPromoData`: none, ask again in an hour.
    fn nothing_until_later(call: &Call, empty: u32) -> Vec<u8> {
        let mut out = empty.to_bytes();
        let later = call.now.unix.as_secs().saturating_add(CONFIG_LIFE_S);
        seconds(later).encode(&mut out);
        out
    }
}
