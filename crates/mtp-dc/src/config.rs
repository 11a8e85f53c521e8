//! Configuration of the API, with all its limits.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use mtp_server::Rate;

/// API configuration.
///
/// What clients can make the API hold is bounded: by `accounts_max` times what one account may hold,
/// by `files`, and by `logins_pending_max` unfinished logins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiConfig {
    /// The number of this data center.
    pub this_dc: i32,
    /// The data center belongs to the test environment.
    pub test_mode: bool,
    /// The addresses of data centers, for clients' first call.
    pub dc_options: Vec<DcOption>,

    /// Accounts that exist from the start.
    pub accounts: Vec<AccountConfig>,
    /// What happens when an unknown number signs in. Default: it gets an account.
    pub sign_up: SignUp,
    /// The code of a login. Default: random, given to the embedder only.
    pub login_code: LoginCode,
    /// Whether there is a user `echo`, who answers every message with the same text. Default true.
    pub echo: bool,
    /// Accounts in all, each of at most about `mailbox_bytes_max`. Default 1000.
    pub accounts_max: usize,
    /// Keys that may be logged in to one account; one more logs the oldest out. Default 32.
    pub logins_per_account_max: usize,
    /// Logins in progress; one more ends the oldest, or is refused while that is less than a minute old.
    /// Default 4096.
    pub logins_pending_max: usize,
    /// How long each step of a login may take, code and password. Default 5 minutes.
    pub login_life: Duration,
    /// Wrong attempts after which a code is void. Default 3.
    pub code_attempts_max: u32,
    /// Requests of one key for a code or a password check. Default: 5 at once, then one in 10 seconds.
    pub login_requests: Rate,
    /// Attempts with codes and passwords at one number, by all keys of a network, whether or not the
    /// number has an account. Default: 10 at once, then one in a minute.
    pub login_attempts: Rate,
    /// Wrong codes and passwords of a network, at all numbers. Default: 30 at once, then one in 10
    /// seconds.
    pub wrong_attempts: Rate,
    /// Requests of a network for a code for one number. Default: 10 at once, then one in a minute.
    pub code_requests: Rate,
    /// Requests of a network for codes, for all numbers. Default: 100 at once, then one a second.
    pub code_requests_per_network: Rate,
    /// Numbers that a user, and a network, looks up. Default: 5000 at once, then one in 20 seconds.
    pub lookups: Rate,
    /// Pairs of a number and a network whose attempts are remembered, of each kind; one more forgets the
    /// longest unused. Default 65,536.
    pub guesses_max: usize,

    /// Messages kept for one account; one more drops the oldest. Default 1000.
    pub mailbox_messages_max: usize,
    /// Bytes of messages kept for one account, with 128 bytes of overhead for each; more drop the
    /// oldest. Default 256 KiB.
    pub mailbox_bytes_max: usize,
    /// Sessions of one account that get updates; one more ends the oldest's subscription. Default 64.
    pub subscribers_max: usize,
    /// Messages that one account may send. Default: 60 at once, then 20 a second.
    pub messages: Rate,

    /// Limits of uploaded files.
    pub files: FileLimits,
}

/// An address of a data center.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DcOption {
    /// The data center's number.
    pub id: i32,
    /// The address as text.
    pub ip_address: String,
    /// The port.
    pub port: u16,
    /// The address is an IPv6 address.
    pub ipv6: bool,
}

impl DcOption {
    /// Creates an option. `ip_address` is an IPv6 address if it has a colon.
    #[must_use]
    pub fn new(id: i32, ip_address: &str, port: u16) -> Self {
        Self { id, ip_address: ip_address.into(), port, ipv6: ip_address.contains(':') }
    }
}

/// Limits of uploaded files.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FileLimits {
    /// Whether clients that are not logged in may transfer files. Default false, as in production.
    pub without_login: bool,
    /// Bytes kept for one key, with 256 bytes of overhead for each part. Default 64 MiB.
    pub key_bytes_max: usize,
    /// Bytes kept in all, counted in the same way. Default 1 GiB.
    pub bytes_max: usize,
    /// Parts of one file. Default 8000, which is 4 GB in parts of the largest size.
    pub parts_max: u32,
    /// How long a file is kept after its last part. Default 1 hour.
    pub life: Duration,
}

/// What happens when an unknown number proves the right code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignUp {
    /// An account is created and named by its number.
    Automatic,
    /// The client has to call `auth.signUp` with a name.
    Asked,
    /// A number without an account cannot log in.
    Closed,
}

/// The code of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginCode {
    /// Five random digits for each login, in [`DcEvent::LoginCode`](crate::DcEvent::LoginCode).
    Random,
    /// The same for all: for tests only, because with it anybody can log in as anybody.
    Fixed(String),
}

/// An account that exists from the start.
#[derive(Clone)]
pub struct AccountConfig {
    pub(crate) phone: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Zeroizing<String>>,
}

impl AccountConfig {
    /// Creates an account with a number of 5 to 15 digits and its owner's name.
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

    /// Adds a user name, by which others find the account.
    #[must_use]
    pub fn with_username(mut self, username: &str) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Requires a password after the code. Deriving it takes a tenth of a second at the start.
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
    /// Creates a configuration without addresses and accounts for a data center.
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
            wrong_attempts: Rate::new(30, Duration::from_secs(10)),
            code_requests: Rate::new(10, Duration::from_secs(60)),
            code_requests_per_network: Rate::new(100, Duration::from_secs(1)),
            lookups: Rate::new(5000, Duration::from_secs(20)),
            guesses_max: 1 << 16,
            mailbox_messages_max: 1000,
            mailbox_bytes_max: 256 << 10,
            subscribers_max: 64,
            messages: Rate::new(60, Duration::from_millis(50)),
            files: FileLimits::new(),
        }
    }
}

impl FileLimits {
    /// Returns the default limits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            without_login: false,
            key_bytes_max: 64 << 20,
            bytes_max: 1 << 30,
            parts_max: 8000,
            life: Duration::from_secs(3600),
        }
    }
}

impl Default for FileLimits {
    fn default() -> Self {
        Self::new()
    }
}
