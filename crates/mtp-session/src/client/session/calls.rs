//! Open calls: the state of each, and which is written next.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_env::Instant;

use super::request::{BindInputs, Priority, RequestOptions};
use super::slots::Slots;
use crate::link::LinkId;

use crate::session::seq_no::Label;

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) body: Body,
    pub(crate) options: RequestOptions,
    pub(crate) state: CallState,
    /// How often it was refused and resent.
    pub(crate) recoveries: u8,
    /// It failed once because of its predecessor, and waits until that call has ended.
    pub(crate) waits_for_end: bool,
    /// It may be written before the temporary key is bound.
    pub(crate) before_binding: bool,
}

/// The body of a call.
#[derive(Debug)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    Bind(Box<BindInputs>),
}

/// The state of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallState {
    /// It waits to be written under a new id.
    Queued,
    /// It was written.
    Out(Flight),
}

/// A call in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) label: Label,
    /// The packet in which it was written last.
    pub(crate) container: MsgId,
    pub(crate) link: LinkId,
    pub(crate) written_at: Instant,
    pub(crate) delivery: Delivery,
    /// When its state was last reported or requested.
    pub(crate) checked_at: Instant,
    /// Its wrappers; a retransmission must repeat them byte by byte.
    pub(crate) wrapping: Wrapping,
    /// Its answer proves that the server knows the client's `initConnection`.
    pub(crate) carries_init: bool,
    /// The server had received it before it lost the session, and may have run it.
    pub(crate) was_received: bool,
    /// It was written on an earlier link too: another run of the server may have run it.
    pub(crate) is_moved: bool,
}

/// The wrappers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wrapping {
    /// `invokeAfterMsg`.
    pub(crate) after: Option<MsgId>,
    /// `invokeWithLayer(initConnection(…))`.
    pub(crate) init: bool,
}

/// What is known about the delivery of a call in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Written on a link that is up.
    Sent,
    /// Possibly lost: its state must be requested.
    Unknown,
    /// Received.
    Acked,
    /// Received on a link that is gone: its state is requested if no answer arrives.
    AckedBefore,
    /// Received and answered; the answer may have been lost.
    Answered,
}

impl Flight {
    /// Returns `true` if the server is known to have the call.
    pub(crate) const fn has_arrived(&self) -> bool {
        !matches!(self.delivery, Delivery::Sent | Delivery::Unknown)
    }
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Bind(_) => BindInputs::CALL_LEN,
        }
    }
}

/// All calls that are open.
#[derive(Debug)]
pub(crate) struct Calls {
    open: Slots<Call>,
    /// Calls to write, by priority, in the order of their requests.
    queues: [VecDeque<u64>; 3],
    /// Calls whose state must be requested.
    ask: BTreeSet<u64>,
    /// Calls to retransmit under their current id.
    retransmits: BTreeSet<u64>,
    bytes: usize,
    in_flight: usize,
    /// Calls with a predecessor.
    chained: usize,
    /// No queued call can be written now.
    pub(crate) blocked: bool,
}

impl Calls {
    pub(crate) const fn new() -> Self {
        Self {
            open: Slots::new(),
            queues: [const { VecDeque::new() }; 3],
            ask: BTreeSet::new(),
            retransmits: BTreeSet::new(),
            bytes: 0,
            in_flight: 0,
            chained: 0,
            blocked: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn get(&self, key: u64) -> Option<&Call> {
        self.open.get(key)
    }

    pub(crate) fn is_open(&self, key: u64) -> bool {
        self.open.get(key).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Call)> {
        self.open.iter()
    }

    /// Adds a call to be written.
    pub(crate) fn insert(&mut self, call: Call) -> Option<u64> {
        let (priority, bytes) = (call.options.priority, call.body.len());
        let chained = call.options.after.is_some();
        let key = self.open.insert(call)?;
        self.bytes = self.bytes.saturating_add(bytes);
        self.chained = self.chained.saturating_add(usize::from(chained));
        self.queue(priority).push_back(key);
        self.blocked = false;
        Some(key)
    }

    /// Returns the serial number of the next call.
    pub(crate) const fn serial(&self) -> u64 {
        self.open.serial()
    }

    /// Raises the serial number of the next call to at least `serial`.
    pub(crate) fn skip_to(&mut self, serial: u64) {
        self.open.skip_to(serial);
    }

    /// Adds a saved call; returns `false` if its place is taken or out of range.
    pub(crate) fn restore(&mut self, key: u64, call: Call, max: usize) -> bool {
        let (priority, bytes) = (call.options.priority, call.body.len());
        let (chained, out) =
            (call.options.after.is_some(), matches!(call.state, CallState::Out(_)));
        if !self.open.restore(key, call, max) {
            return false;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.chained = self.chained.saturating_add(usize::from(chained));
        if out {
            self.in_flight = self.in_flight.saturating_add(1);
        } else {
            self.enqueue(priority, key);
        }
        true
    }

    /// Removes a call and returns it.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Call> {
        let call = self.open.remove(key)?;
        self.bytes = self.bytes.saturating_sub(call.body.len());
        self.chained = self.chained.saturating_sub(usize::from(call.options.after.is_some()));
        match call.state {
            CallState::Out(_) => self.in_flight = self.in_flight.saturating_sub(1),
            CallState::Queued => {
                let queue = self.queue(call.options.priority);
                if let Ok(position) = queue.binary_search(&key) {
                    queue.remove(position);
                }
            }
        }
        // A call that waited for this one may be written now.
        self.blocked = false;
        Some(call)
    }

    /// Returns the oldest call of the highest priority that `may_write`.
    pub(crate) fn next(&self, may_write: impl Fn(u64, &Call) -> bool) -> Option<u64> {
        let queued = self.queues.iter().flatten();
        queued.copied().find(|key| self.open.get(*key).is_some_and(|call| may_write(*key, call)))
    }

    /// Records that a call was written.
    pub(crate) fn written(&mut self, key: u64, flight: Flight) {
        let Some(call) = self.open.get_mut(key) else { return };
        let priority = call.options.priority;
        if let CallState::Queued = core::mem::replace(&mut call.state, CallState::Out(flight)) {
            self.in_flight = self.in_flight.saturating_add(1);
            let queue = self.queue(priority);
            if queue.front() == Some(&key) {
                queue.pop_front();
            } else if let Ok(position) = queue.binary_search(&key) {
                queue.remove(position);
            }
        }
    }

    /// Queues a call to be written under a new id, in its old place among the others.
    pub(crate) fn requeue(&mut self, key: u64) {
        let Some(call) = self.open.get_mut(key) else { return };
        let priority = call.options.priority;
        if let CallState::Out(_) = core::mem::replace(&mut call.state, CallState::Queued) {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.enqueue(priority, key);
        }
    }

    /// Returns a call to change anything but its place in the queues.
    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut Call> {
        self.blocked = false;
        self.open.get_mut(key)
    }

    /// Returns the flight of a call for changing.
    pub(crate) fn flight_mut(&mut self, key: u64) -> Option<&mut Flight> {
        match &mut self.open.get_mut(key)?.state {
            CallState::Out(flight) => Some(flight),
            CallState::Queued => None,
        }
    }

    /// Returns the flight of a call.
    pub(crate) fn flight(&self, key: u64) -> Option<&Flight> {
        match &self.open.get(key)?.state {
            CallState::Out(flight) => Some(flight),
            CallState::Queued => None,
        }
    }

    /// Returns all calls in flight.
    pub(crate) fn flights(&self) -> impl Iterator<Item = (u64, &Call, &Flight)> {
        self.open.iter().filter_map(|(key, call)| match &call.state {
            CallState::Out(flight) => Some((key, call, flight)),
            CallState::Queued => None,
        })
    }

    /// Returns all calls in flight for changing.
    pub(crate) fn flights_mut(&mut self) -> impl Iterator<Item = (u64, &mut Flight)> {
        self.open.iter_mut().filter_map(|(key, call)| match &mut call.state {
            CallState::Out(flight) => Some((key, flight)),
            CallState::Queued => None,
        })
    }

    /// Returns the calls and those in flight that depend on them, oldest first.
    ///
    /// A call depends on older calls only, so one pass in the order of age finds them all.
    // spec: session 9
    pub(crate) fn with_dependents(&self, keys: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut all: BTreeSet<u64> = keys.into_iter().collect();
        if self.chained > 0 && !all.is_empty() {
            let mut chained: Vec<(u64, u64)> = self
                .flights()
                // The server answers a call that it has, if only with `MSG_WAIT_FAILED`.
                .filter(|(_, _, flight)| !flight.has_arrived())
                .filter_map(|(key, call, _)| Some((key, call.options.after?.as_u64())))
                .collect();
            chained.sort_unstable();
            for (key, after) in chained {
                if all.contains(&after) {
                    all.insert(key);
                }
            }
        }
        all.into_iter().collect()
    }

    /// Returns `true` if a call has a predecessor.
    pub(crate) const fn has_chains(&self) -> bool {
        self.chained > 0
    }

    /// Requests the state of a call with the next packet.
    pub(crate) fn ask(&mut self, key: u64) {
        self.ask.insert(key);
    }

    /// Retransmits a call under its current id.
    pub(crate) fn retransmit(&mut self, key: u64) {
        self.retransmits.insert(key);
    }

    pub(crate) fn wants_asking(&self) -> bool {
        !self.ask.is_empty()
    }

    pub(crate) fn wants_retransmitting(&self) -> bool {
        !self.retransmits.is_empty()
    }

    /// Takes the calls whose state must be requested, at most `max`.
    pub(crate) fn take_ask(&mut self, max: usize) -> Vec<u64> {
        let keys: Vec<u64> = self.ask.iter().take(max).copied().collect();
        for key in &keys {
            self.ask.remove(key);
        }
        keys.into_iter().filter(|key| self.flight(*key).is_some()).collect()
    }

    /// Returns the first call to retransmit.
    pub(crate) fn next_retransmission(&mut self) -> Option<u64> {
        while let Some(key) = self.retransmits.first().copied() {
            if self.flight(key).is_some() {
                return Some(key);
            }
            self.retransmits.remove(&key);
        }
        None
    }

    /// Records that a call was retransmitted.
    pub(crate) fn retransmitted(&mut self, key: u64) {
        self.retransmits.remove(&key);
    }

    /// Forgets pending state requests and retransmissions, for a new session.
    pub(crate) fn forget_intentions(&mut self) {
        self.ask.clear();
        self.retransmits.clear();
    }

    fn enqueue(&mut self, priority: Priority, key: u64) {
        let queue = self.queue(priority);
        if let Err(position) = queue.binary_search(&key) {
            queue.insert(position, key);
        }
        self.blocked = false;
    }

    const fn queue(&mut self, priority: Priority) -> &mut VecDeque<u64> {
        let [high, normal, low] = &mut self.queues;
        match priority {
            Priority::High => high,
            Priority::Normal => normal,
            Priority::Low => low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::session::request::RequestId;

    fn call(options: RequestOptions) -> Call {
        Call {
            body: Body::Bytes(Vec::from([0; 4])),
            options,
            state: CallState::Queued,
            recoveries: 0,
            waits_for_end: false,
            before_binding: false,
        }
    }

    fn flight() -> Flight {
        Flight {
            label: Label { msg_id: MsgId::from_raw(4), seq_no: mtp_crypto::SeqNo::from_raw(1) },
            container: MsgId::from_raw(4),
            link: LinkId::new(1),
            written_at: Instant::default(),
            delivery: Delivery::Sent,
            checked_at: Instant::default(),
            wrapping: Wrapping::default(),
            carries_init: false,
            was_received: false,
            is_moved: false,
        }
    }

    #[test]
    fn calls_keep_their_order_when_written_and_requeued() {
        let mut calls = Calls::new();
        let keys: Vec<u64> =
            (0..4).map(|_| calls.insert(call(RequestOptions::new())).unwrap()).collect();
        let high = calls.insert(call(RequestOptions::new().priority(Priority::High))).unwrap();
        assert_eq!(calls.next(|_, _| true), Some(high));
        calls.written(high, flight());
        for key in &keys {
            calls.written(*key, flight());
        }
        assert_eq!((calls.next(|_, _| true), calls.in_flight()), (None, 5));
        calls.requeue(keys[2]);
        calls.requeue(keys[0]);
        calls.requeue(keys[0]);
        assert_eq!(calls.next(|_, _| true), Some(keys[0]));
        assert!(calls.remove(keys[0]).is_some());
        assert_eq!(calls.next(|_, _| true), Some(keys[2]));
        assert_eq!((calls.len(), calls.bytes(), calls.in_flight()), (4, 16, 3));
    }

    // spec: session 9
    #[test]
    fn dependent_calls_are_resent_together() {
        let mut calls = Calls::new();
        let first = calls.insert(call(RequestOptions::new())).unwrap();
        let mut after = first;
        for _ in 0..3 {
            let options = RequestOptions::new().after(RequestId::new(after));
            after = calls.insert(call(options)).unwrap();
        }
        let other = calls.insert(call(RequestOptions::new())).unwrap();
        for key in [first, after, other] {
            calls.written(key, flight());
        }
        // The two in the middle are not in flight: there is nothing to resend.
        assert_eq!(calls.with_dependents([first]), [first]);
        assert_eq!(calls.with_dependents([other]), [other]);
    }
}
