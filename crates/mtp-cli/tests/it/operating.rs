//! Operating `mtp server` and `mtp proxy`: signals, limits, balancers, logs.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use mtp_crypto::DcId;
use mtp_crypto::exchange::RsaPublicKey;
use mtp_session::client::ClientConfig;
use mtp_tokio::{Client, ClientOptions};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;

use crate::program::{Background, Folder, mtp, run};

const KEY: &str = "1234567890abcdef1234567890abcdef";

/// Starts a server with a key of its own on a free port.
fn server(folder: &Folder, options: &[&str]) -> Background {
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let serve = ["server", "--listen", "127.0.0.1:0", "--rsa-key", &key];
    Background::start(serve.iter().chain(options))
}

/// Makes a call to a server.
fn call(folder: &Folder, address: &str) {
    let key = folder.path("key.pub");
    let client = ["client", "--connect", address, "--rsa-pub", &key, "--timeout", "10"];
    run(client.iter().chain(&["--call", "help.getNearestDc"])).success();
}

/// Returns `true` if the peer closed the connection without an answer.
fn is_closed(mut socket: TcpStream) -> bool {
    // A reset is an end as well.
    socket.read(&mut [0]).map_or(true, |len| len == 0)
}

#[test]
fn server_ends_in_order_at_sigterm_and_sigint() {
    let folder = Folder::new("stop-server");
    for signal in ["TERM", "INT"] {
        let mut server = server(&folder, &[]);
        // An idle client does not hold it up.
        let client = TcpStream::connect(server.address()).unwrap();
        std::fs::remove_file(folder.path("key")).unwrap();
        std::fs::remove_file(folder.path("key.pub")).unwrap();
        server.signal(signal);
        server.wait_for("stopping: ");
        server.wait_for("stopped");
        assert_eq!(server.end(), 0, "{signal}");
        assert!(is_closed(client));
    }
}

#[test]
fn proxy_ends_in_order_at_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let mut proxy = proxy(&["--secret", KEY]);
        let _client = TcpStream::connect(proxy.address()).unwrap();
        proxy.signal(signal);
        proxy.wait_for("stopping: ");
        proxy.wait_for("refused: ");
        assert_eq!(proxy.end(), 0, "{signal}");
    }
}

fn proxy(options: &[&str]) -> Background {
    let proxy = ["proxy", "--listen", "127.0.0.1:0", "--dc", "2=127.0.0.1:1"];
    Background::start(proxy.iter().chain(options))
}

#[test]
fn connections_are_cut_off_at_the_time_limit() {
    let folder = Folder::new("stop-timeout");
    let mut server = server(&folder, &["--stop-timeout", "0"]);
    server.address();
    server.signal("TERM");
    server.wait_for("stopped");
    assert_eq!(server.end(), 0);
    let wrong = run(["server", "--rsa-key", &folder.path("key"), "--stop-timeout", "-1"]);
    assert_ne!(wrong.code, 0);
}

#[test]
fn sighup_reads_the_settings_again_and_never_ends() {
    let folder = Folder::new("reload");
    let settings = folder.write("settings", "log = little\n");
    let mut server = server(&folder, &["--settings", &settings]);
    let address = server.address();
    folder.write("settings", "log = all\n");
    server.signal("HUP");
    server.wait_for("was read again");
    call(&folder, &address);
    server.wait_for("created: permanent");
    folder.write("settings", "log = loud\n");
    server.signal("HUP");
    let line = server.wait_for("the settings stay as they are");
    assert!(line.ends_with("line 1: unknown level loud"), "{line}");
    call(&folder, &address);
    server.wait_for("created: permanent");
    server.signal("TERM");
    assert_eq!(server.end(), 0);
}

#[test]
fn sighup_without_settings_has_no_effect() {
    let folder = Folder::new("hang-up");
    let mut server = server(&folder, &[]);
    let address = server.address();
    server.signal("HUP");
    server.wait_for("nothing to read again");
    call(&folder, &address);
    let mut proxy = proxy(&["--secret", KEY]);
    proxy.address();
    proxy.signal("HUP");
    proxy.wait_for("nothing to read again");
    proxy.signal("TERM");
    assert_eq!(proxy.end(), 0);
}

#[test]
fn settings_are_checked_at_the_start() {
    let folder = Folder::new("settings");
    let (key, settings) = (folder.path("key"), folder.write("settings", "\nport = 1\n"));
    run(["keygen", &key]).success();
    let error = run(["server", "--rsa-key", &key, "--settings", &settings]).failure(1);
    assert!(error.ends_with("line 2: unknown setting port"), "{error}");
}

#[test]
fn the_soft_limit_of_descriptors_is_raised() {
    let folder = Folder::new("descriptors");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let mut server = Background::of(limited(
        "ulimit -Sn 40",
        &["server", "--listen", "127.0.0.1:0", "--rsa-key", &key],
    ));
    let line = server.wait_for("at most ");
    assert!(line.contains(" descriptors"), "{line}");
    let address = server.address();
    let held: Vec<_> = (0..60).map(|_| TcpStream::connect(&address).unwrap()).collect();
    call(&folder, &address);
    drop(held);
}

#[test]
fn connections_are_limited_by_the_hard_limit_of_descriptors() {
    let folder = Folder::new("hard-limit");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let mut server = Background::of(limited(
        "ulimit -n 100",
        &["server", "--listen", "127.0.0.1:0", "--rsa-key", &key],
    ));
    server.wait_for("at most 36 connections instead of 65536: the hard limit is 100 descriptors");
    let mut proxy = Background::of(limited(
        "ulimit -n 100",
        &["proxy", "--listen", "127.0.0.1:0", "--secret", KEY, "--dc", "2=127.0.0.1:1"],
    ));
    proxy.wait_for("at most 18 connections instead of 16384");
    // New connections displace those that stay silent, after a grace period of 5 s. The client tries again
    // often enough to be served within its 10 s.
    let address = server.address();
    let held: Vec<_> = (0..120).map(|_| TcpStream::connect(&address).unwrap()).collect();
    call(&folder, &address);
    drop(held);
}

/// Runs the program under limits of a shell.
fn limited(limits: &str, arguments: &[&str]) -> Command {
    let program = mtp(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$@\""), "limits"]);
    command.arg(program.get_program()).args(program.get_args());
    command
}

#[test]
fn connections_above_the_limit_are_refused_with_a_line() {
    let folder = Folder::new("full");
    let mut server = server(&folder, &["--max-connections", "1"]);
    let address = server.address();
    let public = std::fs::read(folder.path("key.pub")).unwrap();
    let config = ClientConfig::new(DcId::new(2), [RsaPublicKey::from_pem(&public).unwrap()].into());
    let options = ClientOptions::new(&*address, Stack::Plain(Framing::Abridged), config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // The only place is taken by a client that has proved its key: it is not displaced.
    let (client, _notices) = runtime.block_on(async {
        let (client, notices) = Client::start(options);
        client.ready().await.unwrap();
        (client, notices)
    });
    assert!(is_closed(TcpStream::connect(&address).unwrap()));
    let line = server.wait_for("not accepted");
    assert!(line.ends_with("the limit of links is reached"), "{line}");
    runtime.block_on(client.close());
    // With the place free again, it goes on accepting.
    call(&folder, &address);
    let none = run(["server", "--rsa-key", &folder.path("key"), "--max-connections", "0"]);
    assert!(none.failure(2).contains("--max-connections"));
}

#[test]
fn balancers_say_where_connections_come_from() {
    let folder = Folder::new("balancer");
    let trusted = ["--proxy-protocol", "--trusted-network", "127.0.0.0/8", "--log", "all"];
    let mut server = server(&folder, &trusted);
    let address = server.address();
    let v1 = b"PROXY TCP4 203.0.113.7 127.0.0.1 50000 443\r\n".to_vec();
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([203, 0, 113, 7, 127, 0, 0, 1, 0xc3, 0x50, 1, 0xbb]);
    for header in [v1, v2] {
        // In pieces, with the client's first bytes behind it.
        let mut socket = TcpStream::connect(&address).unwrap();
        let (first, rest) = header.split_at(9);
        socket.write_all(first).unwrap();
        socket.write_all(rest).unwrap();
        socket.write_all(&[0xef, 10]).unwrap();
        socket.write_all(&[0x11; 40]).unwrap();
        let line = server.wait_for("refused");
        assert!(line.contains("unknown key 1111111111111111"), "{line}");
    }
    // Without a header nobody is served.
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(&[0xef, 10]).unwrap();
    let line = server.wait_for("refused");
    assert!(line.contains("connection from 127.0.0.1:"), "{line}");
    assert!(is_closed(socket));
}

#[test]
fn addresses_of_balancers_are_what_admission_sees() {
    let folder = Folder::new("balanced-limits");
    let trusted = ["--proxy-protocol", "--trusted-network", "127.0.0.1"];
    let mut server = server(&folder, &trusted);
    let address = server.address();
    let connect = |client: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        let header = format!("PROXY TCP4 {client} 127.0.0.1 50000 443\r\n");
        socket.write_all(header.as_bytes()).unwrap();
        socket
    };
    // More unproven links than one address may have.
    let held: Vec<_> = (0..300).map(|_| connect("203.0.113.7")).collect();
    let line = server.wait_for("not accepted");
    assert!(line.contains("203.0.113.7"), "{line}");
    let mut other = connect("203.0.113.8");
    other.write_all(&[0xef, 10]).unwrap();
    other.write_all(&[0x11; 40]).unwrap();
    // The transport error for an unknown key: the client was admitted.
    let mut answer = [0; 5];
    other.read_exact(&mut answer).unwrap();
    assert_eq!(answer[1..], (-404_i32).to_le_bytes());
    drop(held);
}

#[test]
fn connections_beside_the_balancer_are_refused() {
    let folder = Folder::new("untrusted");
    let settings = folder.write("settings", "");
    let options =
        ["--proxy-protocol", "--trusted-network", "192.0.2.0/24", "--settings", &settings];
    let mut server = server(&folder, &options);
    let address = server.address();
    let socket = TcpStream::connect(&address).unwrap();
    let line = server.wait_for("not a trusted network");
    assert!(line.contains("127.0.0.1:"), "{line}");
    assert!(is_closed(socket));
    // The networks are read again, too.
    folder.write("settings", "trusted-network = 127.0.0.0/8\n");
    server.signal("HUP");
    server.wait_for("was read again");
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let line = server.wait_for("refused");
    assert!(!line.contains("trusted"), "{line}");
}

#[test]
fn balancers_need_a_network() {
    let folder = Folder::new("no-network");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    assert_eq!(run(["server", "--rsa-key", &key, "--proxy-protocol"]).code, 2);
    let alone = ["server", "--rsa-key", &key, "--trusted-network", "127.0.0.1"];
    assert_eq!(run(alone).code, 2);
    let wrong = ["--proxy-protocol", "--trusted-network", "127.0.0.1/33"];
    assert_eq!(run(["server", "--rsa-key", &key].iter().chain(&wrong)).code, 2);
}

#[test]
fn refused_calls_and_connections_are_logged_and_greetings_are_not() {
    let folder = Folder::new("traces");
    let schema = folder.write("own.tl", "---functions---\nnoSuch.method#01020304 = Bool;\n");
    let mut server = server(&folder, &[]);
    let (address, key) = (server.address(), folder.path("key.pub"));
    call(&folder, &address);
    let client = ["client", "--connect", &address, "--rsa-pub", &key, "--schema", &schema];
    let error = run(client.iter().chain(&["--call", "noSuch.method"])).failure(5);
    assert!(error.contains("INPUT_METHOD_INVALID"), "{error}");
    let line = server.wait_for("INPUT_METHOD_INVALID");
    assert!(line.contains("#01020304"), "{line}");
    // One address may have 256 connections without a proof.
    let held: Vec<_> = (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let line = server.wait_for("not accepted");
    assert!(line.contains("127.0.0.1"), "{line}");
    drop(held);
    let log = server.log().join("\n");
    assert!(!log.contains("code 48") && !log.contains("created"), "{log}");
}

#[test]
fn limits_for_each_address_can_be_switched_off() {
    let folder = Folder::new("no-address-limits");
    let mut server = server(&folder, &["--no-address-limits"]);
    let address = server.address();
    let held: Vec<_> = (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    call(&folder, &address);
    server.signal("TERM");
    assert_eq!(server.end(), 0);
    assert!(!server.log().iter().any(|line| line.contains("not accepted")));
    drop(held);
}

#[test]
fn proxies_read_secrets_from_files_the_environment_and_the_standard_input() {
    let folder = Folder::new("proxy-secrets");
    let file = folder.write("secrets", format!("# ours\nfirst={KEY}\n\ndd{KEY}\n"));
    let mut proxy = proxy(&["--secret-file", &file]);
    proxy.address();
    proxy.signal("TERM");
    proxy.wait_for("first: 0 clients");
    proxy.wait_for("secret 2: 0 clients");
    let proxy = ["proxy", "--listen", "127.0.0.1:0", "--dc", "2=127.0.0.1:1"];
    let mut command = mtp(proxy);
    command.env("MTP_SECRET", format!("named={KEY}"));
    let mut proxy = Background::of(command);
    proxy.address();
    proxy.signal("TERM");
    proxy.wait_for("named: 0 clients");
    let missing = run(["proxy", "--listen", "127.0.0.1:0", "--dc", "2=127.0.0.1:1"]);
    assert!(missing.failure(2).contains("no secret"));
    let wrong = folder.write("wrong", format!("{KEY}\nname={KEY}00\n"));
    let error = run(["proxy", "--dc", "2=127.0.0.1:1", "--secret-file", &wrong]).failure(1);
    assert!(error.contains("secret 2") && !error.contains(KEY), "{error}");
}

#[test]
fn fronts_that_cannot_work_are_refused_at_the_start() {
    for front in ["", "example.org", "https://example.org:443/", "example.org:99999", ":443"] {
        let proxy = ["proxy", "--secret", KEY, "--dc", "2=127.0.0.1:1", "--front", front];
        assert_eq!(run(proxy).code, 2, "{front}");
    }
}

#[test]
fn proxies_say_why_connections_end() {
    let folder = Folder::new("proxy-reasons");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    // A port that was free a moment ago.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = format!("2={dead}");
    let proxy = ["proxy", "--listen", "127.0.0.1:0", "--verbose", "--dc", &upstream];
    let secret = format!("anna={KEY}");
    let mut proxy = Background::start(proxy.iter().chain(&["--secret", &secret]));
    let (address, public) = (proxy.address(), folder.path("key.pub"));
    let client = ["client", "--proxy", &address, "--secret", KEY, "--rsa-pub", &public];
    run(client.iter().chain(&["--timeout", "0.5", "--call", "help.getNearestDc"])).failure(3);
    proxy.wait_for("to data center 2 with anna");
    let line = proxy.wait_for("cannot connect to ");
    assert!(line.contains(&format!("{dead}: Connection refused")), "{line}");
    proxy.wait_for("upstream is unreachable with anna; ");
}

#[test]
fn proxies_accept_balancers_of_trusted_networks_only() {
    let options = ["--verbose", "--secret", KEY, "--proxy-protocol", "--trusted-network"];
    let mut trusting = proxy(&[&options[..], &["127.0.0.0/8"]].concat());
    let mut socket = TcpStream::connect(trusting.address()).unwrap();
    socket.write_all(b"PROXY TCP4 203.0.113.7 127.0.0.1 50000 443\r\n").unwrap();
    socket.write_all(&[0x11; 64]).unwrap();
    let line = trusting.wait_for("refused: ");
    assert!(line.starts_with("203.0.113.7:50000: refused: "), "{line}");

    let mut other = proxy(&[&options[..], &["192.0.2.0/24"]].concat());
    let socket = TcpStream::connect(other.address()).unwrap();
    other.wait_for("connection from 127.0.0.1 refused: not a trusted network");
    assert!(is_closed(socket));
}

#[test]
fn secrets_that_cannot_be_told_apart_are_refused_at_the_start() {
    let names = [format!("anna={KEY}"), format!("anna=dd{}", KEY.replace('1', "2"))];
    let domains = [format!("ee{KEY}612e6578616d706c65"), format!("ee{KEY}622e6578616d706c65")];
    for ([first, second], expected) in [
        (&names, "two secrets have the name anna"),
        (&domains, "secret 1 and secret 2 have one key and two domains"),
    ] {
        let proxy = ["proxy", "--dc", "2=127.0.0.1:1", "--secret", first, "--secret", second];
        let error = run(proxy).failure(2);
        assert!(error.contains(expected), "{error}");
    }
}
