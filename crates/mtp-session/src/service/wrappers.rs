//! Wrappers around calls.

use mtp_crypto::MsgId;
use mtp_tl::{ConstructorId, DecodeError, DecodeErrorKind, Decoder};

use super::field::Field;
use super::msg_ids::MsgIds;

/// Wrappers of a call.
// spec: session 9
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wrappers<'a> {
    /// Calls that must succeed first: `invokeAfterMsg`, `invokeAfterMsgs`.
    pub after: Option<MsgIds<'a>>,
    /// API layer: `invokeWithLayer`.
    pub layer: Option<i32>,
    /// Description of the client: `initConnection`.
    pub init: Option<InitConnection<'a>>,
    /// No updates on this link: `invokeWithoutUpdates`.
    pub without_updates: bool,
    /// Lowest and highest message id: `invokeWithMessagesRange`.
    pub messages_range: Option<(i32, i32)>,
    /// `invokeWithTakeout`.
    pub takeout_id: Option<i64>,
    /// `invokeWithBusinessConnection`.
    pub business_connection: Option<&'a [u8]>,
    /// Nonce and token: `invokeWithGooglePlayIntegrity`.
    pub play_integrity: Option<(&'a [u8], &'a [u8])>,
    /// Nonce and secret: `invokeWithApnsSecret`.
    pub apns_secret: Option<(&'a [u8], &'a [u8])>,
    /// `invokeWithReCaptcha`.
    pub recaptcha: Option<&'a [u8]>,
}

/// Description of a client: `initConnection`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitConnection<'a> {
    /// Id of the application.
    pub api_id: i32,
    /// Model of the device.
    pub device_model: &'a [u8],
    /// Version of the operating system.
    pub system_version: &'a [u8],
    /// Version of the application.
    pub app_version: &'a [u8],
    /// Language of the operating system.
    pub system_lang_code: &'a [u8],
    /// Language pack.
    pub lang_pack: &'a [u8],
    /// Language of the application.
    pub lang_code: &'a [u8],
    /// `inputClientProxy`: address and port.
    pub proxy: Option<(&'a [u8], i32)>,
    /// Encoded `JSONValue`.
    pub params: Option<&'a [u8]>,
}

impl<'a> Wrappers<'a> {
    /// Splits a body into its wrappers and the call inside.
    ///
    /// Wrappers may come in any order and repeat; the innermost counts.
    ///
    /// # Errors
    /// [`DecodeError`] if a wrapper is truncated or there are more than 16.
    pub fn peel(body: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut wrappers = Self::default();
        let mut d = Decoder::new(body);
        for _ in 0..=DEPTH_MAX {
            let Some(id) = d.peek_id().filter(|id| is_wrapper(*id)) else {
                return Ok((wrappers, d.take_rest()));
            };
            d.id()?;
            wrappers.read(id, &mut d)?;
        }
        Err(d.error(DecodeErrorKind::RecursionLimit { max: DEPTH_MAX }))
    }

    fn read(&mut self, id: ConstructorId, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
        match id {
            INVOKE_AFTER_MSG => self.after = Some(MsgIds::new([MsgId::read(d)?])),
            INVOKE_AFTER_MSGS => self.after = Some(Field::read(d)?),
            INVOKE_WITH_LAYER => self.layer = Some(d.read()?),
            INIT_CONNECTION => self.init = Some(InitConnection::read(d)?),
            INVOKE_WITHOUT_UPDATES => self.without_updates = true,
            INVOKE_WITH_MESSAGES_RANGE => {
                d.expect_id(MESSAGE_RANGE, "MessageRange")?;
                self.messages_range = Some((d.read()?, d.read()?));
            }
            INVOKE_WITH_TAKEOUT => self.takeout_id = Some(d.read()?),
            INVOKE_WITH_BUSINESS_CONNECTION => self.business_connection = Some(d.string()?),
            INVOKE_WITH_GOOGLE_PLAY_INTEGRITY => {
                self.play_integrity = Some((d.string()?, d.string()?));
            }
            INVOKE_WITH_APNS_SECRET => self.apns_secret = Some((d.string()?, d.string()?)),
            INVOKE_WITH_RECAPTCHA => self.recaptcha = Some(d.string()?),
            _ => return Err(d.unexpected(id, "a wrapper")),
        }
        Ok(())
    }
}

impl<'a> InitConnection<'a> {
    fn read(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let flags: u32 = d.read()?;
        let mut init = Self {
            api_id: d.read()?,
            device_model: d.string()?,
            system_version: d.string()?,
            app_version: d.string()?,
            system_lang_code: d.string()?,
            lang_pack: d.string()?,
            lang_code: d.string()?,
            proxy: None,
            params: None,
        };
        if flags & 1 != 0 {
            d.expect_id(INPUT_CLIENT_PROXY, "InputClientProxy")?;
            init.proxy = Some((d.string()?, d.read()?));
        }
        if flags & 2 != 0 {
            let rest = d.take_rest();
            let mut json = Decoder::new(rest);
            skip_json(&mut json, 0)?;
            init.params = rest.get(..json.offset());
            *d = json;
        }
        Ok(init)
    }
}

/// Maximum nesting of wrappers.
// spec: session 9
const DEPTH_MAX: u32 = 16;
/// Maximum nesting of a `JSONValue`.
const JSON_DEPTH_MAX: u32 = 16;

const fn is_wrapper(id: ConstructorId) -> bool {
    matches!(
        id,
        INVOKE_AFTER_MSG
            | INVOKE_AFTER_MSGS
            | INVOKE_WITH_LAYER
            | INIT_CONNECTION
            | INVOKE_WITHOUT_UPDATES
            | INVOKE_WITH_MESSAGES_RANGE
            | INVOKE_WITH_TAKEOUT
            | INVOKE_WITH_BUSINESS_CONNECTION
            | INVOKE_WITH_GOOGLE_PLAY_INTEGRITY
            | INVOKE_WITH_APNS_SECRET
            | INVOKE_WITH_RECAPTCHA
    )
}

/// Skips a `JSONValue`.
fn skip_json(d: &mut Decoder<'_>, depth: u32) -> Result<(), DecodeError> {
    if depth > JSON_DEPTH_MAX {
        return Err(d.error(DecodeErrorKind::RecursionLimit { max: JSON_DEPTH_MAX }));
    }
    match d.id()? {
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
        JSON_ARRAY => {
            d.expect_id(mtp_tl::VECTOR, "Vector")?;
            for _ in 0..d.count(4)? {
                skip_json(d, depth.saturating_add(1))?;
            }
        }
        JSON_OBJECT => {
            d.expect_id(mtp_tl::VECTOR, "Vector")?;
            for _ in 0..d.count(12)? {
                d.expect_id(JSON_OBJECT_VALUE, "JSONObjectValue")?;
                d.string()?;
                skip_json(d, depth.saturating_add(1))?;
            }
        }
        id => return Err(d.unexpected(id, "JSONValue")),
    }
    Ok(())
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $id:literal;)*) => {$(
        $(#[$meta])*
        pub(crate) const $name: ConstructorId = ConstructorId::new($id);
    )*};
}

ids! {
    /// `invokeAfterMsg`
    INVOKE_AFTER_MSG = 0xcb9f_372d;
    /// `invokeAfterMsgs`
    INVOKE_AFTER_MSGS = 0x3dc4_b4f0;
    /// `invokeWithLayer`
    INVOKE_WITH_LAYER = 0xda9b_0d0d;
    /// `initConnection`
    INIT_CONNECTION = 0xc1cd_5ea9;
    /// `invokeWithoutUpdates`
    INVOKE_WITHOUT_UPDATES = 0xbf94_59b7;
    /// `invokeWithMessagesRange`
    INVOKE_WITH_MESSAGES_RANGE = 0x3652_75f2;
    /// `invokeWithTakeout`
    INVOKE_WITH_TAKEOUT = 0xaca9_fd2e;
    /// `invokeWithBusinessConnection`
    INVOKE_WITH_BUSINESS_CONNECTION = 0xdd28_9f8e;
    /// `invokeWithGooglePlayIntegrity`
    INVOKE_WITH_GOOGLE_PLAY_INTEGRITY = 0x1df9_2984;
    /// `invokeWithApnsSecret`
    INVOKE_WITH_APNS_SECRET = 0x0dae_54f8;
    /// `invokeWithReCaptcha`
    INVOKE_WITH_RECAPTCHA = 0xadbb_0f94;
    /// `messageRange`
    MESSAGE_RANGE = 0x0ae3_0253;
    /// `help.getConfig`
    HELP_GET_CONFIG = 0xc4f9_186b;
    /// `help.getNearestDc`
    HELP_GET_NEAREST_DC = 0x1fb3_3026;
}

const INPUT_CLIENT_PROXY: ConstructorId = ConstructorId::new(0x7558_8b3f);
const JSON_NULL: ConstructorId = ConstructorId::new(0x3f6d_7b68);
const JSON_BOOL: ConstructorId = ConstructorId::new(0xc734_5e6a);
const JSON_NUMBER: ConstructorId = ConstructorId::new(0x2be0_dfa4);
const JSON_STRING: ConstructorId = ConstructorId::new(0xb71e_767a);
const JSON_ARRAY: ConstructorId = ConstructorId::new(0xf744_4763);
const JSON_OBJECT: ConstructorId = ConstructorId::new(0x99c1_d49d);
const JSON_OBJECT_VALUE: ConstructorId = ConstructorId::new(0xc0de_1bd9);

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use mtp_tl::Output;

    use super::*;

    fn id(id: ConstructorId) -> [u8; 4] {
        id.get().to_le_bytes()
    }

    fn init(json: &[u8]) -> Vec<u8> {
        let mut out = id(INIT_CONNECTION).to_vec();
        out.put(&3_u32.to_le_bytes());
        out.put(&7_i32.to_le_bytes());
        for text in ["model", "1.0", "0.1", "en", "", "en"] {
            out.put_string(text.as_bytes());
        }
        out.put(&id(INPUT_CLIENT_PROXY));
        out.put_string(b"host");
        out.put(&443_i32.to_le_bytes());
        out.put(json);
        out
    }

    fn json(depth: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..depth {
            out.put(&id(JSON_ARRAY));
            out.put(&id(mtp_tl::VECTOR));
            out.put(&1_u32.to_le_bytes());
        }
        out.put(&id(JSON_NULL));
        out
    }

    #[test]
    fn init_connection_with_proxy_and_params_is_read() {
        let mut body = init(&json(2));
        body.put(b"rest");
        let (wrappers, query) = Wrappers::peel(&body).unwrap();
        let init = wrappers.init.unwrap();
        assert_eq!(query, b"rest");
        assert_eq!(
            (init.api_id, init.device_model, init.lang_code),
            (7, &b"model"[..], &b"en"[..])
        );
        assert_eq!(init.proxy, Some((&b"host"[..], 443)));
        assert_eq!(init.params, Some(&json(2)[..]));
    }

    // spec: session 9
    #[test]
    fn nesting_is_limited() {
        for (depth, fits) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false)] {
            let mut body: Vec<u8> = (0..depth).flat_map(|_| id(INVOKE_WITHOUT_UPDATES)).collect();
            body.put(b"rest");
            assert_eq!(Wrappers::peel(&body).is_ok(), fits);
        }
        for (depth, fits) in [(JSON_DEPTH_MAX, true), (JSON_DEPTH_MAX + 1, false)] {
            assert_eq!(Wrappers::peel(&init(&json(depth))).is_ok(), fits);
        }
    }
}
