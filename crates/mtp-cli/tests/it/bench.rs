//! `mtp bench`.

use crate::program::run;

#[test]
fn every_row_is_measured() {
    let shown = run(["bench", "--seconds", "0.1", "--connections", "1,30"]).success();
    for row in [
        "key exchanges",
        "calls over 1 connection ",
        "calls over 30 connections ",
        "download, by the megabyte ",
        "resident memory of a connection, among 30: ",
    ] {
        let found = shown.lines().find(|line| line.trim_start().starts_with(row));
        let found = found.unwrap_or_else(|| panic!("{row}: {shown}"));
        assert!(found.chars().any(|char| ('1'..='9').contains(&char)), "{found}");
    }
    assert!(!shown.contains('\u{1b}'), "color without a terminal: {shown:?}");
}

#[test]
fn attacks_leave_an_honest_client_served_and_memory_bounded() {
    let shown = run(["bench", "--attack", "--quick"]).success();
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains(" MiB ")).collect();
    assert_eq!(rows.len(), 4, "{shown}");
    assert!(rows.iter().all(|row| row.trim_end().ends_with("ok")), "{shown}");
    assert!(shown.contains("the limits of memory held"), "{shown}");
}

#[test]
fn attacks_are_chosen_by_their_description() {
    let shown = run(["bench", "--attack", "--quick", "--only", "600 ids"]).success();
    assert_eq!(shown.lines().filter(|line| line.contains(" MiB ")).count(), 1, "{shown}");
    let error = run(["bench", "--attack", "--only", "nothing"]).failure(2);
    assert_eq!(error, "error: no attack is called nothing");
}

#[test]
fn zero_connections_are_rejected() {
    let error = run(["bench", "--connections", "0"]).failure(1);
    assert_eq!(error, "error: --connections must not be 0");
}
