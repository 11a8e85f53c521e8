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
fn zero_connections_are_rejected() {
    let error = run(["bench", "--connections", "0"]).failure(1);
    assert_eq!(error, "error: --connections must not be 0");
}
