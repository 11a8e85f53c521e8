//! Limits of the update machine, at each limit and one above.

use core::time::Duration;

use mtp_account::updates::{
    ChannelState, CommonState, UpdateAnswer, UpdateCall, UpdateConfig, UpdateContainer,
    UpdateEventKind, UpdateFailure, UpdateItem, UpdateMachine, UpdatePlace, UpdateStart,
    UpdateState,
};
use mtp_env::Instant;

const STATE: CommonState = CommonState { pts: 100, qts: 10, seq: 5, date: 1000 };

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn machine(config: UpdateConfig) -> UpdateMachine<u32> {
    UpdateMachine::new(config, UpdateStart::InStep(UpdateState::new(STATE)), at(0))
}

fn push(machine: &mut UpdateMachine<u32>, place: UpdatePlace, size: usize) {
    let container = UpdateContainer::new(vec![UpdateItem::new(place, 0, size)], 0, 0);
    machine.handle_updates(container, at(0));
}

/// Pushes `count` updates behind a gap, and returns whether they were dropped for a fetch.
fn overflows(config: &UpdateConfig, count: i32, size: usize) -> bool {
    let mut machine = machine(config.clone());
    for n in 0..count {
        push(&mut machine, UpdatePlace::Common { pts: 102 + n, count: 1 }, size);
    }
    machine.poll_call().is_some()
}

#[test]
fn kept_updates_are_bounded_in_number_and_bytes() {
    let config = UpdateConfig::default();
    assert!(!overflows(&config, 1000, 1));
    assert!(overflows(&config, 1001, 1));
    assert!(!overflows(&config, 8, 1 << 20));
    assert!(overflows(&config, 8, (1 << 20) + 1));
    let mut machine = machine(config);
    for n in 0..1000 {
        let items = vec![UpdateItem::new(UpdatePlace::Unordered, 0, 1)];
        machine.handle_updates(UpdateContainer::new(items, 7 + n, 0), at(0));
    }
    assert!(machine.poll_call().is_none());
    let items = vec![UpdateItem::new(UpdatePlace::Unordered, 0, 1)];
    machine.handle_updates(UpdateContainer::new(items, 2000, 0), at(0));
    assert!(machine.poll_call().is_some());
}

#[test]
fn kept_updates_of_a_channel_are_bounded() {
    let mut machine = machine(UpdateConfig::default());
    push(&mut machine, UpdatePlace::Channel { channel: 7, pts: 50, count: 1 }, 1);
    for n in 0..1000 {
        push(&mut machine, UpdatePlace::Channel { channel: 7, pts: 52 + n, count: 1 }, 1);
    }
    assert!(machine.poll_call().is_none());
    push(&mut machine, UpdatePlace::Channel { channel: 7, pts: 1052, count: 1 }, 1);
    assert!(matches!(machine.poll_call(), Some((_, UpdateCall::GetChannelDifference { .. }))));
}

#[test]
fn channels_are_bounded_and_the_oldest_is_put_out() {
    let mut config = UpdateConfig::default();
    config.channels_max = 3;
    let mut machine = machine(config);
    for channel in [4, 2, 9] {
        push(&mut machine, UpdatePlace::Channel { channel, pts: 50, count: 1 }, 1);
    }
    assert_eq!(machine.channels().collect::<Vec<_>>(), [2, 4, 9]);
    push(&mut machine, UpdatePlace::Channel { channel: 4, pts: 51, count: 1 }, 1);
    push(&mut machine, UpdatePlace::Channel { channel: 5, pts: 50, count: 1 }, 1);
    assert_eq!(machine.channels().collect::<Vec<_>>(), [4, 5, 9]);
    let evicted = core::iter::from_fn(|| machine.poll_event())
        .any(|event| event.kind == UpdateEventKind::ChannelEvicted { channel: 2, pts: 50 });
    assert!(evicted);
}

#[test]
fn fetches_of_channels_are_bounded() {
    let mut machine = machine(UpdateConfig::default());
    for channel in 1..=11 {
        push(&mut machine, UpdatePlace::ChannelTooLong { channel, pts: None }, 1);
    }
    let calls: Vec<_> = core::iter::from_fn(|| machine.poll_call()).collect();
    assert_eq!(calls.len(), 10);
    let answer = UpdateAnswer::Channel { messages: vec![], other: vec![], pts: 5, last: true };
    machine.handle_answer(calls[0].0, answer, at(1));
    assert_eq!(core::iter::from_fn(|| machine.poll_call()).count(), 1);
}

#[test]
fn waits_after_failures_double_up_to_the_limit() {
    let mut machine = machine(UpdateConfig::default());
    machine.handle_too_long(at(0));
    let mut now = 0;
    for wait in [1, 2, 4, 8, 16, 32, 63, 63] {
        let (token, _) = machine.poll_call().unwrap();
        let jitter = Duration::from_secs(3);
        machine.handle_error(token, UpdateFailure::Later, jitter, at(now));
        assert_eq!(machine.poll_timeout(), Some(at(now + wait * 1000)));
        now += wait * 1000;
        machine.handle_timeout(at(now - 1));
        assert!(machine.poll_call().is_none());
        machine.handle_timeout(at(now));
    }
}

#[test]
fn demanded_waits_are_clamped() {
    for (secs, wait) in [(0, 1), (7, 7), (1_209_600, 1_209_600), (1_209_601, 1_209_600)] {
        let mut machine = machine(UpdateConfig::default());
        machine.handle_too_long(at(0));
        let (token, _) = machine.poll_call().unwrap();
        machine.handle_error(token, UpdateFailure::Wait { secs }, Duration::ZERO, at(0));
        assert_eq!(machine.poll_timeout(), Some(at(wait * 1000)));
    }
}

#[test]
fn slices_that_move_nothing_are_slowed_down() {
    let mut machine = machine(UpdateConfig::default());
    machine.handle_too_long(at(0));
    for left in (0..3).rev() {
        let (token, _) = machine.poll_call().unwrap();
        let (messages, other) = (vec![1], vec![]);
        let slice = UpdateAnswer::Difference { messages, other, state: STATE, last: false };
        machine.handle_answer(token, slice, at(0));
        let wait = if left == 0 { 1000 } else { 0 };
        assert_eq!(machine.poll_timeout(), Some(at(wait)));
    }
    assert!(machine.poll_call().is_none());
}

#[test]
fn extreme_values_neither_panic_nor_move_the_state() {
    let mut machine = machine(UpdateConfig::default());
    for pts in [i32::MIN, -1, 0, 1, i32::MAX] {
        for count in [i32::MIN, -1, 0, 1, i32::MAX] {
            push(&mut machine, UpdatePlace::Common { pts, count }, usize::MAX);
            push(&mut machine, UpdatePlace::Channel { channel: 7, pts, count }, usize::MAX);
            push(&mut machine, UpdatePlace::Secondary { qts: pts }, usize::MAX);
            machine.handle_affected(None, pts, count, at(0));
            let container = UpdateContainer::new(vec![], pts, count).with_seq_start(count);
            machine.handle_updates(container, at(0));
        }
    }
    assert_eq!(machine.common_state(), STATE);
}

#[test]
fn a_channel_that_is_pending_is_fetched_after_a_restart() {
    let mut state = UpdateState::new(STATE);
    state.channels.insert(7, ChannelState { pts: 50, pending: false });
    let mut machine =
        UpdateMachine::new(UpdateConfig::default(), UpdateStart::InStep(state), at(0));
    push(&mut machine, UpdatePlace::Channel { channel: 7, pts: 52, count: 1 }, 1);
    let stored = machine.stored_state().clone();
    assert_eq!(stored.channels[&7], ChannelState { pts: 50, pending: true });
    let mut machine =
        UpdateMachine::<u32>::new(UpdateConfig::default(), UpdateStart::CatchUp(stored), at(0));
    let (token, call) = machine.poll_call().unwrap();
    assert_eq!(call, UpdateCall::GetDifference { pts: 100, date: 1000, qts: 10 });
    machine.handle_answer(token, UpdateAnswer::Empty { date: 1000, seq: 5 }, at(1));
    let call = machine.poll_call().map(|(_, call)| call);
    let expected =
        UpdateCall::GetChannelDifference { channel: 7, pts: 50, limit: 100, force: true };
    assert_eq!(call, Some(expected));
}
