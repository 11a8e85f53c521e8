//! One direction of a link, without I/O: payloads are sent into it and taken out when they arrive.
//!
//! ```text
//!            loss, duplication,            delay, jitter,
//!            replays, bit flips            stalls, chunking
//!  send ──▶ [      corruption    ] ──▶ [   arrival time  ] ──▶ take
//! ```

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use mtp_crypto::QuickAckToken;
use mtp_env::Instant;

use crate::dice::Dice;
use crate::faults::{Faults, JITTER_MAX, STALL_MAX};
use crate::tally::Tally;

/// A unit of transmission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that crosses between transport and session")]
pub enum Payload {
    /// A packet, on links that carry packets.
    Packet {
        /// The packet.
        bytes: Vec<u8>,
        /// The sender requests a quick acknowledgment.
        quick_ack: bool,
    },
    /// A quick acknowledgment, on links that carry packets.
    QuickAck(QuickAckToken),
    /// A transport error, on links that carry packets.
    Error(i32),
    /// Bytes, on links that carry bytes.
    Bytes(Vec<u8>),
    /// The other end has closed the link.
    End,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Pipe {
    in_transit: BTreeMap<(Instant, u64), Payload>,
    /// Orders payloads with the same arrival time.
    order: u64,
    /// The earliest arrival of a payload that must not overtake.
    latest: Instant,
    /// The end of the stall.
    stalled_until: Instant,
    delay: Duration,
    /// Packets recorded by an attacker.
    seen: VecDeque<Vec<u8>>,
    dice: Dice,
}

impl Pipe {
    /// Makes a direction with a minimum delay.
    #[must_use]
    pub fn new(delay: Duration, dice: Dice) -> Self {
        Self {
            in_transit: BTreeMap::new(),
            order: 0,
            latest: Instant::default(),
            stalled_until: Instant::default(),
            delay,
            seen: VecDeque::new(),
            dice,
        }
    }

    /// Sends a payload, subject to faults.
    pub fn send(&mut self, at: Instant, payload: Payload, faults: &Faults, tally: &mut Tally) {
        if self.dice.happens(faults.stalls) {
            tally.fault("stalls");
            self.stalled_until = at + self.dice.span(Duration::ZERO, STALL_MAX);
        }
        match payload {
            Payload::Packet { bytes, quick_ack } => {
                self.send_packet(at, (bytes, quick_ack), faults, tally);
            }
            Payload::Bytes(bytes) => self.send_bytes(at, &bytes, faults, tally),
            other => self.queue(at, other, faults, tally),
        }
    }

    /// Injects a payload that the other end did not send.
    pub fn inject(&mut self, at: Instant, payload: Payload) {
        self.queue(at, payload, &Faults::none(), &mut Tally::default());
    }

    /// Returns the time of the next arrival.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.in_transit.first_key_value().map(|((at, _), _)| (*at).max(self.stalled_until))
    }

    /// Returns the next payload that has arrived.
    pub fn take(&mut self, at: Instant) -> Option<Payload> {
        if self.next_at()? > at {
            return None;
        }
        self.in_transit.pop_first().map(|(_, payload)| payload)
    }

    /// Cuts the direction: a random prefix of the payloads in transit still arrives, the rest is lost.
    pub fn cut(&mut self) {
        let keep = self.dice.index(self.in_transit.len().saturating_add(1));
        let mut kept: Vec<_> = core::mem::take(&mut self.in_transit).into_iter().collect();
        kept.truncate(keep);
        // The cut may be within a frame or its header.
        if let Some((_, Payload::Bytes(bytes))) = kept.last_mut() {
            let len = self.dice.index(bytes.len().saturating_add(1));
            bytes.truncate(len);
        }
        self.in_transit = kept.into_iter().collect();
    }

    /// Ends a stall.
    pub fn calm(&mut self) {
        self.stalled_until = Instant::default();
    }

    /// Returns a random packet that an attacker has recorded.
    pub fn overheard(&mut self) -> Option<Vec<u8>> {
        let index = self.dice.index(self.seen.len());
        self.seen.get(index).cloned()
    }

    fn send_packet(
        &mut self,
        at: Instant,
        (bytes, quick_ack): (Vec<u8>, bool),
        faults: &Faults,
        tally: &mut Tally,
    ) {
        if self.seen.len() >= SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(bytes.clone());
        let replay = self.dice.happens(faults.replays).then(|| self.overheard()).flatten();
        if self.dice.happens(faults.duplication) {
            tally.fault("duplication");
            let copy = Payload::Packet { bytes: bytes.clone(), quick_ack };
            self.queue(at, copy, faults, tally);
        }
        if self.dice.happens(faults.loss) {
            tally.fault("loss");
        } else {
            let mut bytes = bytes;
            if self.dice.happens(faults.bit_flips) {
                tally.fault("bit flips");
                self.flip(&mut bytes);
            }
            self.queue(at, Payload::Packet { bytes, quick_ack }, faults, tally);
        }
        if let Some(bytes) = replay {
            tally.fault("replays");
            self.queue(at, Payload::Packet { bytes, quick_ack: false }, faults, tally);
        }
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..self.dice.between(1, 3) {
            let (index, bit) = (self.dice.index(bytes.len()), self.dice.below(8));
            if let Some(byte) = bytes.get_mut(index) {
                *byte ^= 1 << bit;
            }
        }
    }

    fn send_bytes(&mut self, at: Instant, bytes: &[u8], faults: &Faults, tally: &mut Tally) {
        let mut rest = bytes;
        while !rest.is_empty() && self.dice.happens(faults.chunking) {
            tally.fault("chunking");
            // Half of the cuts are within the header of a frame.
            let max = if self.dice.once_in(2) { 8 } else { rest.len() };
            let cut = self.dice.index(max.min(rest.len())).saturating_add(1);
            let (piece, later) = rest.split_at_checked(cut).unwrap_or((rest, &[]));
            self.queue(at, Payload::Bytes(piece.to_vec()), faults, tally);
            rest = later;
        }
        if !rest.is_empty() {
            self.queue(at, Payload::Bytes(rest.to_vec()), faults, tally);
        }
    }

    fn queue(&mut self, at: Instant, payload: Payload, faults: &Faults, tally: &mut Tally) {
        let mut arrives = at + self.delay;
        if self.dice.happens(faults.jitter) {
            tally.fault("jitter");
            arrives = arrives + self.dice.span(Duration::ZERO, JITTER_MAX);
        }
        let may_overtake = matches!(payload, Payload::Packet { .. });
        if may_overtake && self.dice.happens(faults.reordering) {
            tally.fault("reordering");
        } else {
            arrives = arrives.max(self.latest);
            self.latest = arrives;
        }
        self.order = self.order.saturating_add(1);
        self.in_transit.insert((arrives, self.order), payload);
    }
}

/// Maximum number of packets that an attacker records per direction.
const SEEN_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Odds;

    const ALWAYS: Odds = Odds::percent(100);

    fn pipe() -> Pipe {
        Pipe::new(Duration::from_millis(10), Dice::new(3))
    }

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn packet(number: u8) -> Payload {
        Payload::Packet { bytes: vec![number; 40], quick_ack: false }
    }

    fn drain(pipe: &mut Pipe) -> Vec<Payload> {
        core::iter::from_fn(|| pipe.take(at(1_000_000))).collect()
    }

    #[test]
    fn packets_arrive_in_order_and_on_time_without_faults() {
        let mut pipe = pipe();
        for number in 0..10 {
            pipe.send(at(number.into()), packet(number), &Faults::none(), &mut Tally::default());
        }
        assert_eq!(pipe.take(at(9)), None);
        assert_eq!(pipe.take(at(10)), Some(packet(0)));
        assert_eq!(pipe.next_at(), Some(at(11)));
        assert_eq!(drain(&mut pipe), (1..10).map(packet).collect::<Vec<_>>());
    }

    #[test]
    fn chunked_bytes_arrive_in_order() {
        let mut pipe = pipe();
        let faults = Faults { chunking: ALWAYS, jitter: ALWAYS, ..Faults::none() };
        let sent: Vec<u8> = (0..=255).collect();
        pipe.send(at(0), Payload::Bytes(sent.clone()), &faults, &mut Tally::default());
        let pieces = drain(&mut pipe);
        assert!(pieces.len() > 5, "{}", pieces.len());
        let arrived: Vec<u8> = pieces
            .into_iter()
            .flat_map(|piece| match piece {
                Payload::Bytes(bytes) => bytes,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(arrived, sent);
    }

    #[test]
    fn each_fault_has_its_effect() {
        let run = |faults: &Faults| {
            let mut pipe = pipe();
            for number in 0..100 {
                pipe.send(at(number.into()), packet(number), faults, &mut Tally::default());
            }
            drain(&mut pipe)
        };
        assert!(run(&Faults { loss: ALWAYS, ..Faults::none() }).is_empty());
        assert_eq!(run(&Faults { duplication: ALWAYS, ..Faults::none() }).len(), 200);
        assert_eq!(run(&Faults { replays: ALWAYS, ..Faults::none() }).len(), 200);
        let sent: Vec<_> = (0..100).map(packet).collect();
        let flipped = run(&Faults { bit_flips: ALWAYS, ..Faults::none() });
        assert_eq!((flipped.len(), flipped.iter().any(|it| sent.contains(it))), (100, false));
        let late = Faults { jitter: ALWAYS, reordering: ALWAYS, ..Faults::none() };
        let mut mixed = run(&late);
        assert_ne!(mixed, sent);
        mixed.sort_by_key(|it| sent.iter().position(|other| other == it));
        assert_eq!(mixed, sent);
        let stalled = Faults { stalls: ALWAYS, ..Faults::none() };
        assert_eq!(run(&stalled), sent);
    }

    #[test]
    fn cut_delivers_a_prefix() {
        for seed in 0..50 {
            let mut pipe = Pipe::new(Duration::ZERO, Dice::new(seed));
            for number in 0..5 {
                let bytes = Payload::Bytes(vec![number; 10]);
                pipe.send(at(0), bytes, &Faults::none(), &mut Tally::default());
            }
            pipe.cut();
            let left: Vec<u8> = drain(&mut pipe)
                .into_iter()
                .flat_map(|piece| match piece {
                    Payload::Bytes(bytes) => bytes,
                    other => panic!("{other:?}"),
                })
                .collect();
            let sent: Vec<u8> = (0..5).flat_map(|number| [number; 10]).collect();
            assert!(sent.starts_with(&left));
        }
    }
}
