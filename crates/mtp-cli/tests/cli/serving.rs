//! `mtp server`, `mtp proxy` and `mtp client` together.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::program::{Background, Finished, Folder, run};

const TRANSPORTS: [&str; 9] = [
    "abridged",
    "intermediate",
    "padded",
    "full",
    "obf-abridged",
    "obf-intermediate",
    "obf-padded",
    "http",
    "ws",
];

const KEY: &str = "1234567890abcdef1234567890abcdef";

/// A server with a key of its own.
struct Center {
    folder: Folder,
    server: Background,
    address: String,
}

impl Center {
    fn start(test: &str) -> Self {
        let folder = Folder::new(test);
        let key = folder.path("key");
        run(["keygen", &key]).success();
        let server = ["server", "--listen", "127.0.0.1:0", "--log", "all", "--rsa-key", &key];
        let mut server = Background::start(server);
        let address = server.address();
        Self { folder, server, address }
    }

    fn public_key(&self) -> String {
        self.folder.path("key.pub")
    }

    fn call(&self, options: &[&str]) -> Finished {
        let (address, key) = (&*self.address, self.public_key());
        run(["client", "--connect", address, "--rsa-pub", &key].iter().chain(options))
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_transport_carries_a_call() {
    let center = Center::start("transports");
    let nearest = json!({ "_": "nearestDc", "country": "ZZ", "this_dc": 2, "nearest_dc": 2 });
    for transport in TRANSPORTS {
        let called = center.call(&["--transport", transport, "--call", "help.getNearestDc"]);
        assert_eq!(json(&called.success()), nearest, "{transport}");
    }
}

#[test]
fn calls_are_answered_in_their_order() {
    let mut center = Center::start("calls");
    let called =
        center.call(&["--api-id", "7", "--call", "help.getConfig", "--call", "help.getNearestDc"]);
    let answers = called.success();
    let mut answers = serde_json::Deserializer::from_str(&answers).into_iter::<Value>();
    assert_eq!(answers.next().unwrap().unwrap()["_"], "config");
    assert_eq!(answers.next().unwrap().unwrap()["_"], "nearestDc");
    assert!(answers.next().is_none());
    center.server.wait_for("bound to");
}

#[test]
fn a_session_survives_in_its_file() {
    let mut center = Center::start("session");
    let file = center.folder.path("session");
    let session = ["--session", &file, "--call", "help.getNearestDc"];
    center.call(&session).success();
    let first = center.server.wait_for("made: permanent");
    center.server.wait_for("bound to");
    center.call(&session).success();
    let bound = center.server.wait_for("bound to");
    let (_, permanent) = bound.split_once("bound to ").unwrap();
    assert!(first.contains(&format!("key {permanent} ")), "{first}; {bound}");
    let error =
        center.call(&["--password", "wrong"].iter().chain(&session).copied().collect::<Vec<_>>());
    assert!(error.failure(4).ends_with("the password is wrong or the key file is damaged"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Another data centre's server does not know the key.
    let other = Center::start("session-other");
    std::fs::copy(center.folder.path("session"), other.folder.path("session")).unwrap();
    let file = other.folder.path("session");
    let session = ["--session", &file, "--timeout", "3", "--call", "help.getNearestDc"];
    let error = other.call(&session);
    assert!(error.code == 3 || error.code == 4, "{error:?}");
}

#[test]
fn keys_survive_a_restart_of_the_server() {
    let folder = Folder::new("data");
    let (key, data, session) = (folder.path("key"), folder.path("data"), folder.path("session"));
    run(["keygen", &key]).success();
    let serve = ["server", "--listen", "127.0.0.1:0", "--log", "all", "--rsa-key", &key];
    let public = folder.path("key.pub");
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut server = Background::start(serve.iter().chain(&["--data", &data]));
        let address = server.address();
        let client = ["client", "--connect", &address, "--rsa-pub", &public, "--session", &session];
        run(client.iter().chain(&["--call", "help.getNearestDc"])).success();
        let bound = server.wait_for("bound to");
        keys.push(bound.split_once("bound to ").unwrap().1.to_owned());
    }
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn counters_are_served() {
    let folder = Folder::new("metrics");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let listen = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let mut server = Background::start(["server", "--rsa-key", &key].iter().chain(&listen));
    let page = server.wait_for("counters for Prometheus at ");
    let address = server.address();
    let client = ["client", "--connect", &address, "--call", "help.getNearestDc", "--rsa-pub"];
    run(client.iter().chain(&[&*format!("{key}.pub")])).success();
    let text = counters(&page);
    assert!(text.lines().any(|line| line.starts_with("mtp_") && !line.ends_with(" 0")), "{text}");

    let proxy = ["proxy", "--secret", KEY, "--dc", "2=127.0.0.1:1"];
    let mut proxy = Background::start(proxy.iter().chain(&listen));
    let page = proxy.wait_for("counters for Prometheus at ");
    assert!(counters(&page).contains("mtp_"), "{page}");
    let taken = page.rsplit_once('/').unwrap().0.rsplit_once('/').unwrap().1.to_owned();
    let again = ["server", "--listen", "127.0.0.1:0", "--metrics", &taken, "--rsa-key", &key];
    assert!(run(again).failure(3).contains("--metrics: cannot listen on"));
}

/// Fetches the page that a program says it serves.
fn counters(line: &str) -> String {
    let (_, address) = line.split_once("http://").unwrap();
    let (address, path) = address.split_once('/').unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    text
}

#[test]
fn refused_clients_are_logged() {
    let mut center = Center::start("refused");
    let mut socket = TcpStream::connect(&center.address).unwrap();
    // Abridged framing, then a packet under a key that nobody has.
    let packet = [0x11; 40];
    socket.write_all(&[0xef, 10]).unwrap();
    socket.write_all(&packet).unwrap();
    let line = center.server.wait_for("refused");
    assert!(line.contains("unknown key 1111111111111111"), "{line}");
}

#[test]
fn refusals_say_what_was_refused() {
    let center = Center::start("refusals");
    let unknown = center.call(&["--call", "help.noSuchThing"]).failure(1);
    assert!(unknown.contains("no method help.noSuchThing"), "{unknown}");
    let incomplete = center.call(&["--call", "users.getUsers"]).failure(1);
    assert!(incomplete.contains("`id` is missing"), "{incomplete}");
    let refused = center.call(&["--call", "account.getPassword"]).failure(5);
    assert!(refused.starts_with("error: account.getPassword: the server answered "), "{refused}");
}

#[test]
fn a_wrong_key_is_no_key() {
    let center = Center::start("wrong-key");
    let other = center.folder.path("other");
    run(["keygen", &other]).success();
    let other = format!("{other}.pub");
    let client = ["client", "--connect", &center.address, "--rsa-pub", &other];
    let error = run(client.iter().chain(&["--call", "help.getConfig"])).failure(4);
    assert!(error.contains("--rsa-pub"), "{error}");
    let private = center.folder.path("key");
    let client = ["client", "--connect", &center.address, "--rsa-pub", &private];
    let error = run(client.iter().chain(&["--call", "help.getConfig"])).failure(1);
    assert!(error.contains("is no RSA public key"), "{error}");
}

#[test]
fn nobody_there_is_no_connection() {
    let folder = Folder::new("nobody");
    run(["keygen", &folder.path("key")]).success();
    let key = folder.path("key.pub");
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let client = ["client", "--connect", &address, "--rsa-pub", &key, "--call", "help.getConfig"];
    let error = run(client.iter().chain(&["--timeout", "0.5"])).failure(3);
    assert!(error.starts_with("error: no session within 0.5 s: no connection: "), "{error}");
    // A name that does not exist is no mistake of the command line.
    let client = ["client", "--connect", "no.such.host.invalid:1", "--rsa-pub", &key];
    let call = ["--call", "help.getConfig", "--timeout", "0.5"];
    let error = run(client.iter().chain(&call)).failure(3);
    assert!(error.starts_with("error: no session within 0.5 s"), "{error}");
    // A server that accepts and sends nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let client = ["client", "--connect", &address, "--rsa-pub", &key, "--call", "help.getConfig"];
    let error = run(client.iter().chain(&["--timeout", "0.2"])).failure(3);
    assert_eq!(error, "error: no session within 0.2 s");
}

#[test]
fn a_server_says_why_it_cannot_start() {
    let folder = Folder::new("cannot-start");
    let missing = folder.path("missing");
    let error = run(["server", "--rsa-key", &missing]).failure(1);
    assert!(error.contains("cannot read"), "{error}");
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = run(["server", "--listen", &address, "--rsa-key", &key]).failure(3);
    assert!(error.starts_with(&format!("error: cannot listen on {address}: ")), "{error}");
}

#[test]
fn proxies_carry_clients_of_every_secret() {
    let center = Center::start("proxy");
    let upstream = format!("2={}", center.address);
    let fake_tls = format!("ee{KEY}6578616d706c652e636f6d");
    let secrets = [KEY.to_owned(), format!("dd{KEY}"), fake_tls];
    let mut proxy = vec!["proxy", "--listen", "127.0.0.1:0", "--verbose", "--dc", &upstream];
    for secret in &secrets {
        proxy.extend(["--secret", secret]);
    }
    let mut proxy = Background::start(&proxy);
    let address = proxy.address();
    let key = center.public_key();
    let call = ["--rsa-pub", &key, "--call", "help.getNearestDc"];
    for secret in &secrets {
        let client = ["client", "--proxy", &address, "--secret", secret];
        let answer = run(client.iter().chain(&call)).success();
        assert_eq!(json(&answer)["_"], "nearestDc", "{secret}");
        proxy.wait_for("client closed the connection");
        // Obfuscated in each framing; those that no proxy carries are refused before anything is sent.
        for transport in ["abridged", "obf-intermediate", "padded"] {
            let chosen = ["--transport", transport];
            run(client.iter().chain(&chosen).chain(&call)).success();
        }
        for transport in ["full", "http", "ws"] {
            let chosen = ["--transport", transport];
            let error = run(client.iter().chain(&chosen).chain(&call)).failure(1);
            assert!(error.contains("an MTProxy carries abridged"), "{error}");
        }
        for hello in ["chrome", "safari", "legacy"] {
            let chosen = ["--hello", hello];
            run(client.iter().chain(&chosen).chain(&call)).success();
        }
        // An address beside the proxy is no mistake, it is of no use.
        let direct = ["--connect", &center.address];
        run(client.iter().chain(&direct).chain(&call)).success();
    }
    // The same command with a link: nothing else tells a client that there is a proxy, or which kind.
    let (host, port) = address.split_once(':').unwrap();
    for secret in &secrets {
        let made = ["link", "make", "--server", host, "--port", port, "--secret", secret];
        let links = run(made).success();
        assert_eq!(links.lines().count(), 2, "{links}");
        for link in links.lines() {
            let answer = run(["client", "--proxy-link", link].iter().chain(&call)).success();
            assert_eq!(json(&answer)["_"], "nearestDc", "{link}");
        }
    }
    let client = ["client", "--proxy", &address, "--secret", "dd00000000000000000000000000000000"];
    run(client.iter().chain(&call).chain(&["--timeout", "0.2"])).failure(3);
    proxy.wait_for("matches no secret");
}

#[test]
fn a_proxy_checks_its_arguments() {
    for (secret, dc) in
        [("00", "2=127.0.0.1:443"), (KEY, "2"), (KEY, "x=127.0.0.1:443"), (KEY, "2=host")]
    {
        assert_eq!(run(["proxy", "--secret", secret, "--dc", dc]).code, 2, "{secret} {dc}");
    }
    let socks =
        ["client", "--proxy-link", "tg://socks?server=a&port=1", "--call", "help.getConfig"];
    assert!(run(socks).failure(1).contains("only MTProxy"));
}
