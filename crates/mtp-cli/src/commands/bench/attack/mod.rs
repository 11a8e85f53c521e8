//! `mtp bench --attack`: each attack beside an honest client, on loopback.
//!
//! `victim` is the server, in its own process and with its usual limits; `honest` measures how long small calls
//! take without the attack and beside it; `kinds` are the attacks, on connections of `intruder` with packets
//! made in `bodies`. `goodput` measures what gets through when more is wanted than a limit allows.

mod bodies;
mod goodput;
mod honest;
mod intruder;
mod kinds;
mod victim;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use serde_json::json;
use tokio::time::sleep;

pub(super) use self::goodput::goodput;
use self::honest::Honest;
use self::kinds::{Attack, Ground};
use self::victim::Victim;
use crate::api::Api;
use crate::failure::{Code, Failure, OrCode as _};
use crate::terminal::{self, Progress, Table};

/// Which attacks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    All,
    /// Some attacks, for less than a second each: too short to judge times.
    Few,
}

/// What one attack did.
struct Outcome {
    /// Sorted times of honest calls without and beside the attack.
    before: Vec<Duration>,
    beside: Vec<Duration>,
    /// Resident bytes of the server before the attack, and the most beside it.
    memory: Option<(usize, usize)>,
    /// Processor time of the server for each megabyte that the attacker sent.
    cost: Option<Duration>,
}

/// Runs the attacks and prints a table; exceeded limits are an error.
pub(super) async fn attacks(time: Duration, extent: Extent, only: &str) -> Result<(), Failure> {
    let mut kinds = match extent {
        Extent::All => Attack::ALL.to_vec(),
        Extent::Few => Attack::FEW.to_vec(),
    };
    kinds.retain(|attack| attack.name().contains(only));
    if kinds.is_empty() {
        return Err(anyhow!("no attack is called {only}")).or_code(Code::Arguments);
    }
    let api = Arc::new(Api::built_in()?);
    terminal::title(&format!(
        "A server, an honest client and an attacker on loopback; {} s each",
        time.as_secs_f64()
    ));
    let table = Table::new(&[
        ("attack", 36),
        ("median", 18),
        ("ratio", 6),
        ("p99", 18),
        ("grows", 8),
        ("to", 8),
        ("CPU a MB", 9),
        ("", 24),
    ]);
    let mut exceeded = 0_usize;
    for attack in &kinds {
        let mut outcome = run(*attack, &api, time).await?;
        let judges_time = extent == Extent::All;
        let too_slow = |outcome: &Outcome| outcome.exceeds_time().filter(|_| judges_time);
        if too_slow(&outcome).is_some() && outcome.exceeds_memory().is_none() {
            // Something else may have kept the machine busy.
            outcome = run(*attack, &api, time).await?;
        }
        let verdict = outcome.exceeds_memory().or(too_slow(&outcome));
        exceeded = exceeded.saturating_add(usize::from(verdict.is_some()));
        outcome.print(&table, attack.name(), verdict);
    }
    if exceeded > 0 {
        return Err(anyhow!("{exceeded} of {} attacks exceeded a limit", kinds.len()).into());
    }
    if extent == Extent::Few {
        terminal::summary("the limits of memory held; times were too short to be judged");
        return Ok(());
    }
    terminal::summary(&format!(
        "every limit held: median below {MEDIAN_RATIO}×, p99 below {P99_RATIO}× or {} ms, \
         growth below {} MiB, {} MiB in all",
        P99_FLOOR.as_millis(),
        GROWTH_MAX >> 20,
        TOTAL_MAX >> 20
    ));
    Ok(())
}

async fn run(attack: Attack, api: &Arc<Api>, time: Duration) -> anyhow::Result<Outcome> {
    let mut progress = Progress::new();
    progress.begin(&format!("{} …", attack.name()));
    let victim = Arc::new(Victim::start(attack.options())?);
    let call = api.call("help.getNearestDc", json!({}))?.body;
    let mut honest = Honest::start(victim.address, victim.key.clone(), call);
    honest.ready().await?;
    // The first calls are slower than later ones.
    sleep(time / 4).await;
    let (quiet, idle) = (Instant::now(), victim.busy());
    sleep(time).await;
    let (begun, busy, resident) = (Instant::now(), victim.busy(), victim.resident());
    let sent = Arc::new(AtomicU64::new(0));
    let ground = Ground { victim: victim.clone(), api: api.clone(), sent: sent.clone(), time };
    let mut peak = resident;
    let attacked = tokio::select! {
        attacked = attack.run(&ground) => attacked,
        never = watch(&victim, &mut peak) => match never {},
    };
    attacked.with_context(|| attack.name())?;
    let (ended, after) = (Instant::now(), victim.busy());
    // Answers may be on their way for a moment.
    tokio::select! {
        () = sleep(REST) => {}
        never = watch(&victim, &mut peak) => match never {},
    }
    honest.stop().with_context(|| attack.name())?;
    let over = ended.saturating_duration_since(begun);
    let sent = sent.load(Ordering::Relaxed);
    let times = idle.zip(busy).zip(after).filter(|_| sent > 0);
    let cost = times.map(|((idle, busy), after)| {
        let share = busy.saturating_sub(idle).as_secs_f64()
            / begun.saturating_duration_since(quiet).as_secs_f64();
        let worked = after.saturating_sub(busy).as_secs_f64() - share * over.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
        let megabytes = sent as f64 / 1e6;
        Duration::try_from_secs_f64(worked.max(0.0) / megabytes).unwrap_or_default()
    });
    let (before, beside) = (honest.over(quiet, begun), honest.over(begun, ended));
    drop(ground);
    Arc::into_inner(victim).context("the attack goes on")?.check()?;
    Ok(Outcome { before, beside, memory: resident.zip(peak), cost })
}

/// Notes the most memory that the server has.
async fn watch(victim: &Victim, peak: &mut Option<usize>) -> core::convert::Infallible {
    loop {
        *peak = (*peak).max(victim.resident());
        sleep(Duration::from_millis(20)).await;
    }
}

impl Outcome {
    /// Says which limit of time the honest client exceeded.
    fn exceeds_time(&self) -> Option<&'static str> {
        let (median, p99) = (share(&self.beside, 50), share(&self.beside, 99));
        if self.before.is_empty() || self.beside.is_empty() {
            return Some("no honest call ended");
        }
        if median > MEDIAN_FLOOR.max(share(&self.before, 50).saturating_mul(MEDIAN_RATIO)) {
            return Some("the median is too long");
        }
        let limit = P99_FLOOR.max(share(&self.before, 99).saturating_mul(P99_RATIO));
        (p99 > limit).then_some("p99 is too long")
    }

    /// Says which limit of memory the server exceeded.
    fn exceeds_memory(&self) -> Option<&'static str> {
        let (before, peak) = self.memory?;
        if peak.saturating_sub(before) >= GROWTH_MAX {
            return Some("memory grows too much");
        }
        (peak >= TOTAL_MAX).then_some("too much memory")
    }

    fn print(&self, table: &Table, name: &str, verdict: Option<&str>) {
        let both = |percent| {
            let [before, beside] = [&self.before, &self.beside].map(|it| share(it, percent));
            format!("{} → {}", terminal::duration(before), terminal::duration(beside))
        };
        let ratio = share(&self.beside, 50).as_secs_f64() / share(&self.before, 50).as_secs_f64();
        let (grows, to) = self.memory.map_or_else(Default::default, |(before, peak)| {
            (mebibytes(peak.saturating_sub(before)), mebibytes(peak))
        });
        let cost = self.cost.map_or_else(|| "–".to_owned(), terminal::duration);
        let ratio = format!("{ratio:.1}×");
        let cells =
            [name, &both(50), &ratio, &both(99), &grows, &to, &cost, verdict.unwrap_or("ok")];
        table.judged_row(verdict.is_none(), &cells);
    }
}

/// Returns the time that this share of the sorted times does not exceed.
fn share(times: &[Duration], percent: usize) -> Duration {
    let at = times.len().saturating_mul(percent) / 100;
    times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", bytes >> 20)
}

const MEDIAN_RATIO: u32 = 3;
/// Shorter medians are noise of the system.
const MEDIAN_FLOOR: Duration = Duration::from_millis(1);
const P99_RATIO: u32 = 5;
const P99_FLOOR: Duration = Duration::from_millis(250);
/// Resident bytes by which a server grows, and that it has in all.
const GROWTH_MAX: usize = 64 << 20;
const TOTAL_MAX: usize = 256 << 20;
/// For so long memory is watched after an attack.
const REST: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(before_us: u64, beside_us: u64, memory: (usize, usize)) -> Outcome {
        let times = |us| (0..100).map(|_| Duration::from_micros(us)).collect();
        let (before, beside) = (times(before_us), times(beside_us));
        Outcome { before, beside, memory: Some(memory), cost: None }
    }

    #[test]
    fn limits_are_exceeded_one_step_beyond() {
        let good = |outcome: Outcome| outcome.exceeds_time().is_none();
        assert!(good(outcome(10, 1000, (0, 0))) && !good(outcome(10, 1001, (0, 0))));
        assert!(good(outcome(1000, 3000, (0, 0))) && !good(outcome(1000, 3001, (0, 0))));
        let small = |outcome: Outcome| outcome.exceeds_memory().is_none();
        assert!(small(outcome(1, 1, (5, 4 + GROWTH_MAX))));
        assert!(!small(outcome(1, 1, (5, 5 + GROWTH_MAX))));
        let most = TOTAL_MAX - 1;
        assert!(small(outcome(1, 1, (most, most))) && !small(outcome(1, 1, (most, TOTAL_MAX))));
    }

    #[test]
    fn a_late_hundredth_is_seen() {
        let mut slow = outcome(10, 10, (0, 0));
        slow.beside.extend([P99_FLOOR + Duration::from_micros(1); 2]);
        assert_eq!(slow.exceeds_time(), Some("p99 is too long"));
        slow.beside.clear();
        assert_eq!(slow.exceeds_time(), Some("no honest call ended"));
    }
}
