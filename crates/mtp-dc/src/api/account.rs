//! The accounts of a data centre: who there is, and how they are found.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use mtp_crypto::AuthKeyId;
use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{self, PasswordAlgo, Verifier};
use mtp_env::Entropy;
use mtp_session::server::SessionName;

use super::ApiConfig;
use super::call::{Call, Fault, Named};
use super::config::AccountConfig;
use super::layers::Layer;
use super::mailbox::Mailbox;
use crate::flood::Bucket;

/// Names a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UserId(i64);

impl UserId {
    pub(super) const fn new(raw: i64) -> Self {
        Self(raw)
    }

    pub(super) const fn get(self) -> i64 {
        self.0
    }
}

/// One account and everything that hangs on it.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: UserId,
    /// What a client has to show to name this user: it proves that it was told of them.
    pub(super) access_hash: i64,
    /// Digits; the echo user has none.
    pub(super) phone: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) username: Option<String>,
    /// What a new password has to start from.
    pub(super) offered: PasswordAlgo,
    pub(super) password: Option<Password>,
    /// Codes and passwords tried.
    pub(super) attempts: Bucket,
    /// Messages sent.
    pub(super) sends: Bucket,
    /// The keys that are logged in, oldest first.
    pub(super) keys: VecDeque<AuthKeyId>,
    /// The sessions that get updates, the one that asked first in front.
    pub(super) subscribers: VecDeque<Subscriber>,
    pub(super) mailbox: Mailbox,
}

/// What an account knows of its password.
#[derive(Debug)]
pub(super) struct Password {
    pub(super) algo: PasswordAlgo,
    pub(super) verifier: Verifier,
    pub(super) hint: Option<String>,
    /// Tells it from the passwords before it: a random number.
    pub(super) version: i64,
}

/// A session that gets updates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscriber {
    pub(super) session: SessionName,
    pub(super) identity: AuthKeyId,
    pub(super) layer: Layer,
}

impl Account {
    /// Notes that a session gets updates, and in which layer.
    pub(super) fn subscribe(&mut self, subscriber: Subscriber, max: usize) {
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

/// Who somebody is, as they or the configuration say.
#[derive(Debug)]
pub(super) struct Person<'a> {
    pub(super) phone: Option<&'a str>,
    pub(super) first_name: &'a str,
    pub(super) last_name: &'a str,
    pub(super) username: Option<&'a str>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_id: BTreeMap<UserId, Account>,
    by_phone: BTreeMap<String, UserId>,
    by_username: BTreeMap<String, UserId>,
    /// Who answers everything with the same text.
    echo: Option<UserId>,
}

impl Accounts {
    /// Makes the accounts there are from the start.
    pub(super) fn new(config: &ApiConfig, entropy: &mut dyn Entropy) -> Self {
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

    /// Makes an account; a user name that somebody has is not given again.
    pub(super) fn insert(&mut self, person: &Person<'_>, entropy: &mut dyn Entropy) -> UserId {
        let last = self.by_id.last_key_value().map_or(FIRST_USER - 1, |(id, _)| id.get());
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
            attempts: Bucket::default(),
            sends: Bucket::default(),
            keys: VecDeque::new(),
            subscribers: VecDeque::new(),
            mailbox: Mailbox::default(),
        };
        self.by_id.insert(id, account);
        id
    }

    pub(super) fn get(&self, id: UserId) -> Option<&Account> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: UserId) -> Option<&mut Account> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn find_phone(&self, phone: &str) -> Option<UserId> {
        self.by_phone.get(phone).copied()
    }

    pub(super) fn find_username(&self, username: &str) -> Option<UserId> {
        self.by_username.get(&username.to_ascii_lowercase()).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_echo(&self, id: UserId) -> bool {
        self.echo == Some(id)
    }

    /// Returns the account of whoever makes a call.
    pub(super) fn of_caller(&self, call: &Call) -> Result<&Account, Fault> {
        self.get(call.user()?).ok_or_else(Fault::unregistered)
    }

    /// Returns the account of whoever makes a call.
    pub(super) fn of_caller_mut(&mut self, call: &Call) -> Result<&mut Account, Fault> {
        self.get_mut(call.user()?).ok_or_else(Fault::unregistered)
    }

    /// Finds whom an argument names; `unknown` is the error's text if that is nobody.
    pub(super) fn find(&self, call: &Call, named: Named, unknown: &str) -> Result<&Account, Fault> {
        let found = match named {
            Named::Myself => self.get(call.user()?),
            Named::User { id, access_hash } => {
                let proven = |account: &&Account| {
                    account.access_hash == access_hash || call.user == Some(id)
                };
                self.get(id).filter(proven)
            }
            Named::Nobody => None,
        };
        found.ok_or_else(|| Fault::new(400, unknown))
    }

    /// Returns the accounts of several users, each once, without those that do not exist.
    pub(super) fn several(&self, mut ids: Vec<UserId>) -> Vec<&Account> {
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.get(id)).collect()
    }
}

/// The user name of whoever answers everything with the same text.
const ECHO_USERNAME: &str = "echo";

/// The lowest user id: those below have a meaning at some clients.
const FIRST_USER: i64 = 1_000_001;

/// Bytes of the first salt that a password starts from; the client adds 32.
// spec: crypto 13
const SALT_1_LEN: usize = 8;
/// Bytes of the second salt.
const SALT_2_LEN: usize = 16;
