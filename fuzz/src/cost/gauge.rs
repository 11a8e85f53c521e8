//! Cost in proportion to received bytes.

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use allocation_counter::AllocationInfo;

/// The most that received bytes may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) work: Rate,
    pub(crate) allocated: Rate,
    pub(crate) sent: Rate,
    /// Bytes of live memory that nothing accounts for, and the times that live memory may exceed what is accounted for.
    pub(crate) live: Rate,
}

/// An amount for each packet and for each byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_packet: u64,
    pub(crate) per_byte: u64,
}

impl Rate {
    pub(crate) const fn new(per_packet: u64, per_byte: u64) -> Self {
        Self { per_packet, per_byte }
    }

    const fn of(self, packets: u64, bytes: u64) -> u64 {
        let fixed = self.per_packet.saturating_mul(packets);
        fixed.saturating_add(self.per_byte.saturating_mul(bytes))
    }
}

/// What a run has received and what it has cost so far.
pub(crate) struct Gauge {
    target: &'static Record,
    rates: Rates,
    packets: u64,
    /// Operations, which may allocate and send a little without a packet.
    steps: u64,
    /// Bytes on the wire.
    received: u64,
    /// The same with packed bodies unpacked.
    paid: u64,
    /// Calls and answers of the application, and their bytes.
    grants: u64,
    granted: u64,
    work: u64,
    allocated: u64,
    sent: u64,
    live: i64,
    live_max: i64,
}

impl Gauge {
    pub(crate) const fn new(target: &'static Record, rates: Rates) -> Self {
        Self {
            target,
            rates,
            packets: 0,
            steps: 1,
            received: 0,
            paid: 0,
            grants: 0,
            granted: 0,
            work: 0,
            allocated: 0,
            sent: 0,
            live: 0,
            live_max: 0,
        }
    }

    /// Counts a packet of `len` bytes whose content has `plain_len` bytes when it is unpacked.
    pub(crate) fn receive(&mut self, len: usize, plain_len: usize) {
        self.packets += 1;
        self.received += len as u64;
        self.paid += plain_len.max(len) as u64;
    }

    /// Counts what the application caused: answers, pushes, calls.
    pub(crate) fn grant(&mut self, len: usize) {
        self.grants += 1;
        self.granted += len as u64;
    }

    pub(crate) fn send(&mut self, len: usize) {
        self.sent += len as u64;
    }

    /// Sets all work done so far.
    pub(crate) fn set_work(&mut self, units: u64) {
        self.work = units;
    }

    /// Runs the code under test and counts what it allocates.
    pub(crate) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let mut result = None;
        let info: AllocationInfo = allocation_counter::measure(|| result = Some(work()));
        self.allocated += info.bytes_total;
        let most = i64::try_from(info.bytes_max).unwrap_or(i64::MAX);
        self.live_max = self.live_max.max(self.live.saturating_add(most));
        self.live += info.bytes_current;
        result.expect("measured code runs once")
    }

    /// Checks all costs against their constants, and shows new maxima to the fuzzer.
    ///
    /// `held` is what the machine itself says that it holds.
    pub(crate) fn check(&mut self, held: usize) {
        self.steps += 1;
        let Self { packets, received, paid, .. } = *self;
        let moves = packets + self.steps;
        let live = u64::try_from(self.live).unwrap_or(0);
        let rates = self.rates;
        let most = |rate: Rate, count, of_grants: Rate| {
            rate.of(count, paid) + of_grants.of(self.grants, self.granted)
        };
        // An answer is stored, and sent six times at most.
        let work = most(rates.work, packets + 1, Rate::new(64, 1));
        let allocated = most(rates.allocated, moves, Rate::new(64 << 10, 16));
        let sent = most(rates.sent, moves, Rate::new(1024, 8));
        assert_within("work", self.work, work, self);
        assert_within("bytes allocated", self.allocated, allocated, self);
        assert_within("bytes sent", self.sent, sent, self);
        assert_within("bytes live", live, rates.live.of(1, held as u64), self);
        // A few bytes with a small fixed cost are no discovery.
        let per = |cost: u64| cost.saturating_mul(64) / (received + 1024);
        show_work(per(self.work));
        show_allocated(per(self.allocated));
        show_sent(per(self.sent));
        show_live(live.saturating_mul(64) / (held as u64 + (64 << 10)));
        let peak = u64::try_from(self.live_max).unwrap_or(0);
        if received >= RECEIVED_MIN {
            self.target.note(received, [self.work, self.allocated, self.sent, peak]);
        }
    }
}

#[track_caller]
fn assert_within(what: &str, cost: u64, max: u64, gauge: &Gauge) {
    let Gauge { packets, received, paid, .. } = gauge;
    assert!(
        cost <= max,
        "{cost} {what}, {max} allowed, for {packets} packets of {received} bytes, {paid} when unpacked"
    );
}

/// Runs that receive less show the fixed costs of an operation and no proportion.
const RECEIVED_MIN: u64 = 1024;

/// The largest costs of one target.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: &'static str,
    /// In thousandths for each received byte: work, allocated, sent; then the most live bytes.
    largest: [AtomicU64; 4],
}

impl Record {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, largest: [const { AtomicU64::new(0) }; 4] }
    }

    /// Notes the costs of `received` bytes; a maximum that is a twentieth above the last one printed is printed.
    fn note(&self, received: u64, costs: [u64; 4]) {
        let mut is_news = false;
        for (index, cost) in costs.into_iter().enumerate() {
            let value = if index < 3 { cost.saturating_mul(1000) / received } else { cost };
            let before = self.largest[index].load(Ordering::Relaxed);
            if value > before.saturating_add(before / 20) {
                self.largest[index].store(value, Ordering::Relaxed);
                is_news = true;
            }
        }
        if is_news && cfg!(fuzzing) {
            eprintln!("cost {}", self.largest());
        }
    }

    fn largest(&self) -> Largest {
        let [work, allocated, sent, live] =
            [0, 1, 2, 3].map(|index: usize| self.largest[index].load(Ordering::Relaxed));
        Largest { work, allocated, sent, live }
    }
}

/// The largest costs that the runs of a target had in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Largest {
    /// Thousandths of a unit of work for each received byte.
    pub work: u64,
    /// Thousandths of a byte allocated for each received byte.
    pub allocated: u64,
    /// Thousandths of a byte sent for each received byte.
    pub sent: u64,
    /// Bytes live at a time.
    pub live: u64,
}

impl core::fmt::Display for Largest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { work, allocated, sent, live } = *self;
        let decimal = |value: u64| format!("{}.{:03}", value / 1000, value % 1000);
        let [work, allocated, sent] = [work, allocated, sent].map(decimal);
        write!(f, "work/byte {work} alloc/byte {allocated} sent/byte {sent} live {live}")
    }
}

/// Returns the largest costs of a target in this process, in all its runs.
#[must_use]
pub fn largest(target: &str) -> Option<Largest> {
    let all = [&SESSION, &SERVER, &CLIENT, &CENTER, &RELAY];
    all.into_iter().find(|record| record.name == target).map(Record::largest)
}

pub(crate) static SESSION: Record = Record::new("cost_session");
pub(crate) static SERVER: Record = Record::new("cost_server");
pub(crate) static CLIENT: Record = Record::new("cost_client");
pub(crate) static CENTER: Record = Record::new("cost_center");
pub(crate) static RELAY: Record = Record::new("cost_relay");

/// Writes a function with one branch for each half step of a binary logarithm, so that a larger value is new coverage.
macro_rules! show {
    ($($name:ident)*) => {$(
        #[inline(never)]
        fn $name(value: u64) {
            show!(@ value, 1 2 3 4 6 8 12 16 24 32 48 64 96 128 192 256 384 512 768 1024 1536 2048 3072 4096 6144 8192
                12288 16384 24576 32768 49152 65536 98304 131_072 196_608 262_144 393_216 524_288 1_048_576 2_097_152);
        }
    )*};
    (@ $value:ident, $($step:literal)*) => {
        $(if $value >= $step {
            black_box($step);
        })*
    };
}

show! { show_work show_allocated show_sent show_live }
