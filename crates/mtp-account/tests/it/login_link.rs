//! Links of `vectors/account.json`.

use mtp_account::login::LoginToken;

use crate::tables::vectors;

#[test]
fn login_links_are_written_and_read_back() {
    for case in vectors()["login_token_link"].as_array().unwrap() {
        let link = case["link"].as_str().unwrap();
        let token = LoginToken::from_link(link).unwrap();
        let bytes = token.as_bytes().iter();
        let hex = bytes.fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(hex, case["token"].as_str().unwrap());
        assert_eq!(LoginToken::new(token.as_bytes()).to_link().as_str(), link);
    }
}

#[test]
fn links_without_exactly_one_token_are_refused() {
    let refused = [
        "",
        "tg://login",
        "tg://login?",
        "tg://login?token=",
        "tg://login?token=AA&token=AA",
        "tg://login?token=+_8",
        "https://login?token=AA",
    ];
    for link in refused {
        assert!(LoginToken::from_link(link).is_err(), "{link}");
    }
    assert!(LoginToken::from_link("tg://login?x=1&token=AA").is_ok());
    // 1024 bytes in all, and one group of letters more.
    let link = |letters: usize| format!("tg://login?token={}", "A".repeat(letters));
    assert!(LoginToken::from_link(&format!("{}&", link(1006))).is_ok());
    assert!(LoginToken::from_link(&format!("{}&&", link(1006))).is_err());
}
