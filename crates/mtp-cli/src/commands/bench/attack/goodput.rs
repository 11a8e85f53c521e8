//! What gets through when more is wanted than a limit allows.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Weak};
use std::time::Instant;

use anyhow::{Context, anyhow};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::intruder::{self, Intruder};
use super::kinds::ATTACKER;
use super::victim::Victim;
use crate::api::Api;
use crate::failure::Failure;
use crate::terminal::{self, Progress, Table};

/// A limit whose goodput is measured; the numbers are the server's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// Keys of one address.
    Exchanges,
    /// Connections of one address that prove a key.
    Connects,
    /// Requests for login codes of one network.
    Codes,
}

impl Limit {
    const ALL: [Self; 3] = [Self::Exchanges, Self::Connects, Self::Codes];

    const fn name(self) -> &'static str {
        match self {
            Self::Exchanges => "key exchanges of an address",
            Self::Connects => "connections of an address",
            Self::Codes => "login codes of a network",
        }
    }

    /// Returns the options of its server.
    const fn options(self) -> &'static [&'static str] {
        match self {
            // The keys are made at once, from the address that asks.
            Self::Codes => &["--no-address-limits"],
            Self::Exchanges | Self::Connects => &[],
        }
    }

    /// How many are allowed at once, before the rate holds.
    const fn burst(self) -> u32 {
        match self {
            Self::Exchanges => 128,
            Self::Connects => 512,
            Self::Codes => 100,
        }
    }

    /// How many a second are allowed.
    const fn rate(self) -> u32 {
        match self {
            Self::Exchanges => 10,
            Self::Connects => 50,
            Self::Codes => 1,
        }
    }
}

/// What takes part in one measurement.
struct Demand {
    limit: Limit,
    victim: Arc<Victim>,
    api: Arc<Api>,
    sent: Arc<AtomicU64>,
    /// A connection whose key others use.
    owner: Mutex<Intruder>,
    /// Connections that ask for codes, each with its own key.
    askers: Vec<Mutex<Intruder>>,
    /// Numbers for those who want it.
    numbers: AtomicU32,
    wanted: AtomicU32,
    served: AtomicU32,
}

/// Measures what gets through at some multiples of each limit, and prints a table; less than nine tenths of a
/// limit is an error, and more than eleven tenths.
pub(in super::super) async fn goodput(time: Duration) -> Result<(), Failure> {
    terminal::title(&format!(
        "What gets through when more is wanted than allowed, after the burst; {} s each",
        time.as_secs_f64()
    ));
    let api = Arc::new(Api::built_in()?);
    let table = Table::new(&[
        ("limit", 30),
        ("allowed", 9),
        ("demand", 8),
        ("wanted", 11),
        ("through", 11),
        ("", 8),
    ]);
    let mut missed = 0_usize;
    for limit in Limit::ALL {
        for factor in FACTORS {
            let (wanted, through) = measure(limit, factor, time, &api).await?;
            let share = through / f64::from(limit.rate());
            let good = (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&share);
            missed = missed.saturating_add(usize::from(!good));
            table.judged_row(
                good,
                &[
                    limit.name(),
                    &format!("{}/s", limit.rate()),
                    &format!("{factor}×"),
                    &format!("{wanted:.1}/s"),
                    &format!("{through:.1}/s"),
                    &format!("{:.0} %", share * 100.0),
                ],
            );
        }
    }
    if missed > 0 {
        return Err(anyhow!("{missed} times the goodput was not within 10 % of the limit").into());
    }
    Ok(())
}

/// Returns how many were wanted and how many got through, a second.
async fn measure(
    limit: Limit,
    factor: u32,
    time: Duration,
    api: &Arc<Api>,
) -> anyhow::Result<(f64, f64)> {
    let mut progress = Progress::new();
    progress.begin(&format!("{}, {factor}× …", limit.name()));
    let victim = Arc::new(Victim::start(limit.options())?);
    let sent = Arc::new(AtomicU64::new(0));
    // From another network: it takes nothing of the limit.
    let owner = Intruder::with_key(&victim, OWNER, &sent).await?;
    let mut askers = Vec::new();
    if limit == Limit::Codes {
        for _ in 0..ASKERS {
            askers.push(Mutex::new(Intruder::with_key(&victim, ATTACKER, &sent).await?));
        }
    }
    let demand = Arc::new(Demand {
        limit,
        victim,
        api: api.clone(),
        sent,
        owner: Mutex::new(owner),
        askers,
        numbers: AtomicU32::new(0),
        wanted: AtomicU32::new(0),
        served: AtomicU32::new(0),
    });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let pause = Duration::from_secs(1)
        .checked_div(limit.rate().saturating_mul(factor))
        .context("no demand")?;
    let mut ticks = interval(pause);
    // What the machine cannot want in time it wants at once afterwards.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut burst = Burst::new(limit, factor)?;
    let mut measured: Option<(Instant, u32, u32)> = None;
    loop {
        let served = demand.served.load(Ordering::Relaxed);
        let wanted = demand.wanted.load(Ordering::Relaxed);
        if burst.is_spent(wanted, served) {
            ticks.reset();
        }
        match measured {
            None if burst.has_ended() => measured = Some((Instant::now(), wanted, served)),
            Some((start, before, served_before)) if start.elapsed() >= time => {
                let seconds = start.elapsed().as_secs_f64();
                let rate = |after: u32, before| f64::from(after.saturating_sub(before)) / seconds;
                return Ok((rate(wanted, before), rate(served, served_before)));
            }
            _ => {}
        }
        if burst.part.is_none() {
            ticks.tick().await;
        } else {
            // The burst is spent as fast as possible.
            sleep(Duration::from_millis(1)).await;
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            sleep(Duration::from_millis(1)).await;
            continue;
        };
        let (demand, part) = (demand.clone(), burst.part.clone());
        tokio::spawn(async move {
            let got = demand.want().await.is_ok_and(|got| got);
            demand.served.fetch_add(u32::from(got), Ordering::Relaxed);
            demand.wanted.fetch_add(1, Ordering::Relaxed);
            drop((place, part));
        });
    }
}

/// The time before a measurement, in which what a limit allows at once is spent.
struct Burst {
    size: u32,
    patience: Instant,
    /// Those refused when as many were served as are allowed at once.
    refused: Option<u32>,
    /// What all that want something of the burst hold, until it is spent.
    part: Option<Arc<()>>,
    /// Whether some of the burst are still on their way.
    rest: Weak<()>,
    since: Instant,
}

impl Burst {
    fn new(limit: Limit, factor: u32) -> anyhow::Result<Self> {
        let now = Instant::now();
        // A demand that fits does not need the burst.
        let part = (factor > 1).then(|| Arc::new(()));
        Ok(Self {
            size: limit.burst(),
            patience: now.checked_add(BURST_TIME).context("time")?,
            refused: None,
            rest: part.as_ref().map_or_else(Weak::new, Arc::downgrade),
            part,
            since: now,
        })
    }

    /// Returns `true` once, when the burst is spent: as many were served, and some refused since then.
    fn is_spent(&mut self, wanted: u32, served: u32) -> bool {
        if self.part.is_none() {
            return false;
        }
        let refused = wanted.saturating_sub(served);
        if served >= self.size && self.refused.is_none() {
            self.refused = Some(refused);
        }
        let since = self.refused.map_or(0, |before| refused.saturating_sub(before));
        let spent = since >= REFUSED_MIN || Instant::now() > self.patience;
        if spent {
            (self.part, self.since) = (None, Instant::now());
        }
        spent
    }

    /// Returns `true` if nothing of the burst is on its way: what was admitted with it has been served.
    fn has_ended(&self) -> bool {
        self.part.is_none() && self.rest.strong_count() == 0 && self.since.elapsed() >= SETTLE_TIME
    }
}

impl Demand {
    /// Wants it once; returns `true` if it got through.
    async fn want(&self) -> anyhow::Result<bool> {
        match self.limit {
            Limit::Exchanges => {
                let address = self.victim.address;
                let mut one = Intruder::connect(address, ATTACKER, &self.sent).await?;
                one.exchange(&self.victim).await?;
                Ok(true)
            }
            Limit::Connects => {
                let mut one = {
                    let owner = self.owner.lock().await;
                    owner.twin(self.victim.address, ATTACKER).await?
                };
                one.ping().await?;
                Ok(true)
            }
            Limit::Codes => {
                let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                let ask = intruder::send_code(&self.api, &format!("77711{number:06}"))?;
                // A key has a limit of its own, which is lower.
                let turn = usize::try_from(number)?.checked_rem(self.askers.len());
                let asker = turn.and_then(|turn| self.askers.get(turn)).context("no asker")?;
                let answer = asker.lock().await.call(&ask).await?;
                Ok(self.api.name_of(&answer) == "auth.sentCode")
            }
        }
    }
}

const FACTORS: [u32; 4] = [1, 2, 10, 100];
const TOLERANCE: f64 = 0.1;

/// Those who want something at once.
const AT_ONCE: usize = 256;

/// Keys that ask for codes: each is allowed a few only.
const ASKERS: usize = 64;

/// So many refused ones show that the burst is spent.
const REFUSED_MIN: u32 = 20;

/// The least time between the burst and a measurement.
const SETTLE_TIME: Duration = Duration::from_secs(1);

/// Without refusals the burst counts as spent after so long.
const BURST_TIME: Duration = Duration::from_secs(60);

const OWNER: core::net::IpAddr = core::net::IpAddr::V4(core::net::Ipv4Addr::new(127, 0, 7, 1));
