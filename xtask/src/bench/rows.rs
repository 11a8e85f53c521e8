//! The rows of the table: measurements, peers, limits and goals.
//!
//! The goals were set before any code was written, from prototypes and peers on another machine: one for safe Rust, and
//! one for SIMD kernels.

use super::measured::Measured;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) item: &'static str,
    ours: Measure,
    peer: Option<(&'static str, Measure)>,
    limit: Limit,
    goal: Goal,
    kernel_goal: Goal,
}

/// The source of a figure.
#[derive(Clone, Copy)]
enum Measure {
    /// The fastest sample.
    Time(&'static str),
    /// The fastest sample, divided by a number of operations.
    Each(&'static str, f64),
    /// The mean of all samples, because each run has another input.
    Mean(&'static str),
    /// A printed time in nanoseconds.
    Nanoseconds(&'static str),
    /// A printed count, divided by a number of operations.
    Count(&'static str, f64),
}

/// The processor's limit, in cycles.
#[derive(Clone, Copy)]
enum Limit {
    Unknown,
    Cycles(f64),
}

/// A goal.
#[derive(Clone, Copy)]
enum Goal {
    None,
    /// A multiple of the peer's speed, or a fraction of its use.
    Ratio(f64),
    /// At most this, in the unit of the row.
    AtMost(f64),
    /// A fraction of the limit.
    OfLimit(f64),
}

/// The cells of a row after its item.
pub(crate) struct Line {
    pub(crate) cells: [String; 6],
    pub(crate) goal_is_met: Option<bool>,
}

impl Row {
    /// Returns `None` if our figure, or that of the peer to compare with, was not measured.
    pub(crate) fn judge(&self, measured: &Measured) -> Option<Line> {
        let ours = self.ours.read(measured)?;
        let peer = match self.peer {
            Some((name, measure)) => Some((name, measure.read(measured)?)),
            None => None,
        };
        let limit = match (self.limit, measured.gigahertz()) {
            (Cycles(cycles), Some(gigahertz)) => Some(cycles / gigahertz),
            _ => None,
        };
        // Nothing is infinitely less than something.
        let ratio = peer.map(|(_, peer)| if ours == 0.0 { f64::INFINITY } else { peer / ours });
        let met = |goal: Goal| match goal {
            Goal::None => None,
            Ratio(least) => ratio.map(|ratio| ratio >= least),
            AtMost(most) => Some(ours <= most),
            OfLimit(part) => limit.map(|limit| limit / ours >= part),
        };
        let verdict = |goal: Goal| {
            let mark = met(goal).map_or("", |met| if met { " ✓" } else { " ✗" });
            format!("{}{mark}", self.ours.show_goal(goal))
        };
        let show = |figure: f64| self.ours.show(figure);
        let cells = [
            show(ours),
            peer.map_or(String::from("–"), |(name, peer)| format!("{name} {}", show(peer))),
            limit.map_or(String::from("–"), |limit| {
                format!("{} ({:.0} %)", show(limit), 100.0 * limit / ours)
            }),
            ratio.map_or(String::from("–"), |ratio| format!("{ratio:.2}")),
            verdict(self.goal),
            verdict(self.kernel_goal),
        ];
        Some(Line { cells, goal_is_met: met(self.goal) })
    }
}

impl Row {
    /// Formats both goals.
    pub(crate) fn goals(&self) -> [String; 2] {
        [self.goal, self.kernel_goal].map(|goal| self.ours.show_goal(goal))
    }
}

impl Measure {
    fn read(self, measured: &Measured) -> Option<f64> {
        match self {
            Self::Time(name) => measured.fastest(name),
            Self::Each(name, count) => measured.fastest(name).map(|time| time / count),
            Self::Mean(name) => measured.mean(name),
            Self::Nanoseconds(name) => measured.figure(name),
            Self::Count(name, count) => measured.figure(name).map(|figure| figure / count),
        }
    }

    fn show(self, figure: f64) -> String {
        match self {
            Self::Count(..) if figure.fract() == 0.0 => format!("{figure:.0}"),
            Self::Count(..) => format!("{figure:.1}"),
            _ if figure < 1e3 => format!("{figure:.0} ns"),
            _ if figure < 1e6 => format!("{:.2} µs", figure / 1e3),
            _ => format!("{:.2} ms", figure / 1e6),
        }
    }

    fn show_goal(self, goal: Goal) -> String {
        match goal {
            Goal::None => String::from("–"),
            Ratio(least) => format!("{least} ×"),
            AtMost(most) => format!("≤ {}", self.show(most)),
            OfLimit(part) => format!("{:.0} % of the limit", part * 100.0),
        }
    }
}

use Goal::{AtMost, OfLimit, Ratio};
use Limit::{Cycles, Unknown};
use Measure::{Count, Each, Mean, Nanoseconds, Time};

const fn row(
    item: &'static str,
    ours: Measure,
    peer: (&'static str, Measure),
    limit: Limit,
    goal: Goal,
    kernel_goal: Goal,
) -> Row {
    Row { item, ours, peer: Some(peer), limit, goal, kernel_goal }
}

/// A row without a peer.
const fn alone(item: &'static str, ours: Measure, goal: Goal) -> Row {
    Row { item, ours, peer: None, limit: Unknown, goal, kernel_goal: Goal::None }
}

/// 14 rounds of 3 cycles for 16 bytes.
const IGE: f64 = 2.625;
const K16: f64 = 16.0 * 1024.0;
const M1: f64 = 1024.0 * 1024.0;

#[rustfmt::skip]
pub(crate) const ROWS: [Row; ROWS_COUNT] = [
    row("IGE encrypt 16 KiB", Time("ige/encrypt/ours/16384"), ("grammers", Time("ige/encrypt/grammers/16384")), Cycles(IGE * K16), Ratio(3.7), OfLimit(0.97)),
    row("IGE encrypt 16 KiB", Time("ige/encrypt/ours/16384"), ("`ige`", Time("ige/encrypt/ige_crate/16384")), Cycles(IGE * K16), Ratio(1.0), Goal::None),
    row("IGE decrypt 16 KiB", Time("ige/decrypt/ours/16384"), ("grammers", Time("ige/decrypt/grammers/16384")), Cycles(IGE * K16), Ratio(3.7), OfLimit(0.97)),
    row("IGE decrypt 16 KiB", Time("ige/decrypt/ours/16384"), ("`ige`", Time("ige/decrypt/ige_crate/16384")), Cycles(IGE * K16), Ratio(1.08), Goal::None),
    row("IGE encrypt 1 MiB", Time("ige/encrypt/ours/1048576"), ("grammers", Time("ige/encrypt/grammers/1048576")), Cycles(IGE * M1), Ratio(3.7), OfLimit(0.97)),
    row("IGE decrypt 1 MiB", Time("ige/decrypt/ours/1048576"), ("grammers", Time("ige/decrypt/grammers/1048576")), Cycles(IGE * M1), Ratio(3.7), OfLimit(0.97)),
    row("CTR 16 KiB", Time("ctr/ours/16384"), ("grammers", Time("ctr/grammers/16384")), Cycles(0.22 * K16), Ratio(1.0), Goal::None),
    row("message encrypt 128 B", Time("message/encrypt/ours/128"), ("grammers", Time("message/encrypt/grammers/128")), Cycles(919.0), Ratio(2.1), Ratio(3.4)),
    row("message encrypt 1 KiB", Time("message/encrypt/ours/1024"), ("grammers", Time("message/encrypt/grammers/1024")), Cycles(5060.0), Ratio(2.5), Ratio(2.9)),
    row("message encrypt 64 KiB", Time("message/encrypt/ours/65536"), ("grammers", Time("message/encrypt/grammers/65536")), Cycles(4.63 * 4.0 * K16), Ratio(2.6), Ratio(2.8)),
    row("message encrypt 64 KiB, queue of 16", Each("message/batch_16/seal/65536", 16.0), ("grammers", Time("message/encrypt/grammers/65536")), Cycles(2.63 * 4.0 * K16), Goal::None, Ratio(4.8)),
    row("message decrypt 128 B", Time("message/decrypt/ours/128"), ("grammers", Time("message/decrypt/grammers/128")), Cycles(730.0), Ratio(1.5), Ratio(2.6)),
    row("message decrypt 1 KiB", Time("message/decrypt/ours/1024"), ("grammers", Time("message/decrypt/grammers/1024")), Cycles(3160.0), Ratio(3.1), Ratio(4.4)),
    row("message decrypt 64 KiB", Time("message/decrypt/ours/65536"), ("grammers", Time("message/decrypt/grammers/65536")), Cycles(2.63 * 4.0 * K16), Ratio(3.7), Ratio(5.0)),
    row("16 messages of 1 KiB encrypted at once, each", Each("message/batch_16/seal/1024", 16.0), ("one alone", Time("message/encrypt/ours/1024")), Unknown, Goal::None, Goal::None),
    row("16 messages of 1 KiB decrypted at once, each", Each("message/batch_16/open/1024", 16.0), ("one alone", Time("message/decrypt/ours/1024")), Unknown, Goal::None, Goal::None),
    row("pq, mean", Mean("exchange/pq/ours"), ("grammers", Mean("exchange/pq/grammers")), Unknown, Ratio(20.0), Goal::None),
    alone("pq, 99 % are below 1 ms", Nanoseconds("exchange/pq/p99"), AtMost(1e6)),
    row("g_a^b, ours in constant time", Time("exchange/power/ours"), ("num-bigint", Time("exchange/power/num_bigint")), Unknown, Ratio(1.15), Goal::None),
    row("g^b, usual prime", Time("exchange/power_of_3/ours"), ("num-bigint", Time("exchange/power_of_3/num_bigint")), Unknown, Ratio(4.5), Goal::None),
    row("both powers", Time("exchange/both_powers/ours"), ("num-bigint", Time("exchange/both_powers/num_bigint")), Unknown, Goal::None, Ratio(7.0)),
    row("RSA_PAD (peer: the power alone)", Time("exchange/rsa_public/ours"), ("num-bigint", Time("exchange/rsa_public/num_bigint")), Unknown, Ratio(5.0), Goal::None),
    row("key exchange of a client, CPU", Mean("exchange/client/ours"), ("grammers", Mean("exchange/client/grammers")), Unknown, Ratio(2.1), Ratio(7.0)),
    row("TL decode, 14 KB page, borrowed", Time("history/decode/ours"), ("grammers", Time("history/decode/grammers")), Unknown, Ratio(10.0), Goal::None),
    row("– allocations", Count("allocations/history/decode/ours", 1.0), ("grammers", Count("allocations/history/decode/grammers", 1.0)), Unknown, Ratio(15.0), Goal::None),
    row("TL encode, 14 KB page", Time("history/encode/ours"), ("grammers", Time("history/encode/grammers")), Unknown, Ratio(1.5), Goal::None),
    row("– allocations", Count("allocations/history/encode/ours", 1.0), ("grammers", Count("allocations/history/encode/grammers", 1.0)), Unknown, AtMost(1.0), Goal::None),
    alone("– allocations into a given buffer", Count("allocations/history/encode/ours_into_buffer", 1.0), AtMost(0.0)),
    row("TL decode, 10,000 `long`", Time("longs/decode/ours"), ("grammers", Time("longs/decode/grammers")), Unknown, Goal::None, Goal::None),
    row("session, one call, send", Time("call/send/ours"), ("grammers", Time("call/send/grammers")), Unknown, Ratio(2.0), Ratio(2.8)),
    row("session, one call, receive", Time("call/receive/ours"), ("grammers", Time("call/receive/grammers")), Unknown, Ratio(2.0), Ratio(2.8)),
    row("– allocations, send", Count("allocations/1000_calls/send/ours", 1000.0), ("grammers", Count("allocations/1000_calls/send/grammers", 1000.0)), Unknown, AtMost(0.0), Goal::None),
    row("– allocations, receive", Count("allocations/1000_calls/receive/ours", 1000.0), ("grammers", Count("allocations/1000_calls/receive/grammers", 1000.0)), Unknown, AtMost(1.0), Goal::None),
    row("session, container of 90, send", Time("container of 90/send/ours"), ("grammers", Time("container of 90/send/grammers")), Unknown, Ratio(2.0), Ratio(3.2)),
    row("session, container of 90, receive", Time("container of 90/receive/ours"), ("grammers", Time("container of 90/receive/grammers")), Unknown, Ratio(2.5), Ratio(4.5)),
    row("– allocations, send", Count("allocations/container_of_90/send/ours", 1.0), ("grammers", Count("allocations/container_of_90/send/grammers", 1.0)), Unknown, AtMost(1.0), Goal::None),
    row("– allocations, receive", Count("allocations/container_of_90/receive/ours", 1.0), ("grammers", Count("allocations/container_of_90/receive/grammers", 1.0)), Unknown, AtMost(1.0), Goal::None),
    alone("idle session of a server, bytes", Count("idle/1000000_sessions/1_calls/down", 1.0), AtMost(4096.0)),
    row("framing and obfuscation 1 KiB, send", Time("pipeline/send/ours/Intermediate/1048"), ("bare cipher", Time("pipeline/send/cipher/1048")), Unknown, Ratio(0.95), Goal::None),
    row("framing and obfuscation 1 KiB, send", Time("pipeline/send/ours/Intermediate/1048"), ("grammers", Time("pipeline/send/grammers/Intermediate/1048")), Unknown, Goal::None, Goal::None),
    row("framing and obfuscation 1 KiB, receive", Time("pipeline/receive/ours/Intermediate/1048"), ("bare cipher", Time("pipeline/receive/cipher/1048")), Unknown, Ratio(0.95), Goal::None),
    row("framing and obfuscation 1 KiB, receive", Time("pipeline/receive/ours/Intermediate/1048"), ("grammers", Time("pipeline/receive/grammers/Intermediate/1048")), Unknown, Goal::None, Goal::None),
    row("framing and obfuscation 64 KiB, send", Time("pipeline/send/ours/Intermediate/65560"), ("bare cipher", Time("pipeline/send/cipher/65560")), Unknown, Ratio(0.95), Goal::None),
    row("framing and obfuscation 64 KiB, receive", Time("pipeline/receive/ours/Intermediate/65560"), ("bare cipher", Time("pipeline/receive/cipher/65560")), Unknown, Ratio(0.95), Goal::None),
    row("gunzip 1 KiB", Time("gunzip/ours/1024"), ("as grammers", Time("gunzip/grammers/1024")), Unknown, Ratio(4.5), Goal::None),
    row("gunzip 64 KiB", Time("gunzip/ours/65536"), ("as grammers", Time("gunzip/grammers/65536")), Unknown, Ratio(1.6), Goal::None),
    row("cold release build, core crates, CPU seconds", Count("build/seconds/ours", 1.0), ("grammers", Count("build/seconds/grammers", 1.0)), Unknown, Ratio(3.0), Goal::None),
    row("– crates", Count("build/crates/ours", 1.0), ("grammers", Count("build/crates/grammers", 1.0)), Unknown, AtMost(30.0), Goal::None),
];
const ROWS_COUNT: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_judged_only_if_it_was_measured() {
        let mut measured = Measured::default();
        let row = row(
            "x",
            Count("ours", 1.0),
            ("p", Count("theirs", 1.0)),
            Unknown,
            Ratio(2.0),
            AtMost(3.0),
        );
        assert!(row.judge(&measured).is_none());
        measured.set_figure("ours", 4.0);
        measured.set_figure("theirs", 8.0);
        let line = row.judge(&measured).unwrap();
        assert_eq!(line.cells, ["4", "p 8", "–", "2.00", "2 × ✓", "≤ 3 ✗"]);
        assert_eq!(line.goal_is_met, Some(true));
    }
}
