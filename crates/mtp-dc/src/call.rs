//! A call as a client sends it: wrappers around a query.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use mtp_tl::{DecodeError, Decoder, Flags, TlStr};

/// How many wrappers may stand around a query.
// spec: session 9
pub const WRAPPERS_MAX: usize = 16;

/// How deep the `params` of `initConnection`, a JSON value, may be nested.
pub const PARAMS_DEPTH_MAX: usize = 16;

/// A query and what the wrappers around it say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call<'a> {
    /// `invokeWithLayer`: the layer in which the client speaks.
    pub layer: Option<i32>,
    /// `initConnection`: who the client is.
    pub client: Option<ClientInfo>,
    /// `invokeWithoutUpdates`: this link wants no updates.
    pub without_updates: bool,
    /// The API method with its fields.
    pub query: &'a [u8],
}

/// What a client says of itself with `initConnection`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// The application's number.
    pub api_id: i32,
    /// The device.
    pub device_model: String,
    /// The operating system.
    pub system_version: String,
    /// The application's version.
    pub app_version: String,
    /// The language of the interface.
    pub lang_code: String,
}

/// A call's wrappers cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The bytes are no wrapper of that id.
    Malformed(DecodeError),
    /// More than [`WRAPPERS_MAX`] wrappers, or parameters nested deeper than [`PARAMS_DEPTH_MAX`].
    TooDeep,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "malformed wrapper: {why}"),
            Self::TooDeep => f.write_str("too many wrappers or too deep parameters"),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(why) => Some(why),
            Self::TooDeep => None,
        }
    }
}

impl From<DecodeError> for CallError {
    fn from(why: DecodeError) -> Self {
        Self::Malformed(why)
    }
}

impl<'a> Call<'a> {
    /// Takes the wrappers off, in whatever order they stand.
    ///
    /// `invokeAfterMsg` and packing are the session's; what is passed on without meaning for a data
    /// centre of this kind (ranges, takeouts, tokens) is read over.
    ///
    /// # Errors
    /// [`CallError`]: a wrapper that cannot be read, or too many.
    // spec: session 9
    pub fn parse(body: &'a [u8]) -> Result<Self, CallError> {
        let mut call = Self::default();
        let mut d = Decoder::new(body);
        for _ in 0..=WRAPPERS_MAX {
            let Some(id) = d.peek_id() else { break };
            let query = d.remaining();
            match id.get() {
                INVOKE_WITH_LAYER => {
                    d.id()?;
                    call.layer = Some(d.read()?);
                }
                INIT_CONNECTION => {
                    d.id()?;
                    call.client = Some(init_connection(&mut d)?);
                }
                INVOKE_WITHOUT_UPDATES => {
                    d.id()?;
                    call.without_updates = true;
                }
                INVOKE_WITH_MESSAGES_RANGE => {
                    d.id()?;
                    d.take(MESSAGE_RANGE_LEN)?;
                }
                INVOKE_WITH_TAKEOUT => {
                    d.id()?;
                    d.read::<i64>()?;
                }
                INVOKE_WITH_BUSINESS_CONNECTION | INVOKE_WITH_RECAPTCHA => {
                    d.id()?;
                    d.string()?;
                }
                INVOKE_WITH_PLAY_INTEGRITY | INVOKE_WITH_APNS_SECRET => {
                    d.id()?;
                    d.string()?;
                    d.string()?;
                }
                _ => {
                    call.query = body.get(body.len().saturating_sub(query)..).unwrap_or_default();
                    return Ok(call);
                }
            }
        }
        if d.remaining() == 0 { Ok(call) } else { Err(CallError::TooDeep) }
    }
}

fn init_connection(d: &mut Decoder<'_>) -> Result<ClientInfo, CallError> {
    let flags: Flags = d.read()?;
    let api_id = d.read()?;
    let mut text = || -> Result<String, DecodeError> {
        Ok(d.read::<TlStr<'_>>()?.to_str_lossy().into_owned())
    };
    let (device_model, system_version, app_version) = (text()?, text()?, text()?);
    let (_system_lang_code, _lang_pack, lang_code) = (text()?, text()?, text()?);
    if flags.has(0) {
        d.expect_id(mtp_tl::ConstructorId::new(INPUT_CLIENT_PROXY), "inputClientProxy")?;
        d.string()?;
        d.read::<i32>()?;
    }
    if flags.has(1) {
        skip_json(d)?;
    }
    Ok(ClientInfo { api_id, device_model, system_version, app_version, lang_code })
}

/// Reads over a JSON value without recursion; `open` counts what is left at each depth.
fn skip_json(d: &mut Decoder<'_>) -> Result<(), CallError> {
    let mut open: Vec<(usize, bool)> = Vec::new();
    open.push((1, false));
    while let Some((left, named)) = open.last_mut() {
        let Some(less) = left.checked_sub(1) else {
            open.pop();
            continue;
        };
        *left = less;
        if *named {
            d.expect_id(mtp_tl::ConstructorId::new(JSON_OBJECT_VALUE), "jsonObjectValue")?;
            d.string()?;
        }
        let id = d.id()?;
        match id.get() {
            JSON_NULL => {}
            JSON_BOOL => {
                d.read::<bool>()?;
            }
            JSON_NUMBER => {
                d.read::<f64>()?;
            }
            JSON_STRING => {
                d.string()?;
            }
            JSON_ARRAY | JSON_OBJECT => {
                if open.len() > PARAMS_DEPTH_MAX {
                    return Err(CallError::TooDeep);
                }
                d.expect_id(mtp_tl::ConstructorId::new(VECTOR), "vector")?;
                let count = d.count(4)?;
                open.push((count, id.get() == JSON_OBJECT));
            }
            _ => return Err(d.unexpected(id, "JSONValue").into()),
        }
    }
    Ok(())
}

const INVOKE_WITH_LAYER: u32 = 0xda9b_0d0d;
const INIT_CONNECTION: u32 = 0xc1cd_5ea9;
const INVOKE_WITHOUT_UPDATES: u32 = 0xbf94_59b7;
const INVOKE_WITH_MESSAGES_RANGE: u32 = 0x3652_75f2;
const INVOKE_WITH_TAKEOUT: u32 = 0xaca9_fd2e;
const INVOKE_WITH_BUSINESS_CONNECTION: u32 = 0xdd28_9f8e;
const INVOKE_WITH_PLAY_INTEGRITY: u32 = 0x1df9_2984;
const INVOKE_WITH_APNS_SECRET: u32 = 0x0dae_54f8;
const INVOKE_WITH_RECAPTCHA: u32 = 0xadbb_0f94;
const INPUT_CLIENT_PROXY: u32 = 0x7558_8b3f;
/// `messageRange`: its id and two numbers.
const MESSAGE_RANGE_LEN: usize = 12;
const JSON_NULL: u32 = 0x3f6d_7b68;
const JSON_BOOL: u32 = 0xc734_5e6a;
const JSON_NUMBER: u32 = 0x2be0_dfa4;
const JSON_STRING: u32 = 0xb71e_767a;
const JSON_ARRAY: u32 = 0xf744_4763;
const JSON_OBJECT: u32 = 0x99c1_d49d;
const JSON_OBJECT_VALUE: u32 = 0xc0de_1bd9;
const VECTOR: u32 = 0x1cb5_c415;

#[cfg(test)]
mod tests {
    use mtp_tl::Encode;

    use super::*;

    fn init(flags: u32, tail: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        INVOKE_WITH_LAYER.encode(&mut bytes);
        230_i32.encode(&mut bytes);
        INIT_CONNECTION.encode(&mut bytes);
        flags.encode(&mut bytes);
        7_i32.encode(&mut bytes);
        for text in ["phone", "os", "1.0", "en", "", "de"] {
            TlStr::from(text).encode(&mut bytes);
        }
        bytes.extend_from_slice(tail);
        0xc4f9_186b_u32.encode(&mut bytes);
        bytes
    }

    #[test]
    fn wrappers_come_off_in_any_order() {
        let mut body = Vec::new();
        INVOKE_WITHOUT_UPDATES.encode(&mut body);
        INVOKE_WITH_TAKEOUT.encode(&mut body);
        5_i64.encode(&mut body);
        body.extend(init(0, &[]));
        let call = Call::parse(&body).unwrap();
        assert!(call.without_updates);
        assert_eq!(call.layer, Some(230));
        let client = call.client.unwrap();
        assert_eq!((client.api_id, client.lang_code.as_str()), (7, "de"));
        assert_eq!(call.query, 0xc4f9_186b_u32.to_le_bytes());
    }

    #[test]
    fn parameters_are_read_over() {
        let mut params = Vec::new();
        INPUT_CLIENT_PROXY.encode(&mut params);
        TlStr::from("proxy").encode(&mut params);
        443_i32.encode(&mut params);
        for word in [JSON_OBJECT, VECTOR, 1, JSON_OBJECT_VALUE] {
            word.encode(&mut params);
        }
        TlStr::from("tz_offset").encode(&mut params);
        for word in [JSON_ARRAY, VECTOR, 2, JSON_NULL, JSON_NUMBER] {
            word.encode(&mut params);
        }
        1.5_f64.encode(&mut params);
        let body = init(3, &params);
        assert_eq!(Call::parse(&body).unwrap().query, 0xc4f9_186b_u32.to_le_bytes());
    }

    #[test]
    fn depth_is_bounded() {
        let bomb: Vec<u8> =
            [JSON_ARRAY, VECTOR, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(Call::parse(&init(2, &bomb.repeat(17))), Err(CallError::TooDeep));
        let wrapped = |n: usize| {
            let mut body = INVOKE_WITHOUT_UPDATES.to_le_bytes().repeat(n);
            body.extend(0xc4f9_186b_u32.to_le_bytes());
            body
        };
        assert!(Call::parse(&wrapped(WRAPPERS_MAX)).is_ok());
        assert_eq!(Call::parse(&wrapped(WRAPPERS_MAX + 1)), Err(CallError::TooDeep));
    }

    #[test]
    fn a_cut_wrapper_is_an_error_at_every_length() {
        let body = init(0, &[]);
        for len in 1..body.len() {
            let cut = &body[..len];
            if let Ok(call) = Call::parse(cut) {
                assert!(call.query.len() < 4, "{len} bytes gave a query");
            }
        }
    }
}
