//! `mtp client --log-session` and `mtp replay`.

use crate::program::{Background, Folder, run};

const PHONE: &str = "9996612345";

#[test]
fn a_client_is_run_again() {
    let folder = Folder::new("replay");
    let log = record(&folder);
    let told = run(["replay", &log]).success();
    for part in [
        "link  0 is up, Stream",
        " made: permanent",
        " made: temporary",
        "call 1: help.getNearestDc, 4 bytes",
        "call 1 (help.getNearestDc) is answered: nearestDc, ",
        "call 2: auth.sendCode, ",
        "call 3 (account.getPassword) is answered: ",
        "plain packet of ",
        "encrypted packet of ",
        "the same run, byte for byte",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What the calls carried is not for those to whom a timeline is shown.
    assert!(!told.contains(PHONE), "{told}");
    let times: Vec<f64> =
        told.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "{told}");
    let all = run(["replay", "--all", &log]).success();
    assert!(all.lines().count() > told.lines().count());
}

#[test]
fn a_log_is_read_without_running_it() {
    let folder = Folder::new("replay-read");
    let log = record(&folder);
    let told = run(["replay", "--read-only", &log]).success();
    assert!(told.contains("request, 4 B") && told.contains("packet on link 0, "), "{told}");
    assert!(!told.contains("byte for byte"));
}

#[test]
fn what_is_wrong_with_a_log_is_said() {
    let folder = Folder::new("replay-wrong");
    let log = record(&folder);
    let bytes = std::fs::read(&log).unwrap();
    let cut = folder.write("cut", &bytes[..bytes.len() - 3]);
    assert!(run(["replay", &cut]).failure(1).contains("damaged log"));
    // Another packet than the one that came makes another run.
    let mut changed = bytes.clone();
    let at = changed.len() / 2;
    changed[at..at + 64].fill(0x55);
    let changed = folder.write("changed", &changed);
    run(["replay", &changed]).failure(1);
    let text = folder.write("text", "nothing of the kind");
    let error = run(["replay", &text]).failure(1);
    assert!(error.ends_with("not a client log of a known version"), "{error}");
    assert!(run(["replay", &folder.path("missing")]).failure(1).contains("cannot read"));
}

/// Records a client that makes some calls, the last one refused.
fn record(folder: &Folder) -> String {
    let (key, log) = (folder.path("key"), folder.path("log"));
    let public = format!("{key}.pub");
    run(["keygen", &key]).success();
    let mut server = Background::start(["server", "--listen", "127.0.0.1:0", "--rsa-key", &key]);
    let send_code = format!(
        r#"auth.sendCode={{"phone_number":"{PHONE}","api_id":1,"api_hash":"x","settings":{{"_":"codeSettings"}}}}"#
    );
    let client = ["client", "--connect", &server.address(), "--log-session", &log, "--api-id", "1"];
    let calls = ["help.getNearestDc", &send_code, "account.getPassword"];
    let calls = calls.iter().flat_map(|call| ["--call", call]);
    run(client.into_iter().chain(["--rsa-pub", &public]).chain(calls)).failure(5);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    }
    log
}
