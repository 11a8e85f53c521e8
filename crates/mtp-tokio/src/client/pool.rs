//! Clients of several data centers, for a user whose home and files are in different ones.
//!
//! ```text
//!   call ──▶ home ──▶ answer
//!             │
//!             ├─ 303 PHONE_, NETWORK_, USER_MIGRATE_n ──▶ n is home from now on ──▶ answer
//!             └─ 303 FILE_, STATS_MIGRATE_n ──▶ n, after auth.exportAuthorization at home
//!                                                  and auth.importAuthorization there ──▶ answer
//!                                                  └─ 401 ──▶ once more, with a new export
//! ```

use core::fmt;
use core::sync::atomic::{AtomicI32, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use mtp_session::client::RequestOptions;
use mtp_tl::{Decode as _, Encode as _, tl_struct};
use tokio::sync::{Mutex, mpsc};

use super::error::Migration;
use super::{Client, ClientOptions, InvokeError, Notice};

/// Clients of several data centers, started when they are needed.
pub struct Pool {
    reach: Box<dyn Fn(i32) -> Option<ClientOptions> + Send + Sync>,
    home: AtomicI32,
    centers: Mutex<BTreeMap<i32, Arc<Center>>>,
    notices: mpsc::Sender<(i32, Notice)>,
}

/// A data center's client.
#[derive(Debug)]
struct Center {
    client: Client,
    login: Mutex<Login>,
}

/// The login that was imported into a data center.
#[derive(Clone, Copy, Debug, Default)]
struct Login {
    is_imported: bool,
    /// Imports so far: tells whether somebody else has imported since.
    imports: u64,
}

impl Pool {
    /// Creates a pool with a home; `reach` returns the options for a data center.
    ///
    /// Notices come with the number of their data center.
    pub fn new(
        home: i32,
        reach: impl Fn(i32) -> Option<ClientOptions> + Send + Sync + 'static,
    ) -> (Self, mpsc::Receiver<(i32, Notice)>) {
        let (notices, inbox) = mpsc::channel(NOTICES_MAX);
        let pool = Self {
            reach: Box::new(reach),
            home: AtomicI32::new(home),
            centers: Mutex::new(BTreeMap::new()),
            notices,
        };
        (pool, inbox)
    }

    /// Returns the user's home. A data center may move it: store it.
    #[must_use]
    pub fn home(&self) -> i32 {
        self.home.load(Ordering::Relaxed)
    }

    /// Makes a call at home, or where a data center sends it.
    ///
    /// # Errors
    /// [`InvokeError`]; [`InvokeError::Unreachable`] if there are no options for that data center.
    pub async fn invoke_raw(
        &self,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        self.migrate(self.home(), body, options).await
    }

    /// Makes a call at a data center as the user, for files that are known to be there.
    ///
    /// # Errors
    /// As [`invoke_raw`](Self::invoke_raw).
    pub async fn invoke_raw_at(
        &self,
        dc: i32,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        self.import_login(dc, None).await?;
        self.migrate(dc, body, options).await
    }

    /// Closes every client.
    pub async fn close(self) {
        for center in self.centers.into_inner().into_values() {
            if let Some(Center { client, .. }) = Arc::into_inner(center) {
                client.close().await;
            }
        }
    }

    async fn migrate(
        &self,
        mut dc: i32,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        for _ in 0..MIGRATIONS_MAX {
            let outcome = self.call_at(dc, body.clone(), options).await;
            let migration = outcome.as_ref().err().and_then(InvokeError::migration);
            match migration.filter(|(to, _)| *to != dc) {
                None => return outcome,
                Some((to, Migration::Home)) => {
                    self.center(to).await?;
                    self.home.store(to, Ordering::Relaxed);
                    dc = to;
                }
                Some((to, Migration::ThisCall)) => {
                    self.import_login(to, None).await?;
                    dc = to;
                }
            }
        }
        // Data centers that send calls in circles have the last word.
        self.call_at(dc, body, options).await
    }

    /// Makes a call at a data center; if that has forgotten the imported login, imports it again, once.
    async fn call_at(
        &self,
        dc: i32,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        let center = self.center(dc).await?;
        let login = *center.login.lock().await;
        let outcome = center.client.invoke_raw(body.clone(), options).await;
        let forgotten = matches!(outcome, Err(InvokeError::Rpc { code: 401, .. }));
        if !forgotten || !login.is_imported || dc == self.home() {
            return outcome;
        }
        if !self.import_login(dc, Some(login.imports)).await? {
            return outcome;
        }
        center.client.invoke_raw(body, options).await
    }

    /// Imports the login of the home into a data center: once, or again if it forgot that import. Returns
    /// `false` if there is no login at home.
    async fn import_login(&self, dc: i32, forgotten: Option<u64>) -> Result<bool, InvokeError> {
        let home = self.home();
        if dc == home {
            return Ok(true);
        }
        let (from, to) = (self.center(home).await?, self.center(dc).await?);
        let mut login = to.login.lock().await;
        if forgotten == Some(login.imports) {
            login.is_imported = false;
        }
        if !login.is_imported {
            match transfer(&from.client, &to.client, dc).await {
                Ok(()) => {
                    *login = Login { is_imported: true, imports: login.imports.saturating_add(1) };
                }
                Err(InvokeError::Rpc { code: 401, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(login.is_imported)
    }

    async fn center(&self, dc: i32) -> Result<Arc<Center>, InvokeError> {
        let mut centers = self.centers.lock().await;
        if let Some(center) = centers.get(&dc) {
            return Ok(center.clone());
        }
        let options = (self.reach)(dc).ok_or(InvokeError::Unreachable { dc })?;
        let (client, mut notices) = Client::start(options);
        let center = Arc::new(Center { client, login: Mutex::default() });
        centers.insert(dc, center.clone());
        let out = self.notices.clone();
        tokio::spawn(async move {
            while let Some(notice) = notices.recv().await {
                // Waiting makes the client drop updates, with a mark.
                if out.send((dc, notice)).await.is_err() {
                    return;
                }
            }
        });
        Ok(center)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("home", &self.home).finish_non_exhaustive()
    }
}

/// Exports the login of one data center and imports it into another.
async fn transfer(from: &Client, to: &Client, dc: i32) -> Result<(), InvokeError> {
    let export = ExportAuthorization { dc_id: dc }.to_bytes();
    let exported = from.invoke_raw(export, RequestOptions::new()).await?;
    let ExportedAuthorization { id, bytes } =
        ExportedAuthorization::from_bytes(&exported).map_err(InvokeError::Undecodable)?;
    let import = ImportAuthorization { id, bytes }.to_bytes();
    to.invoke_raw(import, RequestOptions::new()).await?;
    Ok(())
}

tl_struct! {
    /// Requests a proof of the user's login.
    struct ExportAuthorization = "auth.exportAuthorization" # 0xe5bf_ffcd {
        dc_id: i32,
    }
}

tl_struct! {
    /// The proof, for one data center and a short time.
    struct ExportedAuthorization<'a> = "auth.exportedAuthorization" # 0xb434_e2b8 {
        id: i64,
        bytes: &'a [u8],
    }
}

tl_struct! {
    /// Presents the proof.
    struct ImportAuthorization<'a> = "auth.importAuthorization" # 0xa57a_7dad {
        id: i64,
        bytes: &'a [u8],
    }
}

/// How often one call follows to another data center: home, then the file's, and once more for either.
const MIGRATIONS_MAX: usize = 4;

/// Notices of all clients together that wait to be taken.
const NOTICES_MAX: usize = 64;
