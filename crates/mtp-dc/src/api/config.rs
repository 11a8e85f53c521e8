//! What the API is told, and all its limits.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use super::DcOption;
use crate::flood::Rate;

/// What the API is told.
///
/// What clients can make it keep is bounded: by the product of `accounts_max` and what one account
/// may hold, by `files`, and by `logins_pending_max` unfinished logins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiConfig {
    /// This data centre's number.
    pub this_dc: i32,
    /// The data centre belongs to the test environment.
    pub test_mode: bool,
    /// Where data centres can be reached; clients ask for it first.
    pub dc_options: Vec<DcOption>,

    /// The accounts there are from the start.
    pub accounts: Vec<AccountConfig>,
    /// What happens when an unknown number signs in. Default: it gets an account.
    pub sign_up: SignUp,
    /// What the code of a login is. Default: random, told to the embedder alone.
    pub login_code: LoginCode,
    /// Whether there is a user who answers everything with the same text, found under the user name
    /// `echo`. Default true.
    pub echo: bool,
    /// Accounts in all, each of about `mailbox_bytes_max` at most. Default 1000.
    pub accounts_max: usize,
    /// Keys that may be logged in to one account; one more logs the oldest out. Default 32.
    pub logins_per_account_max: usize,
    /// Logins that may be under way; one more ends the oldest. Default 4096.
    pub logins_pending_max: usize,
    /// How long a login may take, code and password each. Default 5 minutes.
    pub login_life: Duration,
    /// Wrong codes after which a code is void. Default 3.
    pub code_attempts_max: u32,
    /// How often a key may ask for a code, or for the parameters of a password check. Default: 5 at
    /// once, then one in 10 seconds.
    pub login_requests: Rate,
    /// How often codes and passwords may be tried at one account, by everybody together. Default: 10
    /// at once, then one in a minute.
    pub login_attempts: Rate,

    /// Messages kept for one account; one more drops the oldest. Default 1000.
    pub mailbox_messages_max: usize,
    /// Bytes of messages kept for one account, each counted with 128 bytes for itself; more drop
    /// the oldest. Default 256 KiB.
    pub mailbox_bytes_max: usize,
    /// Sessions of one account that get updates; one more ends the oldest's subscription. Default 64.
    pub subscribers_max: usize,
    /// How often an account may send a message. Default: 60 at once, then 20 a second.
    pub messages: Rate,

    /// What may be uploaded.
    pub files: FileLimits,
}

/// What may be uploaded, by whom, for how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FileLimits {
    /// Whether clients that are not logged in may move files. Default false, as in production.
    pub without_login: bool,
    /// Bytes that one key may keep, each part counted with 256 bytes for itself. Default 64 MiB.
    pub key_bytes_max: usize,
    /// Bytes kept in all, counted likewise. Default 1 GiB.
    pub bytes_max: usize,
    /// Parts of one file. Default 8000: with parts of the largest size 4 GB.
    pub parts_max: u32,
    /// How long a file is kept after its last part. Default 1 hour.
    pub life: Duration,
}

/// What happens when an unknown number has shown the right code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignUp {
    /// An account is made, named by its number.
    Automatic,
    /// The client has to call `auth.signUp` with a name.
    Asked,
    /// Nobody is let in without an account.
    Closed,
}

/// What the code of a login is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginCode {
    /// Five random digits for each login, in [`DcEvent::LoginCode`](crate::DcEvent::LoginCode).
    Random,
    /// The same for everybody: for tests only, because with it anybody is everybody.
    Fixed(String),
}

/// An account that is there from the start.
#[derive(Clone)]
pub struct AccountConfig {
    pub(super) phone: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) username: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
}

impl AccountConfig {
    /// Names an account by its number, 5 to 15 digits, and its owner.
    #[must_use]
    pub fn new(phone: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            phone: phone.into(),
            first_name: first_name.into(),
            last_name: last_name.into(),
            username: None,
            password: None,
        }
    }

    /// Lets others find the account by a user name.
    #[must_use]
    pub fn with_username(mut self, username: &str) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Asks for a password after the code. Deriving it takes a tenth of a second at the start.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.password = Some(Zeroizing::new(password.into()));
        self
    }
}

/// Prints the number and whether there is a password.
impl fmt::Debug for AccountConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountConfig")
            .field("phone", &self.phone)
            .field("username", &self.username)
            .field("has_password", &self.password.is_some())
            .finish_non_exhaustive()
    }
}

impl ApiConfig {
    /// Configures a data centre of this number without addresses and accounts.
    #[must_use]
    pub const fn new(this_dc: i32) -> Self {
        Self {
            this_dc,
            test_mode: false,
            dc_options: Vec::new(),
            accounts: Vec::new(),
            sign_up: SignUp::Automatic,
            login_code: LoginCode::Random,
            echo: true,
            accounts_max: 1000,
            logins_per_account_max: 32,
            logins_pending_max: 4096,
            login_life: Duration::from_secs(300),
            code_attempts_max: 3,
            login_requests: Rate::new(5, Duration::from_secs(10)),
            login_attempts: Rate::new(10, Duration::from_secs(60)),
            mailbox_messages_max: 1000,
            mailbox_bytes_max: 256 << 10,
            subscribers_max: 64,
            messages: Rate::new(60, Duration::from_millis(50)),
            files: FileLimits {
                without_login: false,
                key_bytes_max: 64 << 20,
                bytes_max: 1 << 30,
                parts_max: 8000,
                life: Duration::from_secs(3600),
            },
        }
    }
}
