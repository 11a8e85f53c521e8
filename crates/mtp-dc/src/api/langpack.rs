//! `langpack.*`: there are no language packs. Clients have texts of their own.

use alloc::vec::Vec;

use mtp_tl::{Decoder, Encode};

use super::Api;
use crate::call::{Reply, end, vector};
use crate::ids::constructors;
use crate::ids::functions::langpack;

impl Api {
    /// Answers a call of `langpack.*`.
    pub(super) fn call_langpack(id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            langpack::GET_LANGUAGES => Self::get_languages(d),
            langpack::GET_STRINGS => Self::get_strings(d),
            langpack::GET_LANG_PACK => Self::get_lang_pack(d),
            langpack::GET_DIFFERENCE => Self::get_lang_difference(d),
            _ => return None,
        })
    }

    /// `langpack.getLanguages lang_pack:string`: none.
    fn get_languages(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        end(d)?;
        Ok(Vec::<i32>::new().to_bytes())
    }

    /// `langpack.getStrings lang_pack:string lang_code:string keys:Vector<string>`: none.
    fn get_strings(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        d.string()?;
        for _ in 0..vector(d, 4, LANG_KEYS_MAX)? {
            d.string()?;
        }
        end(d)?;
        Ok(Vec::<i32>::new().to_bytes())
    }

    /// `langpack.getLangPack lang_pack:string lang_code:string`: empty; clients have texts of their own.
    fn get_lang_pack(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        let lang_code = d.string()?;
        end(d)?;
        Ok(lang_pack_difference(lang_code, 0))
    }

    /// `langpack.getDifference lang_pack:string lang_code:string from_version:int`: nothing changed.
    fn get_lang_difference(d: &mut Decoder<'_>) -> Reply {
        d.string()?;
        let lang_code = d.string()?;
        let from_version = d.read()?;
        end(d)?;
        Ok(lang_pack_difference(lang_code, from_version))
    }
}

/// `langPackDifference` without strings.
fn lang_pack_difference(lang_code: &[u8], version: i32) -> Vec<u8> {
    let mut out = constructors::LANG_PACK_DIFFERENCE.to_bytes();
    lang_code.encode(&mut out);
    version.encode(&mut out);
    version.encode(&mut out);
    Vec::<i32>::new().encode(&mut out);
    out
}

/// Strings that one call may ask for.
const LANG_KEYS_MAX: usize = 10_000;
