//! `mtp link`.

use serde_json::{Value, json};

use crate::program::run;

fn parsed(link: &str) -> Value {
    serde_json::from_str(&run(["link", "parse", link]).success()).unwrap()
}

#[test]
fn links_are_taken_apart() {
    let key = "1234567890abcdef1234567890abcdef";
    let found = parsed(&format!("t.me/proxy?server=a.example&port=443&secret=dd{key}"));
    assert_eq!((&found["server"], &found["port"]), (&json!("a.example"), &json!(443)));
    assert_eq!(found["secret"], json!({ "kind": "padded", "key": key }));
    let socks = parsed("tg://socks?server=::1&port=1080&user=u&pass=p");
    assert_eq!(socks["login"], json!({ "user": "u", "password": "p" }));
    assert_eq!(run(["link", "parse", "https://t.me/durov"]).failure(1), "error: not a proxy link");
    let bad = run(["link", "parse", "tg://proxy?server=a&port=1&secret=00"]).failure(1);
    assert!(bad.contains("secret of 1 bytes"), "{bad}");
}

#[test]
fn links_that_are_made_are_read() {
    let command = ["link", "make", "--server", "a.example", "--port", "443"];
    let cases: [(&[&str], &str); 5] = [
        (&[], "padded"),
        (&["--kind", "plain"], "plain"),
        (&["--kind", "padded"], "padded"),
        (&["--domain", "example.com"], "fake-tls"),
        (&["--secret", "ee1234567890abcdef1234567890abcdef6578616d706c652e636f6d"], "fake-tls"),
    ];
    for (options, kind) in cases {
        let made = run(command.iter().chain(options)).success();
        let links: Vec<_> = made.lines().collect();
        assert_eq!(links.len(), 2);
        assert!(links[0].starts_with("tg://") && links[1].starts_with("https://t.me/"));
        let (one, other) = (parsed(links[0]), parsed(links[1]));
        assert_eq!(one, other);
        assert_eq!(one["secret"]["kind"], kind, "{options:?}");
        if kind == "fake-tls" {
            assert_eq!(one["secret"]["domain"], "example.com");
        }
    }
    assert_ne!(run(command).success(), run(command).success(), "a new secret each time");
    assert_eq!(run(command.iter().chain(&["--kind", "fake-tls"])).code, 2);
    run(command.iter().chain(&["--kind", "plain", "--domain", "example.com"])).failure(1);
    run(command.iter().chain(&["--domain", "a.b"])).failure(1);
}
