//! The scenarios of `vectors/account.json`.

use core::time::Duration;

use mtp_account::updates::{
    ChannelState, CommonState, MissingPeer, UpdateAnswer, UpdateCall, UpdateConfig,
    UpdateContainer, UpdateEventKind, UpdateFailure, UpdateItem, UpdateMachine, UpdatePlace,
    UpdateStart, UpdateState, UpdateToken,
};
use mtp_env::Instant;
use serde_json::Value;

fn number(value: &Value, key: &str) -> i32 {
    value[key].as_i64().map_or(0, |n| i32::try_from(n).unwrap())
}

fn common(value: &Value) -> CommonState {
    CommonState {
        pts: number(value, "pts"),
        qts: number(value, "qts"),
        seq: number(value, "seq"),
        date: number(value, "date"),
    }
}

struct Run {
    machine: UpdateMachine<String>,
    with_hash: Option<Vec<i64>>,
    outputs: Vec<String>,
    open: Vec<(UpdateToken, Option<i64>)>,
}

impl Run {
    fn item(&self, item: &Value) -> UpdateItem<String> {
        let channel = item["ch"].as_i64().unwrap_or(0);
        let (pts, count) = (number(item, "pts"), number(item, "n"));
        let place = match item["k"].as_str().unwrap() {
            "pts" => UpdatePlace::Common { pts, count },
            "qts" => UpdatePlace::Secondary { qts: number(item, "qts") },
            "ch" => UpdatePlace::Channel { channel, pts, count },
            "none" => UpdatePlace::Unordered,
            "ch_too_long" => UpdatePlace::ChannelTooLong {
                channel,
                pts: item["pts"].as_i64().map(|pts| i32::try_from(pts).unwrap()),
            },
            "pts_changed" => UpdatePlace::PtsChanged,
            "channel" => UpdatePlace::ChannelChanged { channel },
            other => panic!("{other}"),
        };
        let unknown = self.with_hash.as_ref().is_some_and(|known| !known.contains(&channel));
        let missing = if channel != 0 && unknown {
            MissingPeer::Channel
        } else if item["unknown_peer"].is_string() {
            MissingPeer::Named
        } else {
            MissingPeer::None
        };
        let id = item["id"].as_str().unwrap_or_default().to_owned();
        UpdateItem::new(place, id, 1).with_missing(missing)
    }

    fn items(&self, list: &Value) -> Vec<UpdateItem<String>> {
        list.as_array().into_iter().flatten().map(|item| self.item(item)).collect()
    }

    fn input(&mut self, input: &Value, now: Instant) {
        match input["c"].as_str().unwrap() {
            "updates" => {
                let items = self.items(&input["u"]);
                let container =
                    UpdateContainer::new(items, number(input, "seq"), number(input, "date"))
                        .with_seq_start(number(input, "seq_start"));
                self.machine.handle_updates(container, now);
            }
            "too_long" => self.machine.handle_too_long(now),
            "affected" => {
                let (pts, count) = (number(input, "pts"), number(input, "n"));
                self.machine.handle_affected(input["ch"].as_i64(), pts, count, now);
            }
            other => panic!("{other}"),
        }
    }

    fn answer(&mut self, answer: &Value, now: Instant) {
        let channel = answer["ch"].as_i64();
        let at = self.open.iter().position(|(_, of)| *of == channel).expect("a call is open");
        let token = self.open.remove(at).0;
        let strings = |key: &str| -> Vec<String> {
            let list = answer[key].as_array().into_iter().flatten();
            list.map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let mut messages = strings("messages");
        messages.extend(strings("encrypted"));
        let other = self.items(&answer["other"]);
        let last = answer["final"].as_bool().unwrap_or(false);
        let kind = answer["d"].as_str().unwrap();
        let answer = match kind {
            "error" | "ch_error" => {
                let failure = UpdateFailure::from_error(400, answer["text"].as_str().unwrap());
                self.machine.handle_error(token, failure, Duration::ZERO, now);
                return;
            }
            "empty" => {
                UpdateAnswer::Empty { date: number(answer, "date"), seq: number(answer, "seq") }
            }
            "difference" | "slice" => UpdateAnswer::Difference {
                messages,
                other,
                state: common(&answer["state"]),
                last: kind == "difference",
            },
            "too_long" => UpdateAnswer::TooLong { pts: number(answer, "pts") },
            "state" => UpdateAnswer::State(common(answer)),
            "ch" => UpdateAnswer::Channel { messages, other, pts: number(answer, "pts"), last },
            "ch_too_long" => {
                UpdateAnswer::ChannelTooLong { messages, pts: number(answer, "dialog_pts"), last }
            }
            other => panic!("{other}"),
        };
        self.machine.handle_answer(token, answer, now);
    }

    fn drain(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            match event.kind {
                UpdateEventKind::Items(items) => {
                    self.outputs.extend(items.into_iter().map(|id| format!("deliver {id}")));
                }
                UpdateEventKind::DifferenceTooLong => {
                    self.outputs.push("event DifferenceTooLong".to_owned());
                }
                UpdateEventKind::ChannelTooLong { channel } => {
                    self.outputs.push(format!("event ChannelTooLong {channel}"));
                }
                UpdateEventKind::ChannelLost { channel } => {
                    self.outputs.push(format!("event ChannelLost {channel}"));
                }
                _ => {}
            }
            self.machine.acknowledge(event.number);
        }
        while let Some((token, call)) = self.machine.poll_call() {
            let (of, text) = match call {
                UpdateCall::GetState => (None, "call getState".to_owned()),
                UpdateCall::GetDifference { pts, date, qts } => {
                    (None, format!("call getDifference pts={pts} date={date} qts={qts}"))
                }
                UpdateCall::GetChannelDifference { channel, pts, limit, .. } => {
                    let text = format!(
                        "call getChannelDifference channel={channel} pts={pts} limit={limit}"
                    );
                    (Some(channel), text)
                }
                other => panic!("{other:?}"),
            };
            self.outputs.push(text);
            self.open.push((token, of));
        }
    }
}

fn run(scenario: &Value) {
    let name = scenario["name"].as_str().unwrap();
    let initial = &scenario["initial"];
    let mut state = UpdateState::new(common(initial));
    for (id, pts) in initial["channels"].as_object().unwrap() {
        let pts = i32::try_from(pts.as_i64().unwrap()).unwrap();
        state.channels.insert(id.parse().unwrap(), ChannelState { pts, pending: false });
    }
    let mut config = UpdateConfig::default();
    config.bot = initial["bot"].as_bool().unwrap_or(false);
    let start = Instant::from_micros(0);
    let with_hash = initial["channels_with_hash"].as_array();
    let mut run = Run {
        machine: UpdateMachine::new(config, UpdateStart::InStep(state), start),
        with_hash: with_hash.map(|ids| ids.iter().filter_map(Value::as_i64).collect()),
        outputs: Vec::new(),
        open: Vec::new(),
    };
    for step in scenario["steps"].as_array().unwrap() {
        let now = Instant::from_micros(step["t"].as_u64().unwrap() * 1000);
        run.machine.handle_timeout(now);
        run.drain();
        if step["in"].is_object() {
            run.input(&step["in"], now);
        }
        if step["answer"].is_object() {
            run.answer(&step["answer"], now);
        }
        run.drain();
    }
    let expect = &scenario["expect"];
    let outputs: Vec<_> = expect["outputs"].as_array().unwrap().iter().collect();
    assert_eq!(run.outputs.iter().collect::<Vec<_>>(), outputs, "{name}");
    assert_eq!(run.machine.common_state(), common(&expect["state"]), "{name}");
    for (id, pts) in expect["state"]["channels"].as_object().unwrap() {
        let found = run.machine.channel_pts(id.parse().unwrap()).map(i64::from);
        assert_eq!(found, pts.as_i64(), "{name}");
    }
    assert_eq!(run.machine.stored_state().common, run.machine.common_state(), "{name}");
}

#[test]
fn scenarios_give_the_expected_outputs_and_states() {
    let text = include_str!("../../../../vectors/account.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let scenarios = vectors["updates"]["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 55);
    scenarios.iter().for_each(run);
}
