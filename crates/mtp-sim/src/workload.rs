//! The applications: the calls of clients and the answers of the server.
//!
//! The body of a call specifies its answer. So the server's application needs no state, and the observer knows which
//! answer to expect.

use core::time::Duration;

use mtp_env::Instant;
use mtp_session::client::Priority;
use mtp_session::service::{RpcError, Wrappers};
use mtp_tl::{Decoder, Encode, Output};

use crate::dice::Dice;
use crate::faults::{Faults, PAUSE_MAX};
use crate::tally::Tally;

/// The content of a call: its number and the answer it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallSpec {
    /// Unique in the run.
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
    /// No answer.
    Silence,
}

/// Bytes that lengthen a body, compressible or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filler {
    /// Length in words of four bytes.
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
                // The output of a linear congruential generator does not compress.
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            }
            out.put(&word.to_le_bytes());
        }
    }
}

impl CallSpec {
    /// Encodes the body of the call.
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

    /// Decodes the body of a call.
    pub(crate) fn read(call: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(call);
        let mut word = || d.read::<u32>().ok();
        if word()? != CALL_ID {
            return None;
        }
        let number = word()?;
        let (reply, code) = (word()?, word()?.cast_signed());
        let spec = Self {
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
        (spec.call() == call).then_some(spec)
    }

    /// Returns the answer of the server's application, `None` if it does not answer.
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

    /// Returns the time the server's application takes to answer.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.into())
    }

    /// Returns `true` if the application journals the call, which carries a `random_id`: it takes effect once.
    pub(crate) fn is_journaled(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// Returns `true` if the call times out at the server before it is answered.
    pub(crate) fn times_out(&self) -> bool {
        self.reply == Reply::Silence || self.delay() > ANSWER_TIMEOUT
    }
}

/// Returns the error of a code.
pub(crate) fn error_of(code: i32) -> RpcError<'static> {
    match code {
        420 => RpcError::new(420, "FLOOD_WAIT_7"),
        303 => RpcError::new(303, "USER_MIGRATE_4"),
        500 => RpcError::new(500, "RPC_CALL_FAIL"),
        _ => RpcError::new(code, "PEER_ID_INVALID"),
    }
}

/// A call of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedCall {
    pub(crate) at: Instant,
    pub(crate) client: usize,
    pub(crate) spec: CallSpec,
    pub(crate) once: bool,
    /// The number of the call it must run after.
    pub(crate) after: Option<u32>,
    pub(crate) priority: Priority,
    pub(crate) quick_ack: bool,
    /// The delay after which it is cancelled.
    pub(crate) cancel_after: Option<Duration>,
}

/// The calls of a run and the pauses between them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) calls: Vec<PlannedCall>,
    pub(crate) pauses: Vec<(Instant, Instant)>,
    pub(crate) end: Instant,
}

impl Plan {
    /// Draws the calls of a run: bursts with pauses between them.
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
                // Short pauses are as likely as long ones.
                let max = PAUSE_MAX / 2_u32.pow(u32::try_from(dice.below(5)).unwrap_or(0));
                at = from + dice.span(Duration::ZERO, max);
                plan.pauses.push((from, at));
            }
            at = at + dice.span(Duration::from_millis(1), Duration::from_secs(12));
        }
        plan.end = at + Duration::from_secs(1);
        plan
    }

    /// Counts the faults of the plan.
    pub(crate) fn count(&self, tally: &mut Tally) {
        for call in &self.calls {
            let long = call.spec.body.is_long() || call.spec.answer.is_long();
            let late = call.spec.delay_ms >= LATE_MS || call.spec.reply == Reply::Silence;
            let faults = [
                (call.cancel_after.is_some(), "cancels"),
                (call.after.is_some(), "chains"),
                (call.once, "once"),
                (late, "late answers"),
                (matches!(call.spec.reply, Reply::Error(_)), "error answers"),
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

    fn draw_call(
        &self,
        dice: &mut Dice,
        faults: &Faults,
        client: usize,
        at: Instant,
    ) -> PlannedCall {
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
        let spec = CallSpec {
            number,
            reply,
            delay_ms: u32::try_from(delay_ms).unwrap_or(0),
            body: if long_call { Filler::draw(dice, true) } else { Filler::draw(dice, false) },
            answer: if long_answer { Filler::draw(dice, true) } else { Filler::NONE },
        };
        let of_client = self.calls.iter().rev().filter(|call| call.client == client);
        let before: Vec<u32> = of_client.take(4).map(|call| call.spec.number).collect();
        let after = (!before.is_empty() && dice.happens(faults.chains))
            .then(|| dice.pick(&before))
            .filter(|before| *before < number);
        let cancel_after = dice
            .happens(faults.cancels)
            .then(|| dice.span(Duration::ZERO, Duration::from_secs(if late { 20 } else { 2 })));
        PlannedCall {
            at,
            client,
            spec,
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

/// Returns the number of a call, with or without wrappers.
pub(crate) fn call_in(body: &[u8]) -> Option<u32> {
    call_number(Wrappers::peel(body).ok()?.1)
}

/// Returns the number of an answer.
pub(crate) fn answer_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == ANSWER_ID).then(|| d.read().ok()).flatten()
}

/// Returns the number of a call.
fn call_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == CALL_ID).then(|| d.read().ok()).flatten()
}

/// Returns the body of an update.
pub(crate) fn update(number: u32, words: u32) -> Vec<u8> {
    let mut out = Vec::new();
    UPDATE_ID.encode(&mut out);
    number.encode(&mut out);
    Filler { words, packs: number.is_multiple_of(2) }.write(number, &mut out);
    out
}

/// Returns the number of an update.
pub(crate) fn update_number(body: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(body);
    (d.read::<u32>().ok()? == UPDATE_ID).then(|| d.read().ok()).flatten()
}

/// Delay from which an answer counts as late, in milliseconds.
const LATE_MS: u32 = 1000;
/// Maximum length of a short body, in words.
const SHORT_WORDS: u32 = 30;
const CALL_ID: u32 = 0x5ca1_1ca1;
const ANSWER_ID: u32 = 0x5a15_5a15;
const UPDATE_ID: u32 = 0x5bda_7e00;
/// The call timeout of the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_specs_decode_to_the_encoded_values() {
        let mut plans = (0..50).map(|seed| {
            let mut dice = Dice::new(seed);
            let faults = Faults::swarm(&mut dice, 1);
            Plan::draw(&mut dice, &faults, 2, 200)
        });
        let plan = plans.find(|plan| !plan.pauses.is_empty()).unwrap();
        assert!(plan.calls.len() >= 200);
        assert!(plan.calls.iter().any(|call| call.after.is_some()));
        for call in plan.calls {
            let body = call.spec.call();
            assert_eq!(CallSpec::read(&body), Some(call.spec));
            assert_eq!(CallSpec::read(&body[..body.len() - 4]), None);
        }
        assert_eq!(update_number(&update(7, 3)), Some(7));
    }
}
