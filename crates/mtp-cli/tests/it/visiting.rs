//! `mtp client` against servers, files and names that are not as they should be.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use crate::program::{Background, Folder, mtp, run, run_with_input};

const KEY: &str = "1234567890abcdef1234567890abcdef";
const CALL: [&str; 2] = ["--call", "help.getNearestDc"];

/// Answers each packet of plain abridged or intermediate framing with a transport error.
fn refusing_server(code: i32) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            // The opening of intermediate framing, and something of a packet.
            let mut received = [0; 64];
            if socket.read(&mut received).is_ok() {
                let mut answer = 4_i32.to_le_bytes().to_vec();
                answer.extend(code.to_le_bytes());
                // The client may have left.
                let _ = socket.write_all(&answer);
            }
        }
    });
    address
}

fn keygen(folder: &Folder) -> String {
    run(["keygen", &folder.path("key")]).success();
    folder.path("key.pub")
}

#[test]
fn client_goes_on_after_lost_connections() {
    let folder = Folder::new("goes-on");
    let key = keygen(&folder);
    let private = folder.path("key");
    let mut server =
        Background::start(["server", "--listen", "127.0.0.1:0", "--rsa-key", &private]);
    let upstream = server.address();
    // The first two connections are closed without a word, later ones are carried.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let client = socket.unwrap();
            if number >= 2 {
                carry(client, std::net::TcpStream::connect(&upstream).unwrap());
            }
        }
    });
    let client = ["client", "--connect", &address, "--rsa-pub", &key];
    let finished = run(client.iter().chain(&CALL));
    assert!(finished.stderr.contains("disconnected: "), "{finished:?}");
    assert!(finished.success().contains("nearestDc"));
}

/// Copies bytes both ways on threads of their own.
fn carry(client: std::net::TcpStream, server: std::net::TcpStream) {
    for (mut from, mut to) in
        [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
    {
        thread::spawn(move || {
            // The end of one side is the end of the other.
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
    }
}

#[test]
fn transport_errors_are_named_when_time_is_up() {
    let folder = Folder::new("transport-error");
    let key = keygen(&folder);
    for code in [-429, -404] {
        let address = refusing_server(code);
        let client = ["client", "--connect", &address, "--rsa-pub", &key, "--timeout", "1"];
        let finished = run(client.iter().chain(&CALL));
        let error = finished.stderr.lines().last().unwrap_or_default();
        assert!(matches!(finished.code, 3 | 4), "{finished:?}");
        assert!(error.contains(&code.to_string()), "{finished:?}");
    }
}

#[test]
fn forgotten_key_ends_the_client_at_once() {
    let folder = Folder::new("forgotten");
    let (key, private, session) = (keygen(&folder), folder.path("key"), folder.path("session"));
    let serve = ["server", "--listen", "127.0.0.1:0", "--rsa-key", &private];
    // Without --data the second server does not know the keys of the first.
    for (round, expected) in [0, 4].into_iter().enumerate() {
        let mut server = Background::start(serve);
        let address = server.address();
        let client = ["client", "--connect", &address, "--rsa-pub", &key, "--session", &session];
        // Much longer than it takes.
        let finished = run(client.iter().chain(&["--timeout", "600"]).chain(&CALL));
        assert_eq!(finished.code, expected, "{finished:?}");
        if round == 1 {
            let error = finished.failure(4);
            assert!(error.contains("does not know the key of the session"), "{error}");
        }
    }
}

#[test]
fn unknown_names_are_no_connection_and_are_named() {
    let folder = Folder::new("unknown-name");
    let key = keygen(&folder);
    for target in [
        &["--connect", "no-such-name.invalid:443"][..],
        &["--proxy", "no-such-name.invalid:443", "--secret", KEY],
    ] {
        let client = ["client", "--rsa-pub", &key, "--timeout", "5"];
        let error = run(client.iter().chain(target).chain(&CALL)).failure(3);
        assert!(error.contains("cannot resolve no-such-name.invalid:443"), "{error}");
    }
    let client = ["client", "--rsa-pub", &key, "--connect", "127.0.0.1"];
    let error = run(client.iter().chain(&CALL)).failure(1);
    assert!(error.contains("127.0.0.1 is not an address with a port"), "{error}");
}

#[test]
fn service_functions_are_refused_at_once() {
    let folder = Folder::new("service-calls");
    let key = keygen(&folder);
    // Nobody is asked.
    let client = ["client", "--connect", "127.0.0.1:1", "--rsa-pub", &key, "--call"];
    for call in [
        r#"ping={"ping_id":5}"#,
        r#"ping_delay_disconnect={"ping_id":5,"disconnect_delay":5}"#,
        r#"get_future_salts={"num":2}"#,
        r#"destroy_session={"session_id":5}"#,
        r#"rpc_drop_answer={"req_msg_id":5}"#,
        "destroy_auth_key",
    ] {
        let error = run(client.iter().chain(&[call])).failure(1);
        assert!(error.contains("is a service function"), "{error}");
    }
    let error = run(client.iter().chain(&[r#"msgs_ack={"msg_ids":[5]}"#])).failure(1);
    assert!(error.contains("no method msgs_ack"), "{error}");
}

#[cfg(unix)]
#[test]
fn session_files_that_are_no_files_are_refused_before_anything_is_sent() {
    let folder = Folder::new("odd-sessions");
    let key = keygen(&folder);
    let fifo = folder.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let link = folder.path("link");
    std::os::unix::fs::symlink(folder.path("elsewhere"), &link).unwrap();
    let here = folder.path("");
    let missing = folder.path("no-folder/session");
    for path in ["/dev/zero", &fifo, &here, &link, &missing] {
        for option in ["--session", "--log-session"] {
            // Nobody listens there: the path is what is wrong first.
            let client = ["client", "--connect", "127.0.0.1:1", "--rsa-pub", &key, option, path];
            let error = run(client.iter().chain(&CALL)).failure(1);
            let expected = format!("error: {option} {path}: ");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
    assert!(!std::fs::exists(folder.path("elsewhere")).unwrap(), "links are not followed");
}

#[cfg(unix)]
#[test]
fn session_and_log_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("private");
    let key = keygen(&folder);
    let private = folder.path("key");
    let mut server =
        Background::start(["server", "--listen", "127.0.0.1:0", "--rsa-key", &private]);
    let address = server.address();
    let (session, log) = (folder.path("session"), folder.write("log", "old"));
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o644)).unwrap();
    let client = ["client", "--connect", &address, "--rsa-pub", &key];
    let files = ["--session", &session, "--log-session", &log];
    for _ in 0..2 {
        run(client.iter().chain(&files).chain(&CALL)).success();
        for file in [&session, &log] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        std::fs::set_permissions(&session, std::fs::Permissions::from_mode(0o666)).unwrap();
    }
}

#[test]
fn secrets_need_no_arguments() {
    let folder = Folder::new("secret-sources");
    let key = keygen(&folder);
    let private = folder.path("key");
    let mut server =
        Background::start(["server", "--listen", "127.0.0.1:0", "--rsa-key", &private]);
    let upstream = format!("2={}", server.address());
    let proxy = ["proxy", "--listen", "127.0.0.1:0", "--secret", KEY, "--dc", &upstream];
    let mut proxy = Background::start(proxy);
    let address = proxy.address();
    let check = |answer: String| {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["_"], "nearestDc");
    };
    let file = folder.write("secret", format!("{KEY}\n"));
    let client = ["client", "--rsa-pub", &key, "--proxy", &address];
    check(run(client.iter().chain(&["--secret-file", &file]).chain(&CALL)).success());
    let input = format!("{KEY}\n");
    let piped =
        run_with_input(client.iter().chain(&["--secret", "-"]).chain(&CALL), input.as_bytes());
    check(piped.success());
    let output = mtp(client.iter().chain(&CALL)).env("MTP_SECRET", KEY).output().unwrap();
    check(String::from_utf8(output.stdout).unwrap());
    let error = run(client.iter().chain(&CALL)).failure(2);
    assert!(error.contains("--secret-file"), "{error}");

    let (host, port) = address.split_once(':').unwrap();
    let link = format!("tg://proxy?server={host}&port={port}&secret={KEY}");
    let file = folder.write("link", format!("{link}\n"));
    let client = ["client", "--rsa-pub", &key];
    check(run(client.iter().chain(&["--proxy-link-file", &file]).chain(&CALL)).success());
    let piped = client.iter().chain(&["--proxy-link", "-"]).chain(&CALL);
    check(run_with_input(piped, link.as_bytes()).success());
}

#[test]
fn passwords_need_no_arguments() {
    let folder = Folder::new("password-sources");
    let key = keygen(&folder);
    let private = folder.path("key");
    let mut server =
        Background::start(["server", "--listen", "127.0.0.1:0", "--rsa-key", &private]);
    let (address, session) = (server.address(), folder.path("session"));
    let client = ["client", "--connect", &address, "--rsa-pub", &key, "--session", &session];
    let file = folder.write("password", "correct horse\n");
    run(client.iter().chain(&["--password-file", &file]).chain(&CALL)).success();
    let piped = client.iter().chain(&["--password", "-"]).chain(&CALL);
    run_with_input(piped, b"correct horse\n").success();
    let variable = |password: &str| {
        let mut command = mtp(client.iter().chain(&CALL));
        command.env("MTP_SESSION_PASSWORD", password).output().unwrap().status.code()
    };
    assert_eq!(variable("correct horse"), Some(0));
    assert_eq!(variable("wrong"), Some(4));
}
