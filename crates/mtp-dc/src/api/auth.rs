//! `auth.*`: from a phone number to a login.
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
//! A login is bound to the permanent key: a code requested with one key is void with another.

use alloc::string::String;

use mtp_crypto::AuthKeyId;
use mtp_server::UserId;
use mtp_tl::{Decoder, Encode, Flags, Output, TlStr};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Api, ApiEvent, flags};
use crate::call::{Call, Fault, Reply, bare, end, phone, text, vector};
use crate::config::{LoginCode, SignUp};
use crate::ids::constructors;
use crate::ids::functions::auth;
use crate::objects::user::User;
use crate::password::Shown;
use crate::state::accounts::Person;
use crate::state::exports::EXPORT_LEN;
use crate::state::logins::{Attempt, Code, Step};

impl Api {
    /// Answers a call of `auth.*`.
    pub(super) fn call_auth(&mut self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            auth::SEND_CODE | auth::SIGN_IN if call.is_too_old() => {
                Err(Fault::new(406, "UPDATE_APP_TO_LOGIN"))
            }
            auth::SEND_CODE => self.send_code(call, d),
            auth::RESEND_CODE => flags(d).and_then(|flags| self.resend_code(call, flags, d)),
            RESEND_CODE_EARLIER => self.resend_code(call, Flags::NONE, d),
            auth::CANCEL_CODE => self.cancel_code(call, d),
            auth::SIGN_IN => self.sign_in(call, d),
            auth::SIGN_UP => flags(d).and_then(|_| self.sign_up(call, d)),
            SIGN_UP_EARLIER => self.sign_up(call, d),
            auth::CHECK_PASSWORD => self.check_password(call, d),
            auth::LOG_OUT => end(d).and_then(|()| self.log_out(call)),
            auth::EXPORT_AUTHORIZATION => self.export_authorization(call, d),
            auth::IMPORT_AUTHORIZATION => self.import_authorization(call, d),
            _ => return None,
        })
    }

    /// `auth.sendCode phone_number:string api_id:int api_hash:string settings:CodeSettings`
    fn send_code(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let phone = phone(d)?;
        let api_id: i32 = d.read()?;
        d.string()?;
        skip_code_settings(d)?;
        end(d)?;
        if api_id <= 0 {
            return Err(Fault::new(400, "API_ID_INVALID"));
        }
        self.charge_code(call, &phone)?;
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
    /// There is one way to send a code, so the same code stays valid.
    fn resend_code(&mut self, call: &Call, flags: Flags, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (phone(d)?, text(d)?);
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
    fn cancel_code(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (phone(d)?, text(d)?);
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
    fn sign_in(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        let (phone, named) = (phone(d)?, text(d)?);
        let typed = if flags.has(0) { d.string()? } else { b"" };
        if !flags.has(1) {
            end(d)?; // Codes are not sent by mail here, so an `EmailVerification` is not read.
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
    fn sign_up(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (phone, named) = (phone(d)?, text(d)?);
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

    /// `auth.checkPassword password:InputCheckPasswordSRP`
    // spec: crypto 13
    fn check_password(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let shown = Shown::read(d)?;
        end(d)?;
        let user = match self.step(call) {
            Some(Step::Password { user }) => *user,
            _ => return Err(Fault::unregistered()),
        };
        self.verify(call, user, &shown)?;
        self.log_in(call, user)
    }

    /// `auth.logOut`
    fn log_out(&mut self, call: &Call) -> Reply {
        call.user()?;
        self.forget_key(call.caller.identity);
        Ok(LoggedOut.to_bytes())
    }

    /// `auth.exportAuthorization dc_id:int`: to any data center in the configuration.
    fn export_authorization(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
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
    fn import_authorization(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let (user, secret) = (UserId::new(d.read()?), d.string()?);
        end(d)?;
        self.charge_request(call)?;
        if !self.exports.take(call.now, user, secret) {
            return Err(Fault::new(400, "AUTH_BYTES_INVALID"));
        }
        self.log_in(call, user)
    }

    // ── the steps ──────────────────────────────────────────────────────────────────────────────

    /// Charges a request for a code or a password check to the key.
    pub(crate) fn charge_request(&mut self, call: &Call) -> Result<(), Fault> {
        let rate = self.config.login_requests;
        let login =
            self.logins.touch(call.now, call.caller.identity, self.config.logins_pending_max);
        login.requests.take(call.now, rate).map_err(Fault::flood)
    }

    /// Charges a request for a code to the key, and to the network for the number and for all numbers.
    ///
    /// A client that gets a code can use it: a login that has begun is not ended for another.
    fn charge_code(&mut self, call: &Call, phone: &str) -> Result<(), Fault> {
        let (now, network, max) = (call.now, call.network(), self.config.guesses_max);
        let pending_max = self.config.logins_pending_max;
        if let Some(wait) = self.logins.wait_for_room(now, call.caller.identity, pending_max) {
            return Err(Fault::flood(wait));
        }
        let all = (self.config.code_requests_per_network, 1);
        self.code_requests.check(now, network, all).map_err(Fault::flood)?;
        self.charge_request(call)?;
        let one = (self.config.code_requests, 1);
        self.code_requests.take(now, network, Some(phone), one, max).map_err(Fault::flood)?;
        self.code_requests.take(now, network, None, all, max).map_err(Fault::flood)
    }

    /// Charges an attempt with a code or a password at a number to the network.
    pub(crate) fn charge_attempt(&mut self, call: &Call, phone: &str) -> Result<(), Fault> {
        let (now, network) = (call.now, call.network());
        let wrong = (self.config.wrong_attempts, 1);
        self.guesses.check(now, network, wrong).map_err(Fault::flood)?;
        let (rate, max) = ((self.config.login_attempts, 1), self.config.guesses_max);
        self.guesses.take(now, network, Some(phone), rate, max).map_err(Fault::flood)
    }

    /// Charges a wrong code or password to the network.
    pub(crate) fn charge_wrong(&mut self, call: &Call) {
        let (rate, max) = ((self.config.wrong_attempts, 1), self.config.guesses_max);
        // It was checked before the attempt.
        let _ = self.guesses.take(call.now, call.network(), None, rate, max);
    }

    pub(crate) fn begin(&mut self, call: &Call, step: Step) {
        let until = call.now.mono + self.config.login_life;
        let max = self.config.logins_pending_max;
        let login = self.logins.touch(call.now, call.caller.identity, max);
        login.attempt = Some(Attempt { step, until });
    }

    pub(crate) fn step(&mut self, call: &Call) -> Option<&mut Step> {
        self.logins.get_mut(call.caller.identity)?.step(call.now)
    }

    fn end_attempt(&mut self, call: &Call) {
        if let Some(login) = self.logins.get_mut(call.caller.identity) {
            login.attempt = None;
        }
    }

    /// Compares a code with the one that was sent. A code is void after too many wrong attempts.
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
        self.charge_attempt(call, phone)?;
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
        self.charge_wrong(call);
        Err(Fault::new(400, "PHONE_CODE_INVALID"))
    }

    /// Continues after the right code for an account: the password is next, if there is one.
    fn enter(&mut self, call: &Call, user: UserId) -> Reply {
        if self.accounts.get(user).is_some_and(|account| account.password.is_some()) {
            self.begin(call, Step::Password { user });
            return Err(Fault::new(401, "SESSION_PASSWORD_NEEDED"));
        }
        self.log_in(call, user)
    }

    /// Continues after the right code for a number without an account.
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

    /// Logs a key in: all proofs were given.
    pub(crate) fn log_in(&mut self, call: &Call, user: UserId) -> Reply {
        let key = call.caller.identity;
        if call.user.is_some_and(|old| old != user) {
            self.forget_key(key);
        }
        self.logins.log_in(key, user);
        self.events.push_back(ApiEvent::User { key, user: Some(user) });
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

    /// Draws five digits; only the embedder learns them.
    fn random_code(&mut self, phone: &str) -> Code {
        let drawn = u64::from_le_bytes(self.random()) % 100_000;
        let code = Code::new(&Zeroizing::new(alloc::format!("{drawn:05}")));
        self.events.push_back(ApiEvent::LoginCode { phone: phone.into(), code: code.clone() });
        code
    }

    /// Logs a key out, if it is logged in.
    pub fn forget_key(&mut self, key: AuthKeyId) {
        let Some(user) = self.logins.remove(key) else { return };
        self.events.push_back(ApiEvent::User { key, user: None });
        if let Some(account) = self.accounts.get_mut(user) {
            account.keys.retain(|other| *other != key);
            account.subscribers.retain(|subscriber| subscriber.identity != key);
        }
    }
}

fn read_name<'a>(d: &mut Decoder<'a>) -> Result<&'a str, Fault> {
    let name = text(d)?;
    if name.chars().count() > NAME_LEN_MAX {
        return Err(Fault::new(400, "FIRSTNAME_INVALID"));
    }
    Ok(name)
}

/// Skips a `codeSettings`: there is only one way to send a code.
fn skip_code_settings(d: &mut Decoder<'_>) -> Result<(), Fault> {
    d.expect_id(bare(constructors::CODE_SETTINGS), "CodeSettings")?;
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
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `auth.sentCode`, as by text message, which the one way of this data center resembles most.
struct SentCode<'a> {
    code_len: usize,
    hash: &'a str,
}

impl Encode for SentCode<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::auth::SENT_CODE.encode(out);
        Flags::NONE.encode(out);
        constructors::auth::SENT_CODE_TYPE_SMS.encode(out);
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
        constructors::auth::AUTHORIZATION.encode(out);
        Flags::NONE.encode(out);
        self.user.encode(out);
    }
}

/// `auth.authorizationSignUpRequired` without terms of service.
struct SignUpRequired;

impl Encode for SignUpRequired {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::auth::AUTHORIZATION_SIGN_UP_REQUIRED.encode(out);
        Flags::NONE.encode(out);
    }
}

/// `auth.loggedOut`
struct LoggedOut;

impl Encode for LoggedOut {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::auth::LOGGED_OUT.encode(out);
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
        constructors::auth::EXPORTED_AUTHORIZATION.encode(out);
        self.user.as_i64().encode(out);
        self.secret.encode(out);
    }
}

/// Logout tokens in one call.
const LOGOUT_TOKENS_MAX: usize = 32;
/// Characters of a name.
const NAME_LEN_MAX: usize = 64;
/// `auth.resendCode` without flags, in early layers.
const RESEND_CODE_EARLIER: u32 = 0x3ef1_a9bf;
/// `auth.signUp` without flags, in early layers.
const SIGN_UP_EARLIER: u32 = 0x80ee_e427;
