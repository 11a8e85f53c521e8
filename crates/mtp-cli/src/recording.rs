//! What a recorded client says of itself in its log, so that it can be made again.

use anyhow::{Context, anyhow};
use mtp_crypto::exchange::RsaPublicKey;
use mtp_session::client::ClientConfig;
use mtp_session::exchange::Arithmetic;
use serde_json::{Value, json};

use crate::api::Api;
use crate::transport::DataCenter;

/// What decides the configuration of a client of this program.
pub(crate) struct Recording {
    pub(crate) dc: u8,
    pub(crate) test: bool,
    pub(crate) keys: Vec<RsaPublicKey>,
    pub(crate) api_id: Option<i32>,
}

impl Recording {
    /// Makes the client's configuration, the same each time.
    pub(crate) fn config(&self, api: &Api) -> ClientConfig {
        let dc = DataCenter::new(self.dc, self.test).key;
        let mut config = ClientConfig::new(dc, self.keys.clone().into());
        // As `mtp-tokio` has it in any case: a client that runs again must do as it did.
        config.arithmetic = Arithmetic::Deferred;
        config.session.init = self.api_id.and_then(|api_id| api.introduction(api_id));
        config
    }

    /// Writes it down. There is nothing secret in it.
    pub(crate) fn note(&self) -> Vec<u8> {
        let keys: Vec<_> = self.keys.iter().map(RsaPublicKey::to_spki_pem).collect();
        let note = json!({
            "by": concat!("mtp ", env!("CARGO_PKG_VERSION")),
            "dc": self.dc, "test": self.test, "api_id": self.api_id, "keys": keys,
        });
        note.to_string().into_bytes()
    }

    /// Reads what [`note`](Self::note) wrote.
    pub(crate) fn read(note: &[u8]) -> anyhow::Result<Self> {
        let note: Value = serde_json::from_slice(note).context("not a note of mtp client")?;
        let field = |name: &str| note.get(name).with_context(|| format!("the note has no {name}"));
        let number = |name: &str| anyhow::Ok(field(name)?.as_i64());
        let keys = field("keys")?.as_array().context("the note has no keys")?;
        let key = |pem: &Value| {
            let pem = pem.as_str().ok_or_else(|| anyhow!("a key in the note is no text"))?;
            Ok(RsaPublicKey::from_pem(pem.as_bytes())?)
        };
        Ok(Self {
            dc: u8::try_from(number("dc")?.unwrap_or_default()).context("dc in the note")?,
            test: field("test")?.as_bool().unwrap_or_default(),
            keys: keys.iter().map(key).collect::<anyhow::Result<_>>()?,
            api_id: number("api_id")?.map(i32::try_from).transpose().context("api_id")?,
        })
    }
}
