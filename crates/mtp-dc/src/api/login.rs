//! `auth.*`: from a number to an account.
//!
//! ```text
//!  auth.sendCode ──▶ [Code] ── auth.signIn, right code ──┬──────────────────────────▶ logged in
//!                      │                                 ├─ password ▶ [Password] ──▶    ▲  ▲
//!                      │ too many wrong, too late        │      auth.checkPassword       │  │
//!                      ▼                                 └─ unknown ─▶ [Name] ───────────┘  │
//!                    void                                       auth.signUp                 │
//!                                                auth.importAuthorization ──────────────────┘
//! ```
//!
//! All of it is bound to the permanent key: a code asked for with one key is void with another.

use alloc::string::String;

use mtp_crypto::AuthKeyId;
use mtp_tl::{Decoder, Encode, Flags, Output, TlStr};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::account::{Person, UserId};
use super::call::{Call, Fault, Reply, end, text, vector};
use super::config::{LoginCode, SignUp};
use super::logins::{Attempt, Code, Step};
use super::users::User;
use super::{Api, ApiEvent};

impl Api {
    /// `auth.sendCode phone_number:string api_id:int api_hash:string settings:CodeSettings`
    pub(super) fn send_code(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let phone = read_phone(d)?;
        let api_id: i32 = d.read()?;
        d.string()?;
        skip_code_settings(d)?;
        end(d)?;
        if api_id <= 0 {
            return Err(Fault::new(400, "API_ID_INVALID"));
        }
        self.charge_request(call)?;
        let hash = hex(&self.random::<16>());
        let code = match &self.config.login_code {
            LoginCode::Fixed(code) => Code::new(code),
            LoginCode::Random => self.random_code(&phone),
        };
        let sent = SentCode { code_len: code.as_str().len(), hash: &hash }.to_bytes();
        let tries = self.config.code_attempts_max;
        self.begin(call, Step::Code { phone, hash, code, tries });
        Ok(sent)
    }

    /// `auth.resendCode flags:# phone_number:string phone_code_hash:string reason:flags.0?string`
    ///
    /// There is one way to send a code, so the same one stays good.
    pub(super) fn resend_code(&mut self, call: &Call, flags: Flags, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (read_phone(d)?, text(d)?);
        d.optional::<TlStr<'_>>(flags, 0)?;
        end(d)?;
        match self.step(call) {
            Some(Step::Code { phone: of, hash, code, .. }) if *of == phone && hash == named => {
                Ok(SentCode { code_len: code.as_str().len(), hash }.to_bytes())
            }
            _ => Err(code_expired()),
        }
    }

    /// `auth.cancelCode phone_number:string phone_code_hash:string`
    pub(super) fn cancel_code(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (read_phone(d)?, text(d)?);
        end(d)?;
        match self.step(call) {
            Some(Step::Code { phone: of, hash, .. }) if *of == phone && hash == named => {
                self.end_attempt(call);
                Ok(true.to_bytes())
            }
            _ => Err(code_expired()),
        }
    }

    /// `auth.signIn flags:# phone_number:string phone_code_hash:string phone_code:flags.0?string
    /// email_verification:flags.1?EmailVerification`
    pub(super) fn sign_in(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        let (phone, named) = (read_phone(d)?, text(d)?);
        let typed = if flags.has(0) { d.string()? } else { b"" };
        if !flags.has(1) {
            end(d)?; // Codes do not come by mail here, so what one says is not read.
        }
        if typed.is_empty() {
            return Err(Fault::new(400, "PHONE_CODE_EMPTY"));
        }
        self.try_code(call, &phone, named, typed)?;
        match self.accounts.find_phone(&phone) {
            Some(user) => self.enter(call, user),
            None => self.enter_unknown(call, phone, named),
        }
    }

    /// `auth.signUp flags:# no_joined_notifications:flags.0?true phone_number:string
    /// phone_code_hash:string first_name:string last_name:string`
    pub(super) fn sign_up(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (read_phone(d)?, text(d)?);
        let (first_name, last_name) = (read_name(d)?, read_name(d)?);
        end(d)?;
        match self.step(call) {
            Some(Step::Name { phone: of, hash }) if *of == phone && hash == named => {}
            _ => return Err(code_expired()),
        }
        if first_name.trim().is_empty() {
            return Err(Fault::new(400, "FIRSTNAME_INVALID"));
        }
        let user = self.make_account(&phone, first_name, last_name)?;
        self.enter(call, user)
    }

    /// `auth.logOut`
    pub(super) fn log_out(&mut self, call: &Call) -> Reply {
        call.user()?;
        self.forget_key(call.caller.identity);
        Ok(LoggedOut.to_bytes())
    }

    /// `auth.exportAuthorization dc_id:int`: any data centre whose address clients are told.
    pub(super) fn export_authorization(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let dc: i32 = d.read()?;
        end(d)?;
        let user = call.user()?;
        if dc != self.config.this_dc && !self.config.dc_options.iter().any(|at| at.id == dc) {
            return Err(Fault::new(400, "DC_ID_INVALID"));
        }
        self.charge_request(call)?;
        let secret = self.random::<EXPORT_LEN>();
        let until = call.now.mono + self.config.login_life;
        self.exports.put(call.now, user, secret, until);
        Ok(Exported { user, secret: &secret }.to_bytes())
    }

    /// `auth.importAuthorization id:long bytes:bytes`
    pub(super) fn import_authorization(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (user, secret) = (UserId::new(d.read()?), d.string()?);
        end(d)?;
        self.charge_request(call)?;
        if !self.exports.take(call.now, user, secret) {
            return Err(Fault::new(400, "AUTH_BYTES_INVALID"));
        }
        self.log_in(call, user)
    }

    // ── the steps ──────────────────────────────────────────────────────────────────────────────

    /// Takes one request for a code or a password check out of the key's bucket.
    pub(super) fn charge_request(&mut self, call: &Call) -> Result<(), Fault> {
        let rate = self.config.login_requests;
        let login =
            self.logins.touch(call.now, call.caller.identity, self.config.logins_pending_max);
        login.requests.take(call.now, rate).map_err(Fault::flood)
    }

    /// Takes one try of a code or a password out of the account's bucket.
    pub(super) fn charge_attempt(&mut self, call: &Call, user: UserId) -> Result<(), Fault> {
        let rate = self.config.login_attempts;
        let account = self.accounts.get_mut(user).ok_or_else(code_expired)?;
        account.attempts.take(call.now, rate).map_err(Fault::flood)
    }

    pub(super) fn begin(&mut self, call: &Call, step: Step) {
        let until = call.now.mono + self.config.login_life;
        let max = self.config.logins_pending_max;
        let login = self.logins.touch(call.now, call.caller.identity, max);
        login.attempt = Some(Attempt { step, until });
    }

    pub(super) fn step(&mut self, call: &Call) -> Option<&mut Step> {
        self.logins.get_mut(call.caller.identity)?.step(call.now)
    }

    fn end_attempt(&mut self, call: &Call) {
        if let Some(login) = self.logins.get_mut(call.caller.identity) {
            login.attempt = None;
        }
    }

    /// Compares a code with the one that was sent; a code is void after too many wrong ones.
    fn try_code(
        &mut self,
        call: &Call,
        phone: &str,
        named: &str,
        typed: &[u8],
    ) -> Result<(), Fault> {
        match self.step(call) {
            Some(Step::Code { phone: of, hash, .. }) if hash == named => {
                if of != phone {
                    return Err(Fault::new(400, "PHONE_NUMBER_INVALID"));
                }
            }
            _ => return Err(code_expired()),
        }
        if let Some(user) = self.accounts.find_phone(phone) {
            self.charge_attempt(call, user)?;
        }
        let Some(Step::Code { code, tries, .. }) = self.step(call) else {
            return Err(code_expired());
        };
        if bool::from(code.as_str().as_bytes().ct_eq(typed)) {
            return Ok(());
        }
        *tries = tries.saturating_sub(1);
        if *tries == 0 {
            self.end_attempt(call);
        }
        Err(Fault::new(400, "PHONE_CODE_INVALID"))
    }

    /// The code was right for an account: the password is next, if there is one.
    fn enter(&mut self, call: &Call, user: UserId) -> Reply {
        if self.accounts.get(user).is_some_and(|account| account.password.is_some()) {
            self.begin(call, Step::Password { user });
            return Err(Fault::new(401, "SESSION_PASSWORD_NEEDED"));
        }
        self.log_in(call, user)
    }

    /// The code was right for a number without an account.
    fn enter_unknown(&mut self, call: &Call, phone: String, hash: &str) -> Reply {
        match self.config.sign_up {
            SignUp::Automatic => {
                let user = self.make_account(&phone, &phone, "")?;
                self.log_in(call, user)
            }
            SignUp::Asked => {
                self.begin(call, Step::Name { phone, hash: hash.into() });
                Ok(SignUpRequired.to_bytes())
            }
            SignUp::Closed => Err(Fault::new(400, "PHONE_NUMBER_UNOCCUPIED")),
        }
    }

    fn make_account(
        &mut self,
        phone: &str,
        first_name: &str,
        last_name: &str,
    ) -> Result<UserId, Fault> {
        if self.accounts.len() >= self.config.accounts_max {
            return Err(Fault::new(400, "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN"));
        }
        let username = alloc::format!("u{phone}");
        let username = Some(username.as_str());
        let person = Person { phone: Some(phone), first_name, last_name, username };
        Ok(self.accounts.insert(&person, &mut self.entropy))
    }

    /// Everything that was to be shown has been shown.
    pub(super) fn log_in(&mut self, call: &Call, user: UserId) -> Reply {
        let key = call.caller.identity;
        if call.user.is_some_and(|old| old != user) {
            self.forget_key(key);
        }
        self.logins.log_in(key, user);
        let max = self.config.logins_per_account_max.max(1);
        let mut ended = None;
        if let Some(account) = self.accounts.get_mut(user)
            && !account.keys.contains(&key)
        {
            account.keys.push_back(key);
            if account.keys.len() > max {
                ended = account.keys.pop_front();
            }
        }
        if let Some(oldest) = ended {
            self.forget_key(oldest);
        }
        self.subscribe(call, user);
        let account = self.accounts.get(user).ok_or(Fault::Unreadable)?;
        let user = User { account, viewer: Some(user), layer: call.layer };
        Ok(Authorization { user }.to_bytes())
    }

    /// Draws five digits and tells the embedder alone.
    fn random_code(&mut self, phone: &str) -> Code {
        let drawn = u64::from_le_bytes(self.random()) % 100_000;
        let code = Code::new(&Zeroizing::new(alloc::format!("{drawn:05}")));
        self.events.push_back(ApiEvent::LoginCode { phone: phone.into(), code: code.clone() });
        code
    }

    /// Logs a key out, whoever it belongs to.
    pub fn forget_key(&mut self, key: AuthKeyId) {
        let Some(user) = self.logins.remove(key) else { return };
        if let Some(account) = self.accounts.get_mut(user) {
            account.keys.retain(|other| *other != key);
            account.subscribers.retain(|subscriber| subscriber.identity != key);
        }
    }
}

/// Reads a number: 5 to 15 digits, whatever stands between them.
pub(super) fn read_phone(d: &mut Decoder<'_>) -> Result<String, Fault> {
    let written = d.string()?;
    let invalid = || Fault::new(400, "PHONE_NUMBER_INVALID");
    if written.len() > PHONE_WRITTEN_MAX {
        return Err(invalid());
    }
    let mut phone = String::new();
    for byte in written {
        match byte {
            b'0'..=b'9' => phone.push(char::from(*byte)),
            b'+' | b' ' | b'-' | b'(' | b')' => {}
            _ => return Err(invalid()),
        }
    }
    if PHONE_DIGITS.contains(&phone.len()) { Ok(phone) } else { Err(invalid()) }
}

fn read_name<'a>(d: &mut Decoder<'a>) -> Result<&'a str, Fault> {
    let name = text(d)?;
    if name.chars().count() > NAME_LEN_MAX {
        return Err(Fault::new(400, "FIRSTNAME_INVALID"));
    }
    Ok(name)
}

/// `codeSettings`: nothing in it matters where codes take one way.
fn skip_code_settings(d: &mut Decoder<'_>) -> Result<(), Fault> {
    d.expect_id(super::call::bare(CODE_SETTINGS), "CodeSettings")?;
    let flags: Flags = d.read()?;
    if flags.has(6) {
        for _ in 0..vector(d, 4, LOGOUT_TOKENS_MAX)? {
            d.string()?;
        }
    }
    d.optional::<TlStr<'_>>(flags, 8)?;
    d.optional::<bool>(flags, 8)?;
    Ok(())
}

fn code_expired() -> Fault {
    Fault::new(400, "PHONE_CODE_EXPIRED")
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `auth.sentCode` by the one way that codes take here, which comes nearest to a text message.
struct SentCode<'a> {
    code_len: usize,
    hash: &'a str,
}

impl Encode for SentCode<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x5e00_2502_u32.encode(out);
        Flags::NONE.encode(out);
        0xc000_bba2_u32.encode(out); // auth.sentCodeTypeSms
        i32::try_from(self.code_len).unwrap_or(i32::MAX).encode(out);
        self.hash.encode(out);
    }
}

/// `auth.authorization`
struct Authorization<'a> {
    user: User<'a>,
}

impl Encode for Authorization<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x2ea2_c0d4_u32.encode(out);
        Flags::NONE.encode(out);
        self.user.encode(out);
    }
}

/// `auth.authorizationSignUpRequired` without terms of service: there are none.
struct SignUpRequired;

impl Encode for SignUpRequired {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x4474_7e9a_u32.encode(out);
        Flags::NONE.encode(out);
    }
}

/// `auth.loggedOut`
struct LoggedOut;

impl Encode for LoggedOut {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0xc3a2_835f_u32.encode(out);
        Flags::NONE.encode(out);
    }
}

/// `auth.exportedAuthorization`
struct Exported<'a> {
    user: UserId,
    secret: &'a [u8],
}

impl Encode for Exported<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0xb434_e2b8_u32.encode(out);
        self.user.get().encode(out);
        self.secret.encode(out);
    }
}

const CODE_SETTINGS: u32 = 0xad25_3d78;
/// Logout tokens that clients send along.
const LOGOUT_TOKENS_MAX: usize = 32;
/// Bytes of a number as people write it.
const PHONE_WRITTEN_MAX: usize = 32;
/// Digits of a number.
const PHONE_DIGITS: core::ops::RangeInclusive<usize> = 5..=15;
/// Characters of a name.
const NAME_LEN_MAX: usize = 64;
/// Bytes of an exported authorization.
pub(super) const EXPORT_LEN: usize = 32;
