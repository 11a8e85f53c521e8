//! One client's visit to the data centre: steps one by one, each within the time allowed.

use core::future::Future;
use core::time::Duration;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use mtp_crypto::OsEntropy;
use mtp_env::Entropy;
use mtp_session::client::{ClientConfig, RequestOptions};
use mtp_tokio::{Client, ClientOptions, Notice, Notices};
use serde_json::{Value, json};

use super::world::{DC, LOGIN_CODE, World};
use super::{COLUMNS, Way};
use crate::api::Api;
use crate::failure::{Code, Failure, OrCode};
use crate::transport::{DataCenter, Transport};
use crate::{notation, terminal};

/// A client on its way through the table's columns.
pub(super) struct Visit<'w> {
    world: &'w World,
    api: &'w Api,
    timeout: Duration,
    /// The times of the steps done; none for a step that the transport does not have.
    times: Vec<Option<Duration>>,
}

impl<'w> Visit<'w> {
    pub(super) fn new(world: &'w World, api: &'w Api, timeout: Duration) -> Self {
        Self { world, api, timeout, times: Vec::new() }
    }

    /// Visits as the user with this number.
    pub(super) async fn run(&mut self, way: Way, user: usize) -> Result<(), Failure> {
        let route = self.world.route(way);
        let keys = [route.key.clone()].into();
        let mut config = ClientConfig::new(DataCenter::new(DC, false).key, keys);
        config.session.init = self.api.introduction(API_ID);
        let options = ClientOptions::new(route.address, route.stack, config);
        let (client, notices) = match way {
            Way::Datagram => Client::start_datagram(options),
            Way::Direct(_) | Way::Proxied(_) => Client::start(options),
        };
        let mut guest = Guest { api: self.api, client, notices };
        let outcome = self.steps(&mut guest, way, user).await;
        guest.client.close().await;
        outcome
    }

    /// Returns the row: a name, then the times; steps without one were not reached, or are none of
    /// this transport.
    pub(super) fn cells(&self, name: String) -> Vec<String> {
        let time = |at| match self.times.get(at) {
            Some(Some(time)) => terminal::duration(*time),
            _ => "-".to_owned(),
        };
        core::iter::once(name).chain((0..COLUMNS.len().saturating_sub(1)).map(time)).collect()
    }

    async fn steps(&mut self, guest: &mut Guest<'_>, way: Way, user: usize) -> Result<(), Failure> {
        let [_, keys, binding, call, ping, login, up, down, update] = COLUMNS;
        self.step(keys, Code::NoKey, guest.make_keys()).await?;
        self.step(binding, Code::NoKey, guest.bind()).await?;
        self.step(call, Code::CallRefused, guest.get_config()).await?;
        // A link that sleeps between requests is not pinged.
        if matches!(way, Way::Direct(Transport::Http)) {
            self.times.push(None);
        } else {
            self.step(ping, Code::NoConnection, guest.ping()).await?;
        }
        self.step(login, Code::CallRefused, guest.log_in(user)).await?;
        let (file_len, part_len) = way.file();
        let mut file = vec![0; file_len];
        OsEntropy.fill(&mut file);
        let id = random_id();
        self.step(up, Code::CallRefused, guest.upload(id, &file, part_len)).await?;
        self.step(down, Code::CallRefused, guest.download(id, &file, part_len)).await?;
        self.step(update, Code::CallRefused, guest.hear_echo()).await
    }

    async fn step(
        &mut self,
        what: &str,
        code: Code,
        step: impl Future<Output = anyhow::Result<()>>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(self.timeout, step).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow!("not done within {} s", self.timeout.as_secs_f64())),
        };
        if outcome.is_ok() {
            self.times.push(Some(started.elapsed()));
        }
        outcome.with_context(|| what.to_owned()).or_code(code)
    }
}

/// What the client does at each step.
struct Guest<'w> {
    api: &'w Api,
    client: Client,
    notices: Notices,
}

#[expect(
    clippy::indexing_slicing,
    reason = "JSON answers every index, with null where there is nothing"
)]
impl Guest<'_> {
    /// The permanent key, then the temporary one that encrypts.
    async fn make_keys(&mut self) -> anyhow::Result<()> {
        for _ in 0..2 {
            self.until(|notice| matches!(notice, Notice::KeyCreated(_))).await?;
        }
        Ok(())
    }

    async fn bind(&mut self) -> anyhow::Result<()> {
        self.until(|notice| matches!(notice, Notice::Ready)).await.map(|_| ())
    }

    async fn get_config(&self) -> anyhow::Result<()> {
        let config = self.call("help.getConfig", json!({})).await?;
        if config["this_dc"] != DC {
            bail!("the answer comes from data centre {}", config["this_dc"]);
        }
        Ok(())
    }

    async fn ping(&self) -> anyhow::Result<()> {
        self.client.ping().await?;
        Ok(())
    }

    async fn log_in(&self, user: usize) -> anyhow::Result<()> {
        let phone = format!("99966{user:05}");
        let settings = json!({ "_": "codeSettings" });
        let ask = json!({
            "phone_number": phone, "api_id": API_ID, "api_hash": "demo", "settings": settings,
        });
        let sent = self.call("auth.sendCode", ask).await?;
        let hash = &sent["phone_code_hash"];
        let enter =
            json!({ "phone_number": phone, "phone_code_hash": hash, "phone_code": LOGIN_CODE });
        let entered = self.call("auth.signIn", enter).await?;
        if entered["_"] != "auth.authorization" {
            bail!("the server asks for more: {}", entered["_"]);
        }
        Ok(())
    }

    async fn upload(&self, id: i64, file: &[u8], part_len: usize) -> anyhow::Result<()> {
        for (number, part) in file.chunks(part_len).enumerate() {
            let part = json!({
                "file_id": id.to_string(), "file_part": number, "bytes": notation::hex(part),
            });
            if self.call("upload.saveFilePart", part).await? != true {
                bail!("part {number} was not saved");
            }
        }
        Ok(())
    }

    async fn download(&self, id: i64, file: &[u8], part_len: usize) -> anyhow::Result<()> {
        let location = json!({
            "_": "inputDocumentFileLocation",
            "id": id.to_string(), "access_hash": "0", "file_reference": "", "thumb_size": "",
        });
        for (number, part) in file.chunks(part_len).enumerate() {
            let offset = number.saturating_mul(part_len).to_string();
            let piece = json!({
                "precise": true, "location": location, "offset": offset, "limit": part_len,
            });
            let found = self.call("upload.getFile", piece).await?;
            if found["bytes"] != notation::hex(part) {
                bail!("part {number} came back changed");
            }
        }
        Ok(())
    }

    /// Writes to the user who answers alike, and waits for the update with the answer.
    async fn hear_echo(&mut self) -> anyhow::Result<()> {
        let found = self.call("contacts.resolveUsername", json!({ "username": "echo" })).await?;
        let echo = &found["users"][0];
        let peer = json!({
            "_": "inputPeerUser", "user_id": echo["id"], "access_hash": echo["access_hash"],
        });
        let text = format!("message {}", random_id());
        let message =
            json!({ "peer": peer, "message": text, "random_id": random_id().to_string() });
        self.call("messages.sendMessage", message).await?;
        loop {
            let told = self.until(|notice| matches!(notice, Notice::Update(_))).await?;
            let Notice::Update(body) = told else { continue };
            let update = self.api.read(&body)?;
            if update["updates"][0]["message"]["message"] == text {
                return Ok(());
            }
        }
    }

    async fn call(&self, method: &str, arguments: Value) -> anyhow::Result<Value> {
        let call = self.api.call(method, arguments)?;
        let answer = self.client.invoke_raw(call.body.clone(), RequestOptions::new()).await;
        self.api.show_result(&call, &answer.with_context(|| method.to_owned())?)
    }

    /// Waits for a notice; whatever means that it will not come is an error.
    async fn until(&mut self, wanted: impl Fn(&Notice) -> bool) -> anyhow::Result<Notice> {
        while let Some(notice) = self.notices.recv().await {
            match notice {
                Notice::Disconnected { reason, .. } => bail!("disconnected: {reason}"),
                Notice::ExchangeFailed(why) => bail!("{why}"),
                notice if wanted(&notice) => return Ok(notice),
                _ => {}
            }
        }
        bail!("the client ended")
    }
}

fn random_id() -> i64 {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    i64::from_le_bytes(bytes)
}

/// The number of the demo as an application.
const API_ID: i32 = 1;
