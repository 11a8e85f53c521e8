//! The attacks, each until its time is over.

use core::net::{IpAddr, Ipv4Addr};
use core::sync::atomic::AtomicU64;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use mtp_crypto::SessionId;
use mtp_session::service::IDS_MAX;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::bodies::{self, words};
use super::intruder::{self, Intruder};
use super::victim::Victim;
use crate::api::Api;

/// Where an attack takes place.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) victim: Arc<Victim>,
    pub(super) api: Arc<Api>,
    pub(super) sent: Arc<AtomicU64>,
    pub(super) time: Duration,
}

/// What an attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    Waiters,
    Chain,
    Unread,
    Files,
    History,
    Replays,
    Exchanges,
    Guesses,
    Contacts,
    Connections,
    Halves,
    Unpacking,
    Containers,
    Flood,
}

impl Attack {
    pub(super) const ALL: [Self; 14] = [
        Self::Waiters,
        Self::Chain,
        Self::Unread,
        Self::Files,
        Self::History,
        Self::Replays,
        Self::Exchanges,
        Self::Guesses,
        Self::Contacts,
        Self::Connections,
        Self::Halves,
        Self::Unpacking,
        Self::Containers,
        Self::Flood,
    ];
    /// Enough to know that everything works.
    pub(super) const FEW: [Self; 4] =
        [Self::Waiters, Self::Unread, Self::Connections, Self::Unpacking];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Waiters => "190 calls wait for 600 ids, 800 fail",
            Self::Chain => "1,000 calls, each after the next",
            Self::Unread => "answers of 64 KB that nobody reads",
            Self::Files => "1,000 upload.getFile in a packet",
            Self::History => "1,000 messages.getHistory in one",
            Self::Replays => "captured packets on other links",
            Self::Exchanges => "key exchanges from one address",
            Self::Guesses => "login codes guessed with 8 keys",
            Self::Contacts => "500 numbers imported a call",
            Self::Connections => "connections from 250 networks",
            Self::Halves => "frames of 1 MB without an end",
            Self::Unpacking => "100 objects unpack to 1 MB each",
            Self::Containers => "containers of 1,020 small calls",
            Self::Flood => "pings without a pause, with 4 keys",
        }
    }

    /// Returns the options of its server.
    pub(super) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Connections => &["--max-connections", "512"],
            _ => &[],
        }
    }

    pub(super) async fn run(self, ground: &Ground) -> anyhow::Result<()> {
        match self {
            Self::Waiters => ground.packets(waiters).await,
            Self::Chain => ground.packets(chain).await,
            Self::Unread => ground.unread().await,
            Self::Files => ground.files().await,
            Self::History => ground.history().await,
            Self::Replays => ground.replays().await,
            Self::Exchanges => ground.exchanges().await,
            Self::Guesses => ground.guesses().await,
            Self::Contacts => ground.contacts().await,
            Self::Connections => ground.connections().await,
            Self::Halves => ground.halves().await,
            Self::Unpacking => ground.packets(unpacking).await,
            Self::Containers => ground.packets(small_calls).await,
            Self::Flood => ground.flood().await,
        }
    }
}

impl Ground {
    fn end(&self) -> anyhow::Result<Instant> {
        Instant::now().checked_add(self.time).context("--seconds is too long")
    }

    async fn intruder(&self) -> anyhow::Result<Intruder> {
        Intruder::with_key(&self.victim, ATTACKER, &self.sent).await
    }

    async fn logged_in(&self) -> anyhow::Result<Intruder> {
        let mut intruder = self.intruder().await?;
        intruder.log_in(&self.victim, &self.api, "9996620001").await?;
        Ok(intruder)
    }

    /// Sends packets in a row and reads what comes; a link that is closed is opened again.
    async fn packets(
        &self,
        make: impl Fn(&mut Intruder) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let mut intruder = self.intruder().await?;
        let end = self.end()?;
        while Instant::now() < end {
            let packet = make(&mut intruder)?;
            if intruder.send(&packet).await.is_err() {
                intruder = intruder.twin(self.victim.address, ATTACKER).await?;
            }
            intruder.drain(PACE).await;
        }
        Ok(())
    }

    /// Sends the same packet with other ids, and reads nothing.
    async fn without_reading(&self, mut intruder: Intruder, call: &[u8]) -> anyhow::Result<()> {
        let end = self.end()?;
        while Instant::now() < end {
            let items = intruder.items(core::iter::repeat_n(call.to_vec(), 1000));
            let packet = intruder.seal_packed(&items)?;
            if !intruder.offer(&packet, PACE).await {
                // The server does not read: it waits, too.
                sleep(PACE).await;
            }
            sleep(PACE).await;
        }
        Ok(())
    }

    async fn unread(&self) -> anyhow::Result<()> {
        let mut intruder = self.intruder().await?;
        let mut ask = words(&[bodies::STATES]);
        ask.extend(bodies::longs((0..IDS_MAX).map(|_| 4_u64)));
        let sessions: Vec<u64> = (1..=8).collect();
        let end = self.end()?;
        for session in sessions.iter().cycle() {
            if Instant::now() >= end {
                break;
            }
            intruder.session = SessionId::from_raw(*session);
            let items = intruder.items(core::iter::repeat_n(ask.clone(), 15));
            let packet = intruder.seal_packed(&items)?;
            if !intruder.offer(&packet, PACE).await {
                sleep(PACE).await;
            }
        }
        Ok(())
    }

    async fn files(&self) -> anyhow::Result<()> {
        let mut intruder = self.logged_in().await?;
        let bytes = "00".repeat(PART_LEN);
        for part in 0..2 {
            let save = json!({ "file_id": "1", "file_part": part, "bytes": bytes });
            let save = self.api.call("upload.saveFilePart", save)?.body;
            intruder.call(&save).await?;
        }
        let location = json!({
            "_": "inputDocumentFileLocation",
            "id": "1", "access_hash": "0", "file_reference": "", "thumb_size": "",
        });
        let get = json!({ "location": location, "offset": "0", "limit": 1 << 20 });
        let get = self.api.call("upload.getFile", get)?.body;
        let answer = intruder.call(&get).await?;
        if answer.len() < PART_LEN / 100 {
            bail!("the file does not come back: {}", self.api.name_of(&answer));
        }
        self.without_reading(intruder, &get).await
    }

    async fn history(&self) -> anyhow::Result<()> {
        let mut intruder = self.logged_in().await?;
        let peer = json!({ "_": "inputPeerSelf" });
        for number in 0..60_u32 {
            // Texts that do not pack well.
            let text: String = (0..4000_u32)
                .map(|at| char::from(b'!'.saturating_add(mixed(number, at))))
                .collect();
            let id = (u64::from(number).saturating_add(1)).to_string();
            let send = json!({ "peer": peer, "message": text, "random_id": id });
            intruder.call(&self.api.call("messages.sendMessage", send)?.body).await?;
        }
        let get = json!({
            "peer": peer, "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 100,
            "max_id": 0, "min_id": 0, "hash": "0",
        });
        let get = self.api.call("messages.getHistory", get)?.body;
        let answer = intruder.call(&get).await?;
        if answer.len() < 50_000 {
            bail!("no messages come back: {}", self.api.name_of(&answer));
        }
        self.without_reading(intruder, &get).await
    }

    async fn replays(&self) -> anyhow::Result<()> {
        let mut owner = self.intruder().await?;
        let mut ping = words(&[bodies::PING]);
        ping.extend(2_u64.to_le_bytes());
        let captured = owner.seal_plain(&ping)?;
        owner.send(&captured).await?;
        owner.drain(PACE).await;
        let end = self.end()?;
        let mut got = 0_usize;
        for host in (2..=250).cycle() {
            if Instant::now() >= end {
                break;
            }
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 9, host));
            let Ok(mut other) = Intruder::connect(self.victim.address, from, &self.sent).await
            else {
                continue;
            };
            for _ in 0..20 {
                let _ = other.send(&captured).await;
            }
            got = got.saturating_add(other.drain(SHORT).await);
        }
        if got > 0 {
            bail!("{got} packets came to links that only replayed");
        }
        Ok(())
    }

    async fn exchanges(&self) -> anyhow::Result<()> {
        let end = self.end()?;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let ground = self.clone();
            tasks.spawn(async move {
                while Instant::now() < end {
                    let victim = &ground.victim;
                    let connected = Intruder::connect(victim.address, ATTACKER, &ground.sent).await;
                    let made = match connected {
                        Ok(mut one) => one.exchange(victim).await,
                        Err(error) => Err(error),
                    };
                    if made.is_err() {
                        sleep(SHORT).await;
                    }
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    async fn flood(&self) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (ground, mut intruder) = (self.clone(), self.intruder().await?);
            tasks.spawn(async move {
                let end = ground.end()?;
                while Instant::now() < end {
                    if intruder.flood_pings(end).await.is_err() {
                        intruder = intruder.twin(ground.victim.address, ATTACKER).await?;
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn guesses(&self) -> anyhow::Result<()> {
        let end = self.end()?;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let ground = self.clone();
            tasks.spawn(async move { ground.guess(end).await });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn guess(&self, end: Instant) -> anyhow::Result<()> {
        let mut intruder = self.intruder().await?;
        let phone = "77700012345";
        let ask = intruder::send_code(&self.api, phone)?;
        while Instant::now() < end {
            let answer = intruder.call(&ask).await?;
            let sent = self.api.read(&answer).ok();
            let hash = sent.as_ref().and_then(|sent| sent.get("phone_code_hash")?.as_str());
            let Some(hash) = hash else {
                sleep(SHORT).await;
                continue;
            };
            for code in ["00000", "11111", "22222"] {
                intruder.call(&intruder::sign_in(&self.api, phone, hash, code)?).await?;
            }
        }
        Ok(())
    }

    async fn contacts(&self) -> anyhow::Result<()> {
        let mut intruder = self.logged_in().await?;
        let end = self.end()?;
        let mut first = 0_u32;
        while Instant::now() < end {
            let contacts: Vec<Value> = (first..first.saturating_add(500))
                .map(|number| {
                    json!({
                        "_": "inputPhoneContact", "client_id": number.to_string(),
                        "phone": format!("99966{number:06}"), "first_name": "a", "last_name": "",
                    })
                })
                .collect();
            let import = json!({ "contacts": contacts });
            intruder.call(&self.api.call("contacts.importContacts", import)?.body).await?;
            first = first.saturating_add(500);
        }
        Ok(())
    }

    async fn connections(&self) -> anyhow::Result<()> {
        let end = self.end()?;
        let mut held = std::collections::VecDeque::new();
        for network in (1..=250).cycle() {
            if Instant::now() >= end {
                break;
            }
            let from = IpAddr::V4(Ipv4Addr::new(127, 1, network, 7));
            let opening = Intruder::connect(self.victim.address, from, &self.sent);
            if let Ok(Ok(one)) = timeout(PACE, opening).await {
                held.push_back(one);
            }
            if held.len() > HELD_MAX {
                held.pop_front();
            }
        }
        Ok(())
    }

    async fn halves(&self) -> anyhow::Result<()> {
        let end = self.end()?;
        let mut half = u32::try_from(HALF_LEN).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        half.resize(HALF_LEN, 7);
        let mut held = Vec::new();
        for network in (1..=4).cycle() {
            if Instant::now() >= end || held.len() >= HELD_MAX {
                break;
            }
            let from = IpAddr::V4(Ipv4Addr::new(127, 2, network, 7));
            if let Ok(mut one) = Intruder::connect(self.victim.address, from, &self.sent).await {
                // A server that frees memory closes the link.
                let _ = timeout(PACE, one.send_raw(&half)).await;
                held.push(one);
            }
        }
        if let Some(left) = end.checked_duration_since(Instant::now()) {
            sleep(left).await;
        }
        Ok(())
    }
}

fn waiters(intruder: &mut Intruder) -> anyhow::Result<Vec<u8>> {
    let call = words(&[bodies::GET_CONFIG]);
    let wait = bodies::invoke_after_all((0..600).map(|_| 4_u64), &call);
    let waiting = core::iter::repeat_n(wait, 190);
    let failing = core::iter::repeat_n(words(&[bodies::BROKEN_CALL]), 800);
    let items = intruder.items(waiting.chain(failing));
    intruder.seal_packed(&items)
}

fn chain(intruder: &mut Intruder) -> anyhow::Result<Vec<u8>> {
    let call = words(&[bodies::GET_CONFIG]);
    let last = words(&[bodies::BROKEN_CALL]);
    let mut items = intruder.items(core::iter::repeat_n(last, 1000));
    let ids: Vec<u64> = items.iter().map(|item| item.msg_id).collect();
    // Each waits for the one before it; they come in the opposite order, so that nothing runs before the end.
    for (item, before) in items.iter_mut().skip(1).zip(ids) {
        item.body = bodies::invoke_after(before, &call);
    }
    items.reverse();
    intruder.seal_packed(&items)
}

fn unpacking(intruder: &mut Intruder) -> anyhow::Result<Vec<u8>> {
    let mut large = words(&[bodies::GET_CONFIG]);
    large.resize(1_000_000, 0);
    let packed = bodies::gzip_packed(&large)?;
    let items = intruder.items(core::iter::repeat_n(packed, 100));
    intruder.seal_plain(&bodies::container(&items))
}

fn small_calls(intruder: &mut Intruder) -> anyhow::Result<Vec<u8>> {
    let items = intruder.items(core::iter::repeat_n(words(&[bodies::GET_CONFIG]), 1020));
    intruder.seal_packed(&items)
}

/// A letter's distance from `!`, as if by chance.
fn mixed(number: u32, at: u32) -> u8 {
    let mixed = number.wrapping_mul(0x9e37_79b9) ^ at.wrapping_mul(0x85eb_ca6b);
    u8::try_from((mixed ^ mixed >> 15) % 90).unwrap_or_default()
}

/// The address of an attacker that has one.
pub(super) const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 8, 1));

/// The pause between two packets: a server works on one for milliseconds at most.
const PACE: Duration = Duration::from_millis(50);
const SHORT: Duration = Duration::from_millis(5);

/// Connections that one attacker holds.
const HELD_MAX: usize = 1500;

/// Bytes of a part of a file.
const PART_LEN: usize = 512 << 10;

/// Bytes of a frame that never ends.
const HALF_LEN: usize = 1_000_000;
