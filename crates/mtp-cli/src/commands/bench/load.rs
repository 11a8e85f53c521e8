//! Work for the rig, and how much of it gets done.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use mtp_crypto::OsEntropy;
use mtp_env::Entropy;
use mtp_session::client::RequestOptions;
use mtp_tokio::{Client, Notice, Notices};
use serde_json::json;
use tokio::task::JoinSet;

use super::meter::{Done, Meter};
use super::process::resident;
use super::rig::Rig;
use super::whole;
use crate::api::Api;
use crate::failure::{Code, Failure, OrCode};
use crate::notation;
use crate::terminal::Progress;

/// Bytes of a file that one call brings.
pub(super) const CHUNK_LEN: usize = 512 << 10;

/// Makes key exchanges, so many at a time.
pub(super) async fn exchanges(rig: &Rig, time: Duration, at_once: usize) -> Result<Done, Failure> {
    let mut progress = Progress::new();
    progress.begin("key exchanges …");
    let meter = Meter::start(rig.both());
    let mut count = 0_usize;
    let mut running = JoinSet::new();
    let start = |running: &mut JoinSet<anyhow::Result<()>>| {
        let (client, mut notices) = rig.stranger();
        running.spawn(async move {
            let made = until(&mut notices, |notice| matches!(notice, Notice::KeyCreated(_))).await;
            client.close().await;
            made
        });
    };
    (0..at_once).for_each(|_| start(&mut running));
    // What was begun is ended: it costs time and counts.
    while let Some(ended) = running.join_next().await {
        ended?.or_code(Code::NoKey)?;
        count = count.saturating_add(1);
        if meter.elapsed() < time {
            start(&mut running);
        }
    }
    Ok(meter.stop(whole(count)))
}

/// What calls over some connections came to.
pub(super) struct Calls {
    pub(super) done: Done,
    /// Memory that a connection takes, once calls have gone over all of them; where the system tells.
    pub(super) memory: Option<Memory>,
}

/// Resident bytes of a connection.
pub(super) struct Memory {
    pub(super) center: f64,
    pub(super) client: f64,
}

/// Makes calls over so many connections.
pub(super) async fn calls(rig: &Rig, time: Duration, count: usize) -> Result<Calls, Failure> {
    let before = memory(rig);
    let clients = connect(rig, count).await?;
    let mut progress = Progress::new();
    progress.begin("calls …");
    // Enough to keep both sides busy, not more than a client usually has.
    let window = (CALLS_AT_ONCE / count).clamp(1, WINDOW_MAX);
    let call = Api::built_in()?.call("help.getNearestDc", json!({}))?.body;
    greet(&clients, &call).await?;
    let done = Arc::new(AtomicUsize::new(0));
    let meter = Meter::start(rig.both());
    let end = Instant::now().checked_add(time).context("--seconds is too long")?;
    let mut workers = JoinSet::new();
    for client in &clients {
        for _ in 0..window {
            let (client, call, done) = (client.clone(), call.clone(), done.clone());
            workers.spawn(async move {
                // At least one: something is to be divided by.
                loop {
                    client.invoke_raw(call.clone(), RequestOptions::new()).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    if Instant::now() >= end {
                        return anyhow::Ok(());
                    }
                }
            });
        }
    }
    while let Some(ended) = workers.join_next().await {
        ended?.or_code(Code::CallRefused)?;
    }
    let done = meter.stop(whole(done.load(Ordering::Relaxed)));
    let after = memory(rig);
    close(clients).await;
    let memory = before.zip(after).map(|(before, after)| {
        let each = |after: usize, before| whole(after.saturating_sub(before)) / whole(count);
        Memory { center: each(after.0, before.0), client: each(after.1, before.1) }
    });
    Ok(Calls { done, memory })
}

/// Makes a first call on each connection: it learns the salt and begins the session, and is not like
/// those that follow.
async fn greet(clients: &[Arc<Client>], call: &[u8]) -> Result<(), Failure> {
    for some in clients.chunks(CALLS_AT_ONCE) {
        let mut greetings = JoinSet::new();
        for client in some {
            let (client, call) = (client.clone(), call.to_vec());
            greetings.spawn(async move {
                client.invoke_raw(call, RequestOptions::new()).await.map(|_| ())
            });
        }
        while let Some(ended) = greetings.join_next().await {
            ended?.map_err(anyhow::Error::from).or_code(Code::CallRefused)?;
        }
    }
    Ok(())
}

/// Resident bytes of the data centre and of the clients.
fn memory(rig: &Rig) -> Option<(usize, usize)> {
    let [center, client] = rig.both();
    resident(center).zip(resident(client))
}

/// Downloads over one connection; what is counted is bytes.
pub(super) async fn download(rig: &Rig, time: Duration) -> Result<Done, Failure> {
    let api = Api::built_in()?;
    let clients = connect(rig, 1).await?;
    let client = clients.first().context("no client")?;
    let mut progress = Progress::new();
    progress.begin("download …");
    let mut chunk = vec![0; CHUNK_LEN];
    OsEntropy.fill(&mut chunk);
    let part = json!({ "file_id": "1", "file_part": 0, "bytes": notation::hex(&chunk) });
    let save = api.call("upload.saveFilePart", part)?.body;
    client
        .invoke_raw(save, RequestOptions::new())
        .await
        .map_err(anyhow::Error::from)
        .or_code(Code::CallRefused)?;
    let location = json!({
        "_": "inputDocumentFileLocation",
        "id": "1", "access_hash": "0", "file_reference": "", "thumb_size": "",
    });
    let get = json!({ "location": location, "offset": "0", "limit": CHUNK_LEN });
    let get = api.call("upload.getFile", get)?.body;
    let meter = Meter::start(rig.both());
    let mut bytes = 0_usize;
    let mut running = JoinSet::new();
    let ask = |running: &mut JoinSet<anyhow::Result<usize>>| {
        let (client, get) = (client.clone(), get.clone());
        running
            .spawn(async move { Ok(client.invoke_raw(get, RequestOptions::new()).await?.len()) });
    };
    (0..DOWNLOADS_AT_ONCE).for_each(|_| ask(&mut running));
    while let Some(ended) = running.join_next().await {
        let len = ended?.or_code(Code::CallRefused)?;
        if len < CHUNK_LEN {
            return Err(anyhow!("a piece of the file has {len} bytes").into());
        }
        bytes = bytes.saturating_add(CHUNK_LEN);
        if meter.elapsed() < time {
            ask(&mut running);
        }
    }
    let done = meter.stop(whole(bytes));
    close(clients).await;
    Ok(done)
}

/// Connects clients, some at a time, and waits until each may call.
async fn connect(rig: &Rig, count: usize) -> Result<Vec<Arc<Client>>, Failure> {
    let mut progress = Progress::new();
    let mut clients = Vec::with_capacity(count);
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(CONNECTS_AT_ONCE) {
        progress.step("connecting", clients.len(), count);
        let fresh = some.iter().map(|number| rig.client(*number));
        let mut fresh = fresh.collect::<anyhow::Result<Vec<_>>>()?;
        for (_, notices) in &mut fresh {
            let ready = until(notices, |notice| matches!(notice, Notice::Ready)).await;
            ready.or_code(Code::NoConnection)?;
        }
        clients.extend(fresh.into_iter().map(|(client, _)| Arc::new(client)));
    }
    Ok(clients)
}

async fn close(clients: Vec<Arc<Client>>) {
    let mut closing = JoinSet::new();
    for client in clients {
        // The workers have ended, so nobody else has it.
        if let Some(client) = Arc::into_inner(client) {
            closing.spawn(client.close());
        }
    }
    while closing.join_next().await.is_some() {}
}

/// Waits for a notice; whatever means that it will not come is an error.
async fn until(notices: &mut Notices, wanted: impl Fn(&Notice) -> bool) -> anyhow::Result<()> {
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::Disconnected { reason, .. } => return Err(anyhow!("disconnected: {reason}")),
            Notice::ExchangeFailed(why) => return Err(anyhow!("{why}")),
            notice if wanted(&notice) => return Ok(()),
            _ => {}
        }
    }
    Err(anyhow!("the client ended"))
}

/// Calls on the way over all connections together, at least one for each.
const CALLS_AT_ONCE: usize = 512;
/// Calls on the way over one connection.
const WINDOW_MAX: usize = 128;
/// Pieces of a file on the way.
const DOWNLOADS_AT_ONCE: usize = 4;
/// Sockets opened at a time: fewer than a listener's queue holds.
const CONNECTS_AT_ONCE: usize = 100;
