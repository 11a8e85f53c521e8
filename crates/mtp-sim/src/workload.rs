//! What the applications do: which calls are made, and what the server answers.
//!
//! A call's body says how it wants to be answered, so the server's application needs no memory and an answer can
//! be foretold by whoever knows the call.

use core::time::Duration;

use mtp_env::Instant;
use mtp_session::service::{RpcError, Wrappers};
use mtp_session::session::Priority;
use mtp_tl::{Decoder, Encode, Output};

use crate::dice::Dice;
use crate::faults::{Faults, PAUSE_MAX};
use crate::report::Tally;

/// What a call asks of the server's application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The call's number, unique in the run.
    pub(crate) number: u32,
    pub(crate) reply: Reply,
    pub(crate) delay_ms: u32,
    pub(crate) body: Filler,
    pub(crate) answer: Filler,
}

/// How the server's application answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Value,
    Error(i32),
    /// Never.
    Silence,
}

/// Bytes that make a body long, packable or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filler {
    /// In words of four bytes.
    words: u32,
    packs: bool,
}

impl Filler {
    const NONE: Self = Self { words: 0, packs: true };

    fn draw(dice: &mut Dice, is_long: bool) -> Self {
        let max = if is_long { 6000 } else { SHORT_WORDS.into() };
        Self { words: u32::try_from(dice.below(max)).unwrap_or(0), packs: dice.once_in(2) }
    }

    const fn is_long(self) -> bool {
        self.words > SHORT_WORDS
    }

    fn code(self) -> u32 {
        self.words << 1 | u32::from(self.packs)
    }

    const fn from_code(code: u32) -> Self {
        Self { words: code >> 1, packs: code & 1 == 1 }
    }

    fn write(self, seed: u32, out: &mut Vec<u8>) {
        let mut word = seed | 1;
        for _ in 0..self.words {
            if !self.packs {
                // A linear congruence looks random enough to a packer.
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            }
            out.put(&word.to_le_bytes());
        }
    }
}

impl Order {
    /// Returns the call's body.
    pub(crate) fn call(&self) -> Vec<u8> {
        let (reply, code) = match self.reply {
            Reply::Value => (0, 0),
            Reply::Error(code) => (1, code),
            Reply::Silence => (2, 0),
        };
        let mut out = Vec::new();
        for word in [CALL_ID, self.number, reply, code.cast_unsigned(), self.delay_ms] {
            word.encode(&mut out);
        }
        self.body.code().encode(&mut out);
        self.answer.code().encode(&mut out);
        self.body.write(self.number, &mut out);
        out
    }

    /// Reads a call's body.
    pub(crate) fn read(call: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(call);
        let mut word = || d.read::<u32>().ok();
        if word()? != CALL_ID {
            return None;
        }
        let number = word()?;
        let (reply, code) = (word()?, word()?.cast_signed());
        let order = Self {
            number,
            reply: match reply {
                0 => Reply::Value,
                1 => Reply::Error(code),
                _ => Reply::Silence,
            },
            delay_ms: word()?,
            body: Filler::from_code(word()?),
            answer: Filler::from_code(word()?),
        };
        (order.call() == call).then_some(order)
    }

    /// Returns what the server's application answers, `None` if nothing.
    pub(crate) fn response(&self) -> Option<Vec<u8>> {
        match self.reply {
            Reply::Value => {
                let mut out = Vec::new();
                ANSWER_ID.encode(&mut out);
                self.number.encode(&mut out);
                self.answer.write(self.number, &mut out);
                Some(out)
            }
            Reply::Error(code) => Some(error_of(code).to_bytes()),
            Reply::Silence => None,
        }
    }

    /// Returns when the server's application answers after it has the call.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.into())
    }

    /// Reports whether the server gives the call up before its application answers.
    pub(crate) fn times_out(&self) -> bool {
        self.reply == Reply::Silence || self.delay() > ANSWER_TIMEOUT
    }
}

/// Returns the error that stands for a code.
pub(crate) fn error_of(code: i32) -> RpcError<'static> {
    match code {
        420 => RpcError::new(420, "FLOOD_WAIT_7"),
        303 => RpcError::new(303, "USER_MIGRATE_4"),
        500 => RpcError::new(500, "RPC_CALL_FAIL"),
        _ => RpcError::new(code, "PEER_ID_INVALID"),
    }
}

/// One call that will be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) at: Instant,
    pub(crate) client: usize,
    pub(crate) order: Order,
    pub(crate) once: bool,
    /// The number of a call that it comes after.
    pub(crate) after: Option<u32>,
    pub(crate) priority: Priority,
    pub(crate) quick_ack: bool,
    /// How long after it was made it is cancelled.
    pub(crate) cancel_after: Option<Duration>,
}

/// All calls of a run, and the pauses in which nothing happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) calls: Vec<Planned>,
    pub(crate) pauses: Vec<(Instant, Instant)>,
    pub(crate) end: Instant,
}

impl Plan {
    /// Draws the calls of a run: bursts with pauses in between.
    pub(crate) fn draw(dice: &mut Dice, faults: &Faults, clients: usize, calls: usize) -> Self {
        let mut plan = Self::default();
        let mut at = Instant::from_micros(1_000_000);
        while plan.calls.len() < calls {
            let burst = if dice.once_in(8) { dice.between(10, 40) } else { dice.between(1, 8) };
            let client = dice.index(clients);
            for _ in 0..burst {
                if dice.once_in(3) {
                    at = at + dice.span(Duration::ZERO, Duration::from_millis(500));
                }
                let call = plan.draw_call(dice, faults, client, at);
                plan.calls.push(call);
            }
            if dice.happens(faults.long_pauses) {
                let from = at + Duration::from_secs(60);
                // Short ones are as likely as long ones.
                let max = PAUSE_MAX / 2_u32.pow(u32::try_from(dice.below(5)).unwrap_or(0));
                at = from + dice.span(Duration::ZERO, max);
                plan.pauses.push((from, at));
            }
            at = at + dice.span(Duration::from_millis(1), Duration::from_secs(12));
        }
        plan.end = at + Duration::from_secs(1);
        plan
    }

    /// Counts the faults that are in the plan.
    pub(crate) fn count(&self, tally: &mut Tally) {
        for call in &self.calls {
            let long = call.order.body.is_long() || call.order.answer.is_long();
            let late = call.order.delay_ms >= LATE_MS || call.order.reply == Reply::Silence;
            let faults = [
                (call.cancel_after.is_some(), "cancels"),
                (call.after.is_some(), "chains"),
                (call.once, "once"),
                (late, "late answers"),
                (matches!(call.order.reply, Reply::Error(_)), "error answers"),
                (long, "long bodies"),
            ];
            for (_, name) in faults.iter().filter(|(is, _)| *is) {
                tally.fault(name);
            }
        }
        for _ in &self.pauses {
            tally.fault("long pauses");
        }
    }

    fn draw_call(&self, dice: &mut Dice, faults: &Faults, client: usize, at: Instant) -> Planned {
        let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let late = dice.happens(faults.late_answers);
        let delay_ms = match (late, dice.below(4)) {
            (true, 0) => 45_000,
            (true, _) => dice.between(LATE_MS.into(), 20_000),
            (false, 0) => dice.between(1, 400),
            (false, _) => 0,
        };
        let reply = if dice.happens(faults.error_answers) {
            Reply::Error(dice.pick(&[400, 420, 303, 500]))
        } else if late && dice.once_in(6) {
            Reply::Silence
        } else {
            Reply::Value
        };
        let mut is_long = || dice.happens(faults.long_bodies) && dice.once_in(2);
        let (long_call, long_answer) = (is_long(), is_long());
        let order = Order {
            number,
            reply,
            delay_ms: u32::try_from(delay_ms).unwrap_or(0),
            body: if long_call { Filler::draw(dice, true) } else { Filler::draw(dice, false) },
            answer: if long_answer { Filler::draw(dice, true) } else { Filler::NONE },
        };
        let of_client = self.calls.iter().rev().filter(|call| call.client == client);
        let before: Vec<u32> = of_client.take(4).map(|call| call.order.number).collect();
        let after = (!before.is_empty() && dice.happens(faults.chains))
            .then(|| dice.pick(&before))
            .filter(|before| *before < number);
        let cancel_after = dice
            .happens(faults.cancels)
            .then(|| dice.span(Duration::ZERO, Duration::from_secs(if late { 20 } else { 2 })));
        Planned {
            at,
            client,
            order,
            once: dice.happens(faults.once_calls),
            after,
            priority: dice.pick(&[
                Priority::High,
                Priority::Normal,
                Priority::Normal,
                Priority::Low,
            ]),
            quick_ack: dice.once_in(8),
            cancel_after,
        }
    }
}

/// Reads the number of a call that may be wrapped.
pub(crate) fn call_in(body: &[u8]) -> Option<u32> {
    call_number(Wrappers::peel(body).ok()?.1)
}

/// Reads the number of an answer.
pub(crate) fn answer_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == ANSWER_ID).then(|| d.read().ok()).flatten()
}

/// Reads the number of a call.
fn call_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == CALL_ID).then(|| d.read().ok()).flatten()
}

/// Returns the body of an update.
pub(crate) fn update(number: u32, words: u32) -> Vec<u8> {
    let mut out = Vec::new();
    UPDATE_ID.encode(&mut out);
    number.encode(&mut out);
    Filler { words, packs: number % 2 == 0 }.write(number, &mut out);
    out
}

/// Reads the number of an update.
pub(crate) fn update_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == UPDATE_ID).then(|| d.read().ok()).flatten()
}

/// An answer after so many milliseconds is late.
const LATE_MS: u32 = 1000;
/// The longest body that is not long, in words.
const SHORT_WORDS: u32 = 30;
const CALL_ID: u32 = 0x5ca1_1ca1;
const ANSWER_ID: u32 = 0x5a15_5a15;
const UPDATE_ID: u32 = 0x5bda_7e00;
/// How long the server lets a call run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_back() {
        let mut dice = Dice::new(9);
        let faults = Faults::swarm(&mut dice, 1);
        let plan = Plan::draw(&mut dice, &faults, 2, 200);
        assert!(plan.calls.len() >= 200 && !plan.pauses.is_empty());
        assert!(plan.calls.iter().any(|call| call.after.is_some()));
        for call in plan.calls {
            let body = call.order.call();
            assert_eq!(Order::read(&body), Some(call.order));
            assert_eq!(Order::read(&body[..body.len() - 4]), None);
        }
        assert_eq!(update_number(&update(7, 3)), Some(7));
    }
}
