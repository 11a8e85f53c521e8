//! Clients of several data centres, for a user whose home and files are where they are.
//!
//! ```text
//!   call ──▶ home ──▶ answer
//!             │
//!             ├─ 303 PHONE_, NETWORK_, USER_MIGRATE_n ──▶ n is home from now on ──▶ answer
//!             └─ 303 FILE_, STATS_MIGRATE_n ──▶ n, after auth.exportAuthorization at home
//!                                                  and auth.importAuthorization there ──▶ answer
//! ```

use core::fmt;
use core::sync::atomic::{AtomicI32, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use mtp_session::session::RequestOptions;
use mtp_tl::{Decode as _, Encode as _, tl_struct};
use tokio::sync::{Mutex, OnceCell, mpsc};

use super::error::Migration;
use super::{Client, ClientOptions, InvokeError, Notice};

/// Clients of several data centres, started when they are needed.
pub struct Pool {
    reach: Box<dyn Fn(i32) -> Option<ClientOptions> + Send + Sync>,
    home: AtomicI32,
    centers: Mutex<BTreeMap<i32, Arc<Center>>>,
    notices: mpsc::Sender<(i32, Notice)>,
}

/// A data centre's client.
#[derive(Debug)]
struct Center {
    client: Client,
    /// Set once the user is known there.
    authorised: OnceCell<()>,
}

impl Pool {
    /// Starts with a home; `reach` says how to connect to a data centre.
    ///
    /// Notices come with the number of their data centre.
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

    /// Returns the user's home, which moves when a data centre says so; worth storing.
    #[must_use]
    pub fn home(&self) -> i32 {
        self.home.load(Ordering::Relaxed)
    }

    /// Makes a call at home, or wherever it turns out to belong.
    ///
    /// # Errors
    /// [`InvokeError`]; [`InvokeError::Unreachable`] if it belongs where nobody knows the way.
    pub async fn invoke_raw(
        &self,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        self.migrate(self.home(), body, options).await
    }

    /// Makes a call at a certain data centre, as the user: for files that are known to lie there.
    ///
    /// # Errors
    /// As [`invoke_raw`](Self::invoke_raw).
    pub async fn invoke_raw_at(
        &self,
        dc: i32,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        self.authorise(dc).await?;
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
            let center = self.center(dc).await?;
            let outcome = center.client.invoke_raw(body.clone(), options).await;
            let migration = outcome.as_ref().err().and_then(InvokeError::migration);
            match migration.filter(|(to, _)| *to != dc) {
                None => return outcome,
                Some((to, Migration::Home)) => {
                    self.center(to).await?;
                    self.home.store(to, Ordering::Relaxed);
                    dc = to;
                }
                Some((to, Migration::ThisCall)) => {
                    self.authorise(to).await?;
                    dc = to;
                }
            }
        }
        // Data centres that send us round in circles get the last word.
        self.center(dc).await?.client.invoke_raw(body, options).await
    }

    /// Makes the user known at a data centre, once. A user who has not logged in is known nowhere.
    async fn authorise(&self, dc: i32) -> Result<(), InvokeError> {
        let home = self.home();
        if dc == home {
            return Ok(());
        }
        let (from, to) = (self.center(home).await?, self.center(dc).await?);
        let transfer = to.authorised.get_or_try_init(|| async {
            let export = ExportAuthorization { dc_id: dc }.to_bytes();
            let exported = from.client.invoke_raw(export, RequestOptions::new()).await?;
            let ExportedAuthorization { id, bytes } =
                ExportedAuthorization::from_bytes(&exported).map_err(InvokeError::Undecodable)?;
            let import = ImportAuthorization { id, bytes }.to_bytes();
            to.client.invoke_raw(import, RequestOptions::new()).await?;
            Ok(())
        });
        match transfer.await {
            Ok(()) | Err(InvokeError::Rpc { code: 401, .. }) => Ok(()),
            Err(why) => Err(why),
        }
    }

    async fn center(&self, dc: i32) -> Result<Arc<Center>, InvokeError> {
        let mut centers = self.centers.lock().await;
        if let Some(center) = centers.get(&dc) {
            return Ok(center.clone());
        }
        let options = (self.reach)(dc).ok_or(InvokeError::Unreachable { dc })?;
        let (client, mut notices) = Client::start(options);
        let center = Arc::new(Center { client, authorised: OnceCell::new() });
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

tl_struct! {
    /// Asks for a proof of who the user is.
    struct ExportAuthorization = "auth.exportAuthorization" # 0xe5bf_ffcd {
        dc_id: i32,
    }
}

tl_struct! {
    /// The proof, for one data centre and a short time.
    struct ExportedAuthorization<'a> = "auth.exportedAuthorization" # 0xb434_e2b8 {
        id: i64,
        bytes: &'a [u8],
    }
}

tl_struct! {
    /// Shows the proof.
    struct ImportAuthorization<'a> = "auth.importAuthorization" # 0xa57a_7dad {
        id: i64,
        bytes: &'a [u8],
    }
}

/// How often one call follows to another data centre: home, then the file's, and once more for either.
const MIGRATIONS_MAX: usize = 4;

/// Notices of all clients together that wait to be taken.
const NOTICES_MAX: usize = 64;
