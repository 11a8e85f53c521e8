//! `account.getPassword`, `auth.checkPassword`, `account.updatePasswordSettings`: the second factor.
//!
//! A password check is good for one try by the key that asked for it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{Challenge, NewPasswordError, PasswordAlgo, Verifier, check_new_password};
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::Api;
use super::account::{Password, UserId};
use super::call::{Call, Fault, Reply, end, text};
use super::logins::{Asked, Step};

impl Api {
    /// `account.getPassword`: for whoever is logged in, or stands before the password.
    // spec: crypto 13
    pub(super) fn get_password(&mut self, call: &Call) -> Reply {
        let user = self.password_owner(call)?;
        self.charge_request(call)?;
        let secure_random = self.random::<256>();
        let id = i64::from_le_bytes(self.random());
        let until = call.now.mono + self.config.login_life;
        let account = self.accounts.get(user).ok_or_else(Fault::unregistered)?;
        let mut check = None;
        if let Some(password) = &account.password {
            let verifier = Verifier::from_bytes(&password.verifier.to_bytes());
            let made = Challenge::new(password.algo.clone(), verifier, &mut self.entropy);
            let challenge = made.map_err(|_| Fault::new(500, "RANDOM_SOURCE_BROKEN"))?;
            check = Some((password, *challenge.public(), id));
            if let Some(login) = self.logins.get_mut(call.caller.identity) {
                let version = password.version;
                login.challenge = Some(Box::new(Asked { id, user, version, challenge, until }));
            }
        }
        Ok(AccountPassword { offered: &account.offered, check, secure_random }.to_bytes())
    }

    /// `auth.checkPassword password:InputCheckPasswordSRP`
    // spec: crypto 13
    pub(super) fn check_password(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let shown = Shown::read(d)?;
        end(d)?;
        let user = match self.step(call) {
            Some(Step::Password { user }) => *user,
            _ => return Err(Fault::unregistered()),
        };
        self.verify(call, user, &shown)?;
        self.log_in(call, user)
    }

    /// `account.updatePasswordSettings password:InputCheckPasswordSRP
    /// new_settings:account.PasswordInputSettings`
    // spec: crypto 13
    pub(super) fn update_password(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let shown = Shown::read(d)?;
        let settings = Settings::read(d)?;
        end(d)?;
        let user = call.user()?;
        self.verify(call, user, &shown)?;
        let version = self.random();
        let account = self.accounts.of_caller_mut(call)?;
        match settings {
            Settings::Keep => {}
            Settings::Remove => account.password = None,
            Settings::Set { algo, hash, hint } => {
                let verifier = check_new_password(&account.offered, &algo, hash);
                let verifier = verifier.map_err(|error| match error {
                    NewPasswordError::Salt => Fault::new(400, "NEW_SALT_INVALID"),
                    _ => Fault::new(400, "NEW_SETTINGS_INVALID"),
                })?;
                let hint = if hint.is_empty() { None } else { Some(String::from(hint)) };
                let version = i64::from_le_bytes(version);
                account.password = Some(Password { algo, verifier, hint, version });
            }
        }
        Ok(true.to_bytes())
    }

    /// Returns the account whose password a key may ask about.
    fn password_owner(&mut self, call: &Call) -> Result<UserId, Fault> {
        match self.step(call) {
            Some(Step::Password { user }) => Ok(*user),
            _ => call.user(),
        }
    }

    /// Verifies a proof, or that none is needed.
    fn verify(&mut self, call: &Call, user: UserId, shown: &Shown<'_>) -> Result<(), Fault> {
        let account = self.accounts.get(user).ok_or_else(Fault::unregistered)?;
        let (id, a, m1, version) = match (shown, &account.password) {
            (Shown::Nothing, None) => return Ok(()),
            (Shown::Nothing, Some(_)) => return Err(Fault::new(400, "PASSWORD_HASH_INVALID")),
            (Shown::Proof { .. }, None) => return Err(Fault::new(400, "PASSWORD_EMPTY")),
            (Shown::Proof { id, a, m1 }, Some(password)) => (*id, *a, *m1, password.version),
        };
        // Guesses are charged before anything is computed for them.
        self.charge_attempt(call, user)?;
        let login = self.logins.get_mut(call.caller.identity);
        let asked = login.and_then(|login| login.take_challenge(call.now, id));
        let asked = asked.filter(|asked| asked.user == user);
        let asked = asked.ok_or_else(|| Fault::new(400, "SRP_ID_INVALID"))?;
        if asked.version != version {
            return Err(Fault::new(400, "SRP_PASSWORD_CHANGED"));
        }
        let verified = asked.challenge.verify(a, m1);
        verified.map_err(|_| Fault::new(400, "PASSWORD_HASH_INVALID"))
    }
}

/// What a client shows: `InputCheckPasswordSRP`.
enum Shown<'a> {
    Nothing,
    Proof { id: i64, a: &'a [u8], m1: &'a [u8] },
}

impl<'a> Shown<'a> {
    fn read(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        match d.id()?.get() {
            INPUT_CHECK_PASSWORD_EMPTY => Ok(Self::Nothing),
            INPUT_CHECK_PASSWORD_SRP => {
                Ok(Self::Proof { id: d.read()?, a: d.string()?, m1: d.string()? })
            }
            _ => Err(Fault::Unreadable),
        }
    }
}

/// What is to become of a password: `account.passwordInputSettings`.
enum Settings<'a> {
    Keep,
    Remove,
    Set { algo: PasswordAlgo, hash: &'a [u8], hint: &'a str },
}

impl<'a> Settings<'a> {
    fn read(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        d.expect_id(super::call::bare(PASSWORD_INPUT_SETTINGS), "account.PasswordInputSettings")?;
        let flags: Flags = d.read()?;
        let settings = if flags.has(0) { Self::read_new(d)? } else { Self::Keep };
        if flags.has(1) {
            // A mailbox to recover by: nothing here sends mail.
            if !d.string()?.is_empty() {
                return Err(Fault::new(400, "EMAIL_INVALID"));
            }
        }
        if flags.has(2) {
            return Err(Fault::new(400, "NEW_SETTINGS_INVALID"));
        }
        Ok(settings)
    }

    fn read_new(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        let id = d.id()?.get();
        let salts = match id {
            PASSWORD_KDF_ALGO_UNKNOWN => None,
            PASSWORD_KDF_ALGO => {
                let (salt_1, salt_2) = (d.string()?, d.string()?);
                Some((salt_1, salt_2, d.read::<i32>()?, d.string()?))
            }
            _ => return Err(Fault::Unreadable),
        };
        let (hash, hint) = (d.string()?, text(d)?);
        // No hash is no password; some clients send the offered algorithm with it all the same.
        if hash.is_empty() {
            return Ok(Self::Remove);
        }
        let Some((salt_1, salt_2, generator, prime)) = salts else {
            return Err(new_salt_invalid());
        };
        let group = DhGroup::KNOWN;
        if generator != group.generator() || prime != group.prime() {
            return Err(new_salt_invalid());
        }
        if hint.len() > HINT_LEN_MAX || salt_1.len() > SALT_LEN_MAX || salt_2.len() > SALT_LEN_MAX {
            return Err(Fault::new(400, "NEW_SETTINGS_INVALID"));
        }
        Ok(Self::Set { algo: PasswordAlgo::new(group, salt_1, salt_2), hash, hint })
    }
}

fn new_salt_invalid() -> Fault {
    Fault::new(400, "NEW_SALT_INVALID")
}

/// `account.password`
struct AccountPassword<'a> {
    offered: &'a PasswordAlgo,
    /// The password, the public value B and the name of the check.
    check: Option<(&'a Password, [u8; 256], i64)>,
    secure_random: [u8; 256],
}

impl Encode for AccountPassword<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let hint = self.check.as_ref().and_then(|(password, ..)| password.hint.as_deref());
        0x957b_50fb_u32.encode(out);
        Flags::NONE.with(2, self.check.is_some()).with(3, hint.is_some()).encode(out);
        if let Some((password, public, id)) = &self.check {
            Algo(&password.algo).encode(out);
            public.as_slice().encode(out);
            id.encode(out);
        }
        if let Some(hint) = hint {
            hint.encode(out);
        }
        Algo(self.offered).encode(out);
        0x004a_8537_u32.encode(out); // securePasswordKdfAlgoUnknown: no passport is kept here
        self.secure_random.as_slice().encode(out);
    }
}

/// `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow`
struct Algo<'a>(&'a PasswordAlgo);

impl Encode for Algo<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let prime: Vec<u8> = self.0.group().prime().to_vec();
        PASSWORD_KDF_ALGO.encode(out);
        self.0.salt1().encode(out);
        self.0.salt2().encode(out);
        self.0.group().generator().encode(out);
        prime.encode(out);
    }
}

const INPUT_CHECK_PASSWORD_EMPTY: u32 = 0x9880_f658;
const INPUT_CHECK_PASSWORD_SRP: u32 = 0xd27f_f082;
const PASSWORD_INPUT_SETTINGS: u32 = 0xc237_27c9;
const PASSWORD_KDF_ALGO: u32 = 0x3a91_2d4a;
const PASSWORD_KDF_ALGO_UNKNOWN: u32 = 0xd45a_b096;
/// Bytes of a hint.
const HINT_LEN_MAX: usize = 255;
/// Bytes of a salt with what clients add to it.
const SALT_LEN_MAX: usize = 128;
