//! `mtp client` through `mtp proxy` in the middle mode and `mtp middle` to `mtp server`.
#![cfg(unix)]

use crate::program::{Background, Folder, run};

const KEY: &str = "1234567890abcdef1234567890abcdef";
const TAG: &str = "000102030405060708090a0b0c0d0e0f";

/// A data center behind middle proxies.
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
        let networks = ["--proxy-protocol", "--trusted-network", "127.0.0.0/8"];
        let serve = ["server", "--listen", "127.0.0.1:0", "--rsa-key", &key];
        let mut server = Background::start(serve.iter().chain(&networks));
        let address = server.address();
        Self { folder, server, address }
    }

    /// Starts a middle proxy. Returns it with its address.
    fn middle(&self) -> (Background, String) {
        let secret = self.folder.path("secret");
        let mut middle = Background::start([
            "middle",
            "--listen",
            "127.0.0.1:0",
            "--middle-secret",
            &secret,
            "--create-secret",
            "--dc",
            &self.address,
            "--send-proxy-protocol",
            "--verbose",
        ]);
        let address = middle.address();
        (middle, address)
    }

    fn configure(&self, middle: &str) -> String {
        let text = format!("# published\ndefault 2;\nproxy_for 2 {middle};\n");
        self.folder.write("config", text)
    }

    fn proxy(&self, config: &str, options: &[&str]) -> Background {
        let secret = self.folder.path("secret");
        let proxy = ["proxy", "--listen", "127.0.0.1:0", "--verbose", "--middle-refresh", "3600"];
        let files = ["--middle-config", config, "--middle-secret", &secret];
        Background::start(proxy.iter().chain(&files).chain(options))
    }

    fn call(&self, proxy: &str, secret: &str) {
        let key = self.folder.path("key.pub");
        let client = ["client", "--rsa-pub", &key, "--proxy", proxy, "--secret", secret];
        let answer = run(client.iter().chain(&["--call", "help.getNearestDc"])).success();
        assert!(answer.contains("nearestDc"), "{answer}");
    }
}

#[test]
fn client_reaches_the_data_center_through_middle_proxies_with_every_secret() {
    let center = Center::start("middle-path");
    let (mut middle, address) = center.middle();
    let config = center.configure(&address);
    // Each with a key of its own: a plain secret would accept the padded clients of the same key.
    let key = |last: char| format!("{}{last}", &KEY[1..]);
    let tls = format!("ee{}6578616d706c652e636f6d", key('2'));
    let secrets = [KEY.to_owned(), format!("dd{}", key('1')), tls];
    let named: Vec<_> =
        ["plain", "padded", "tls"].iter().zip(&secrets).map(|(n, s)| format!("{n}={s}")).collect();
    let mut options = vec!["--ad-tag", TAG];
    let other = format!("padded={}", TAG.replace('0', "f"));
    options.extend(["--ad-tag", &other]);
    for secret in &named {
        options.extend(["--secret", secret]);
    }
    let mut proxy = center.proxy(&config, &options);
    let listens = proxy.address();
    for (secret, tag) in secrets.iter().zip([TAG, &other["padded=".len()..], TAG]) {
        center.call(&listens, secret);
        proxy.wait_for("through middle proxies with");
        middle.wait_for(&format!("with tag {tag}"));
    }
    proxy.signal("TERM");
    assert_eq!(proxy.end(), 0);
    middle.wait_for("link is over: closed by the peer");
    middle.signal("TERM");
    assert_eq!(middle.end(), 0);
    assert!(center.server.log().iter().all(|line| !line.contains("refused")));
}

#[test]
fn changed_files_are_applied_at_sighup_and_unusable_ones_change_nothing() {
    let center = Center::start("middle-reload");
    let (mut first, address) = center.middle();
    let config = center.configure(&address);
    let mut proxy = center.proxy(&config, &["--secret", KEY]);
    let listens = proxy.address();
    center.call(&listens, KEY);
    first.wait_for("client 127.0.0.1");
    let (mut second, address) = center.middle();
    center.folder.write("config", "<html>502 Bad Gateway</html>");
    proxy.signal("HUP");
    proxy.wait_for("the middle proxies stay as they are");
    center.call(&listens, KEY);
    first.wait_for("client 127.0.0.1");
    center.configure(&address);
    proxy.signal("HUP");
    proxy.wait_for("the files of middle proxies have changed: 1 listed");
    center.call(&listens, KEY);
    second.wait_for("client 127.0.0.1");
}

#[test]
fn wrong_options_are_refused_at_the_start() {
    let folder = Folder::new("middle-options");
    let secret = folder.write("secret", [7; 64]);
    let config = folder.write("config", "proxy_for 2 192.0.2.1:80;");
    let empty = folder.write("empty", "default 2;");
    let short = folder.write("short", [7; 31]);
    let start = |config: &str, secret: &str, more: &[&str]| {
        let proxy = ["proxy", "--listen", "127.0.0.1:0", "--secret", KEY];
        let files = ["--middle-config", config, "--middle-secret", secret];
        run(proxy.iter().chain(&files).chain(more)).failure(2)
    };
    assert!(start(&empty, &secret, &[]).contains("no usable line"));
    assert!(start(&config, &short, &[]).contains("secret of 31 bytes"));
    assert!(start(&config, &secret, &["--ad-tag", &format!("home={TAG}")]).contains("home"));
    let two = ["--public-address", "192.0.2.1", "--public-address", "192.0.2.2"];
    assert!(start(&config, &secret, &two).contains("one address of each family"));
    assert_eq!(run(["proxy", "--secret", KEY]).code, 2, "neither --dc nor --middle-config");
}
