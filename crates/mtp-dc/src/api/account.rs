//! `account.*`: passwords, the second factor.

use alloc::boxed::Box;
use alloc::string::String;

use mtp_crypto::srp::{Challenge, NewPasswordError, PasswordAlgo, Verifier, check_new_password};
use mtp_server::UserId;
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::Api;
use crate::call::{Call, Fault, Reply, end};
use crate::ids::constructors;
use crate::ids::functions::account;
use crate::password::{Algo, Settings, Shown};
use crate::state::accounts::Password;
use crate::state::logins::{Asked, Step};

impl Api {
    /// Answers a call of `account.*`.
    pub(super) fn call_account(
        &mut self,
        call: &Call,
        id: u32,
        d: &mut Decoder<'_>,
    ) -> Option<Reply> {
        Some(match id {
            account::GET_PASSWORD => end(d).and_then(|()| self.get_password(call)),
            account::UPDATE_PASSWORD_SETTINGS => self.update_password_settings(call, d),
            account::UPDATE_STATUS => Self::update_status(call, d),
            _ => return None,
        })
    }

    /// `account.getPassword`: for a key that is logged in, or has only the password left to prove.
    // spec: crypto 13
    fn get_password(&mut self, call: &Call) -> Reply {
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

    /// `account.updatePasswordSettings password:InputCheckPasswordSRP
    /// new_settings:account.PasswordInputSettings`
    // spec: crypto 13
    fn update_password_settings(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
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

    /// `account.updateStatus offline:Bool`: other users do not see it.
    fn update_status(call: &Call, d: &mut Decoder<'_>) -> Reply {
        d.read::<bool>()?;
        end(d)?;
        call.user()?;
        Ok(true.to_bytes())
    }

    /// Verifies a proof of a user's password, or that none is needed.
    pub(super) fn verify(
        &mut self,
        call: &Call,
        user: UserId,
        shown: &Shown<'_>,
    ) -> Result<(), Fault> {
        let account = self.accounts.get(user).ok_or_else(Fault::unregistered)?;
        let (id, a, m1, version) = match (shown, &account.password) {
            (Shown::Nothing, None) => return Ok(()),
            (Shown::Nothing, Some(_)) => return Err(Fault::new(400, "PASSWORD_HASH_INVALID")),
            (Shown::Proof { .. }, None) => return Err(Fault::new(400, "PASSWORD_EMPTY")),
            (Shown::Proof { id, a, m1 }, Some(password)) => (*id, *a, *m1, password.version),
        };
        let phone = account.phone.clone().unwrap_or_default();
        // A guess is charged before anything is computed for it.
        self.charge_attempt(call, &phone)?;
        let login = self.logins.get_mut(call.caller.identity);
        let asked = login.and_then(|login| login.take_challenge(call.now, id));
        let asked = asked.filter(|asked| asked.user == user);
        let asked = asked.ok_or_else(|| Fault::new(400, "SRP_ID_INVALID"))?;
        if asked.version != version {
            return Err(Fault::new(400, "SRP_PASSWORD_CHANGED"));
        }
        asked.challenge.verify(a, m1).map_err(|_| {
            self.charge_wrong(call);
            Fault::new(400, "PASSWORD_HASH_INVALID")
        })
    }

    /// Returns the user whose password check a key may request.
    fn password_owner(&mut self, call: &Call) -> Result<UserId, Fault> {
        match self.step(call) {
            Some(Step::Password { user }) => Ok(*user),
            _ => call.user(),
        }
    }
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
        constructors::account::PASSWORD.encode(out);
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
        // There is no passport here.
        constructors::SECURE_PASSWORD_KDF_ALGO_UNKNOWN.encode(out);
        self.secure_random.as_slice().encode(out);
    }
}
