//! A rule that is broken on purpose is noticed by each search for costs.
//!
//! Method: an index or a limit is taken away, and the committed inputs and mutations of them run until the target fails. The
//! same input passes with the rule in place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use mtp_fuzz::{Target, cost};
use mtp_session::session::Mutation;

/// Runs inputs of a target with a broken rule until one fails.
#[track_caller]
fn is_noticed(name: &str, broken: Target, whole: Target) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    for (count, input) in corpus.iter().enumerate() {
        if catch_unwind(|| broken(input)).is_err() {
            println!("{name}: noticed by input {} of {}", count + 1, corpus.len());
            whole(input);
            let largest = cost::largest(name).unwrap();
            assert!(largest.allocated > 0, "{largest}");
            return;
        }
    }
    panic!("not noticed by {} inputs", corpus.len());
}

#[test]
fn missing_index_is_noticed_in_a_session() {
    is_noticed(
        "cost_session",
        |data| {
            cost::cost_session_with(data, |config| {
                config.broken = Some(Mutation::WaitersSearched);
            });
        },
        cost::cost_session,
    );
}

#[test]
fn missing_index_is_noticed_in_a_server_of_many() {
    is_noticed(
        "cost_server",
        |data| {
            cost::cost_server_with(data, |config| config.broken = Some(Mutation::WaitersSearched));
        },
        cost::cost_server,
    );
}

#[test]
fn missing_index_is_noticed_in_a_data_center() {
    is_noticed(
        "cost_center",
        |data| {
            cost::cost_center_with(data, |config| config.broken = Some(Mutation::WaitersSearched));
        },
        cost::cost_center,
    );
}

#[test]
fn missing_index_is_noticed_in_a_client() {
    is_noticed(
        "cost_client",
        |data| cost::cost_client_with(data, |config| config.broken = Some(Mutation::SentSearched)),
        cost::cost_client,
    );
}

/// A relay has no index; its buffers lose their limit instead.
#[test]
fn missing_limit_is_noticed_in_a_relay() {
    is_noticed(
        "cost_relay",
        |data| cost::cost_relay_with(data, |config| config.buffer_len_max = usize::MAX),
        cost::cost_relay,
    );
}
