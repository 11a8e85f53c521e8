//! Accounts, and the indexes by which they are found.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use mtp_crypto::AuthKeyId;
use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{self, PasswordAlgo, Verifier};
use mtp_env::Entropy;
use mtp_server::{TokenBucket, UserId};
use mtp_session::server::SessionName;

use super::mailbox::Mailbox;
use crate::call::{Call, Fault, Named};
use crate::config::{AccountConfig, ApiConfig};
use crate::layers::Layer;

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    /// The number with which a client proves that it has seen this user.
    pub(crate) access_hash: i64,
    /// Digits only; the echo user has none.
    pub(crate) phone: Option<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) username: Option<String>,
    /// The salts that a new password starts from.
    pub(crate) offered: PasswordAlgo,
    pub(crate) password: Option<Password>,
    /// The rate of messages sent.
    pub(crate) sends: TokenBucket,
    /// The keys that are logged in, oldest first.
    pub(crate) keys: VecDeque<AuthKeyId>,
    /// The sessions that get updates, oldest subscription first.
    pub(crate) subscribers: VecDeque<Subscriber>,
    pub(crate) mailbox: Mailbox,
}

/// The password of an account.
#[derive(Debug)]
pub(crate) struct Password {
    pub(crate) algo: PasswordAlgo,
    pub(crate) verifier: Verifier,
    pub(crate) hint: Option<String>,
    /// A random number that distinguishes it from earlier passwords.
    pub(crate) version: i64,
}

/// A session that gets updates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscriber {
    pub(crate) session: SessionName,
    pub(crate) identity: AuthKeyId,
    pub(crate) layer: Layer,
}

impl Account {
    /// Subscribes a session, or updates its layer.
    pub(crate) fn subscribe(&mut self, subscriber: Subscriber, max: usize) {
        let known = self.subscribers.iter_mut().find(|old| old.session == subscriber.session);
        if let Some(known) = known {
            *known = subscriber;
            return;
        }
        if self.subscribers.len() >= max {
            self.subscribers.pop_front();
        }
        if max > 0 {
            self.subscribers.push_back(subscriber);
        }
    }
}

/// The data of a new account.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    pub(crate) phone: Option<&'a str>,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) username: Option<&'a str>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_id: BTreeMap<UserId, Account>,
    by_phone: BTreeMap<String, UserId>,
    by_username: BTreeMap<String, UserId>,
    /// The user who answers every message with the same text.
    echo: Option<UserId>,
}

impl Accounts {
    /// Creates the accounts of the configuration.
    pub(crate) fn new(config: &ApiConfig, entropy: &mut dyn Entropy) -> Self {
        let mut accounts = Self::default();
        if config.echo {
            let person = Person {
                phone: None,
                first_name: "Echo",
                last_name: "",
                username: Some(ECHO_USERNAME),
            };
            accounts.echo = Some(accounts.insert(&person, entropy));
        }
        for account in &config.accounts {
            accounts.insert_configured(account, entropy);
        }
        accounts
    }

    fn insert_configured(&mut self, config: &AccountConfig, entropy: &mut dyn Entropy) {
        let person = Person {
            phone: Some(&config.phone),
            first_name: &config.first_name,
            last_name: &config.last_name,
            username: config.username.as_deref(),
        };
        let id = self.insert(&person, entropy);
        if let (Some(password), Some(account)) = (&config.password, self.by_id.get_mut(&id)) {
            let (algo, verifier) =
                srp::new_password(&account.offered, password.as_bytes(), entropy);
            account.password = Some(Password { algo, verifier, hint: None, version: 0 });
        }
    }

    /// Creates an account; without a user name if it is taken.
    pub(crate) fn insert(&mut self, person: &Person<'_>, entropy: &mut dyn Entropy) -> UserId {
        let last = self.by_id.last_key_value().map_or(FIRST_USER - 1, |(id, _)| id.as_i64());
        let id = UserId::new(last.saturating_add(1));
        let username = person.username.filter(|name| self.find_username(name).is_none());
        if let Some(phone) = person.phone {
            self.by_phone.insert(phone.into(), id);
        }
        if let Some(username) = username {
            self.by_username.insert(username.to_ascii_lowercase(), id);
        }
        let mut salts = [0; SALT_1_LEN + SALT_2_LEN];
        entropy.fill(&mut salts);
        let (salt_1, salt_2) = salts.split_at(SALT_1_LEN);
        let mut access_hash = [0; 8];
        entropy.fill(&mut access_hash);
        let account = Account {
            id,
            access_hash: i64::from_le_bytes(access_hash),
            phone: person.phone.map(String::from),
            first_name: person.first_name.into(),
            last_name: person.last_name.into(),
            username: username.map(String::from),
            offered: PasswordAlgo::new(DhGroup::KNOWN, salt_1, salt_2),
            password: None,
            sends: TokenBucket::default(),
            keys: VecDeque::new(),
            subscribers: VecDeque::new(),
            mailbox: Mailbox::default(),
        };
        self.by_id.insert(id, account);
        id
    }

    pub(crate) fn get(&self, id: UserId) -> Option<&Account> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: UserId) -> Option<&mut Account> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn find_phone(&self, phone: &str) -> Option<UserId> {
        self.by_phone.get(phone).copied()
    }

    pub(crate) fn find_username(&self, username: &str) -> Option<UserId> {
        self.by_username.get(&username.to_ascii_lowercase()).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn is_echo(&self, id: UserId) -> bool {
        self.echo == Some(id)
    }

    /// Returns the caller's account.
    pub(crate) fn of_caller(&self, call: &Call) -> Result<&Account, Fault> {
        self.get(call.user()?).ok_or_else(Fault::unregistered)
    }

    /// Returns the caller's account.
    pub(crate) fn of_caller_mut(&mut self, call: &Call) -> Result<&mut Account, Fault> {
        self.get_mut(call.user()?).ok_or_else(Fault::unregistered)
    }

    /// Finds the user that an argument names; `unknown` is the text of the error if there is none.
    pub(crate) fn find(
        &self,
        call: &Call,
        named: Named,
        unknown: &'static str,
    ) -> Result<&Account, Fault> {
        let found = match named {
            Named::Myself => self.get(call.user()?),
            Named::User { id, access_hash } => {
                let proven = |account: &&Account| {
                    account.access_hash == access_hash || call.user == Some(id)
                };
                self.get(id).filter(proven)
            }
            Named::Unknown => None,
        };
        found.ok_or_else(|| Fault::new(400, unknown))
    }

    /// Returns the accounts of several users, each once; unknown users are left out.
    pub(crate) fn several(&self, mut ids: Vec<UserId>) -> Vec<&Account> {
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.get(id)).collect()
    }
}

/// The user name of the echo user.
const ECHO_USERNAME: &str = "echo";

/// The lowest user id: lower ones have a meaning in some clients.
const FIRST_USER: i64 = 1_000_001;

/// Bytes of the first salt that a password starts from; the client adds 32.
// spec: crypto 13
const SALT_1_LEN: usize = 8;
/// Bytes of the second salt.
const SALT_2_LEN: usize = 16;
