//! `mtp demo`.

use std::net::TcpListener;

use crate::program::{mtp, run};

#[test]
fn every_transport_works() {
    let shown = run(["demo"]).success();
    for transport in [
        "abridged",
        "intermediate",
        "padded",
        "full",
        "obf-abridged",
        "obf-intermediate",
        "obf-padded",
        "http",
        "ws",
        "proxy-plain",
        "proxy-dd",
        "proxy-ee",
        "datagram",
    ] {
        let row = format!("  ok  {transport} ");
        assert!(shown.lines().any(|line| line.starts_with(&row)), "{transport}: {shown}");
    }
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ok  ")).count(), 13, "{shown}");
    assert!(shown.contains("all good, in "), "{shown}");
    for step in ["keys", "binding", "login", "file up", "file down", "update"] {
        assert!(shown.contains(step), "{step}: {shown}");
    }
}

#[test]
fn one_transport_is_chosen() {
    let shown = run(["demo", "--transport", "proxy-ee"]).success();
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ok  ")).count(), 1, "{shown}");
    assert!(!shown.contains('\u{1b}'), "color without a terminal: {shown:?}");
}

#[test]
fn steps_beyond_the_time_limit_fail() {
    let finished = run(["demo", "--timeout", "0", "--transport", "full", "--transport", "http"]);
    assert!(finished.stdout.contains("  no  full"), "{finished:?}");
    let code = finished.code;
    assert!(code == 3 || code == 4, "{finished:?}");
    let error = finished.failure(code);
    assert!(error.starts_with("error: 2 of 2 failed, the first full: "), "{error}");
    assert!(error.ends_with("not done within 0 s"), "{error}");
}

#[test]
fn port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = run(["demo", "--port", &port.to_string()]).failure(3);
    assert!(error.starts_with(&format!("error: cannot listen on 127.0.0.1:{port}: ")), "{error}");
}

#[test]
fn no_color_overrides_forced_color() {
    let demo = ["demo", "--transport", "abridged"];
    let shown = |no_color: bool| {
        let mut command = mtp(demo);
        command.env("CLICOLOR_FORCE", "1");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(shown(false).contains('\u{1b}'));
    assert!(!shown(true).contains('\u{1b}'));
}
