//! `mtp client`: calls from the command line, answers as JSON.
//!
//! `route` decides where to connect and over what, `visit` waits for the session and makes the calls.

mod route;
mod visit;

use core::time::Duration;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{ArgGroup, Args};
use mtp_crypto::exchange::{KNOWN_KEYS, KnownKey, KnownKeyKind, RsaPublicKey};
use mtp_crypto::key_file::Cost;
use mtp_tokio::store::{ClientStore, FileStore, StoreError, private_file};
use mtp_tokio::{ClientLog, ClientOptions};
use tokio::sync::mpsc;

use self::route::Route;
use self::visit::Visit;
use crate::api::{Api, Call};
use crate::failure::{Code, Failure};
use crate::recording::Recording;
use crate::schema::SchemaOption;
use crate::secrets;
use crate::system::block_on;
use crate::transport::{DataCenter, Hello, Transport};

/// Arguments of `mtp client`.
#[derive(Args)]
#[command(group = ArgGroup::new("target")
    .args(["connect", "dc", "proxy", "proxy_link", "proxy_link_file"])
    .required(true).multiple(true))]
pub(crate) struct ClientArguments {
    /// Address and port of the data center; a proxy knows it by number and does not need it
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<String>,
    /// Number of the data center, 2 if not given; without --connect its published address is used
    #[arg(long, value_name = "NUMBER")]
    dc: Option<u8>,
    /// The data center belongs to the test environment
    #[arg(long)]
    test: bool,
    /// The server's public key, PKCS#1 or SPKI in PEM; the published keys if not given
    #[arg(long, value_name = "FILE")]
    rsa_pub: Option<PathBuf>,
    /// File that keeps the key, and with it the login, between runs; created if it does not exist
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// Password of that file; without one the file is as safe as its permissions. `-` reads a line from the
    /// standard input. Arguments are visible to every user of the machine; --password-file and
    /// `MTP_SESSION_PASSWORD` are not
    #[arg(long, requires = "session")]
    password: Option<String>,
    /// File with that password in its first line
    #[arg(long, value_name = "FILE", requires = "session", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Transport [default: intermediate, padded through a proxy]
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Address and port of an MTProxy
    #[arg(long, value_name = "ADDRESS")]
    proxy: Option<String>,
    /// The proxy's secret, hexadecimal or base64. `-` reads a line from the standard input. Arguments are
    /// visible to every user of the machine; --secret-file and `MTP_SECRET` are not
    #[arg(long, value_name = "SECRET", requires = "proxy")]
    secret: Option<String>,
    /// File with that secret in its first line
    #[arg(long, value_name = "FILE", requires = "proxy", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
    /// Browser whose TLS hello disguises an ee secret; proxies from before 2025 only know `legacy`
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t = Hello::Chrome)]
    hello: Hello,
    /// A link to an MTProxy, instead of --proxy and --secret; it holds the secret, so `-` reads it from the
    /// standard input
    #[arg(long, value_name = "URL", conflicts_with = "proxy")]
    proxy_link: Option<String>,
    /// File with that link in its first line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proxy", "proxy_link"])]
    proxy_link_file: Option<PathBuf>,
    /// A call: the method's name, with its arguments as a JSON object behind `=`; may be repeated
    #[arg(long = "call", value_name = "METHOD[=JSON]", required = true)]
    calls: Vec<String>,
    #[command(flatten)]
    schema: SchemaOption,
    /// Your application's number; calls then introduce themselves with initConnection
    #[arg(long, value_name = "NUMBER")]
    api_id: Option<i32>,
    /// How long connecting and each call may take, in seconds
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
    /// File for a log of everything that the client does, for `mtp replay`. It holds the keys: it is as
    /// secret as the session
    #[arg(long, value_name = "FILE")]
    log_session: Option<PathBuf>,
    /// Print each key that is created, and what went wrong on the way
    #[arg(long, short)]
    verbose: bool,
}

impl ClientArguments {
    fn timeout(&self) -> anyhow::Result<Duration> {
        Duration::try_from_secs_f64(self.timeout).context("--timeout is not a number of seconds")
    }

    fn dc_number(&self) -> u8 {
        self.dc.unwrap_or(2)
    }

    fn data_center(&self) -> DataCenter {
        DataCenter::new(self.dc_number(), self.test)
    }

    fn server_keys(&self) -> anyhow::Result<Vec<RsaPublicKey>> {
        let Some(path) = &self.rsa_pub else {
            let kind = if self.test { KnownKeyKind::Test } else { KnownKeyKind::Production };
            let keys = KNOWN_KEYS.iter().filter(|key| key.kind == kind);
            return Ok(keys.map(KnownKey::public_key).collect());
        };
        read_key(path).map(|key| vec![key])
    }

    fn password(&self) -> anyhow::Result<secrets::SecretText> {
        let (argument, path) = (self.password.as_deref(), self.password_file.as_deref());
        let given = secrets::given("--password", argument, path, "MTP_SESSION_PASSWORD")?;
        Ok(given.unwrap_or_default())
    }

    fn parse_calls(&self, api: &Api) -> anyhow::Result<Vec<Call>> {
        let parse = |text: &String| {
            let call = api.parse_call(text).and_then(check_is_method);
            call.with_context(|| format!("--call {text}"))
        };
        self.calls.iter().map(parse).collect()
    }
}

pub(crate) fn run(arguments: &ClientArguments) -> Result<(), Failure> {
    let timeout = arguments.timeout()?;
    let keys = arguments.server_keys()?;
    let api = Api::load(&arguments.schema)?;
    let calls = arguments.parse_calls(&api)?;
    let Route { destination, stack } = Route::of(arguments)?;
    let recording = Recording {
        dc: arguments.dc_number(),
        test: arguments.test,
        keys,
        api_id: arguments.api_id,
    };
    block_on(async {
        let mut options = ClientOptions::new(destination.clone(), stack, recording.config(&api));
        // A pause that outlasts the timeout is an attempt less: who waits ten seconds is not helped after them.
        options.retry_pause_max = options.retry_pause_max.min(timeout / ATTEMPTS_IN_TIMEOUT);
        options.store = open_session(arguments).await?;
        let log = arguments.log_session.as_deref().map(Log::create).transpose()?;
        options.log = log.as_ref().map(|log| ClientLog::new(recording.note(), log.sender.clone()));
        let visit = Visit::new(&api, &calls, timeout, arguments.verbose);
        let outcome = visit.run(&destination, options).await;
        // A log that cannot be written must not hide what went wrong before.
        let logged = log.map_or(Ok(()), |mut log| log.write());
        outcome.and(logged)
    })
}

/// Opens the key file before anything is sent: a key that cannot be stored must not be created.
async fn open_session(
    arguments: &ClientArguments,
) -> Result<Option<Arc<dyn ClientStore>>, Failure> {
    let Some(path) = &arguments.session else { return Ok(None) };
    let password = arguments.password()?;
    let opened = FileStore::open(path, password.as_bytes(), Cost::DEFAULT).await;
    let store = opened.map_err(|error| {
        let code = match error {
            // A regular file whose keys cannot be used.
            StoreError::Open(_) | StoreError::Newer { .. } => Code::NoKey,
            _ => Code::Failed,
        };
        Failure {
            error: anyhow::Error::from(error).context(format!("--session {}", path.display())),
            code,
        }
    })?;
    Ok(Some(Arc::new(store)))
}

/// The longest pause between attempts to connect is this part of the timeout.
const ATTEMPTS_IN_TIMEOUT: u32 = 8;

/// A log on its way to its file.
struct Log {
    file: File,
    path: PathBuf,
    sender: mpsc::UnboundedSender<Vec<u8>>,
    parts: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Log {
    /// Creates the file, in place of an existing one.
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = private_file::create(path);
        let file = file.with_context(|| format!("--log-session {}", path.display()))?;
        let (sender, parts) = mpsc::unbounded_channel();
        Ok(Self { file, path: path.to_owned(), sender, parts })
    }

    /// Writes what has arrived.
    fn write(&mut self) -> Result<(), Failure> {
        while let Ok(part) = self.parts.try_recv() {
            let written = self.file.write_all(&part);
            written.with_context(|| format!("--log-session {}", self.path.display()))?;
        }
        Ok(())
    }
}

fn read_key(path: &Path) -> anyhow::Result<RsaPublicKey> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    RsaPublicKey::from_pem(&pem)
        .with_context(|| format!("{} is not an RSA public key", path.display()))
}

/// Returns an error for functions of the protocol itself: no server answers them as calls.
fn check_is_method(call: Call) -> anyhow::Result<Call> {
    let id = call.body.first_chunk().map(|id| u32::from_le_bytes(*id));
    let is_service = id.is_some_and(|id| SERVICE_FUNCTIONS.contains(&id));
    anyhow::ensure!(
        !is_service,
        "{} is a service function: the client sends it itself, it cannot be called",
        call.name
    );
    Ok(call)
}

/// The functions of `mtproto.tl`.
const SERVICE_FUNCTIONS: [u32; 10] = [
    0x6046_9778, // req_pq
    0xbe7e_8ef1, // req_pq_multi
    0xd712_e4be, // req_DH_params
    0xf504_5f1f, // set_client_DH_params
    0x58e4_a740, // rpc_drop_answer
    0xb921_bd04, // get_future_salts
    0x7abe_77ec, // ping
    0xf342_7b8c, // ping_delay_disconnect
    0xe751_2126, // destroy_session
    0xd143_5160, // destroy_auth_key
];
