//! The calls that clients make first, and calls that cannot be answered.

use mtp_dc::{Caller, DcOption};
use mtp_server::Answer;
use serde_json::json;

use super::desk::{Client, Desk, config, error};

const ONE: Client = Client(1);

#[test]
fn the_configuration_lists_all_addresses() {
    let mut config = config();
    config.test_mode = true;
    config.dc_options = vec![DcOption::new(2, "127.0.0.1", 443), DcOption::new(4, "::1", 80)];
    let mut desk = Desk::new(config);
    let answer = desk.call(ONE, "help.getConfig", json!({})).unwrap();
    assert_eq!((&answer["this_dc"], &answer["test_mode"]), (&json!(2), &json!(true)));
    assert_eq!(answer["dc_options"][1]["ip_address"], "::1");
    assert_eq!(answer["dc_options"][1]["ipv6"], true);
    assert_eq!(answer["message_length_max"], 4096);
    let nearest = desk.call(ONE, "help.getNearestDc", json!({})).unwrap();
    assert_eq!(nearest["nearest_dc"], 2);
}

#[test]
fn requests_for_news_return_none() {
    let mut desk = Desk::new(config());
    let mut constructor =
        |method, arguments| desk.call(ONE, method, arguments).unwrap()["_"].clone();
    assert_eq!(constructor("help.getAppConfig", json!({ "hash": 0 })), "help.appConfig");
    assert_eq!(constructor("help.getAppUpdate", json!({ "source": "" })), "help.noAppUpdate");
    let terms = constructor("help.getTermsOfServiceUpdate", json!({}));
    assert_eq!(terms, "help.termsOfServiceUpdateEmpty");
    assert_eq!(constructor("help.getPromoData", json!({})), "help.promoDataEmpty");
    let cdn = constructor("help.getCdnConfig", json!({}));
    assert_eq!(cdn, "cdnConfig");
    let countries = constructor("help.getCountriesList", json!({ "lang_code": "en", "hash": 0 }));
    assert_eq!(countries, "help.countriesList");
}

/// Clients have texts of their own.
#[test]
fn language_packs_are_empty() {
    let mut desk = Desk::new(config());
    let mut ask = |method, arguments| desk.call(ONE, method, arguments).unwrap();
    let pack = |version| json!({ "lang_pack": "x", "lang_code": "en", "from_version": version });
    let difference = ask("langpack.getDifference", pack(7));
    assert_eq!((&difference["version"], &difference["strings"]), (&json!(7), &json!([])));
    let whole = ask("langpack.getLangPack", json!({ "lang_pack": "x", "lang_code": "en" }));
    assert_eq!((&whole["lang_code"], &whole["strings"]), (&json!("en"), &json!([])));
    let strings = json!({ "lang_pack": "x", "lang_code": "en", "keys": ["a", "b"] });
    assert_eq!(ask("langpack.getStrings", strings), json!([]));
    assert_eq!(ask("langpack.getLanguages", json!({ "lang_pack": "x" })), json!([]));
}

/// The login is checked before the arguments' meaning.
#[test]
fn methods_that_need_a_user_are_refused_before_login() {
    let mut desk = Desk::new(config());
    let myself = json!({ "_": "inputUserSelf" });
    let peer = json!({ "_": "inputPeerSelf" });
    for (method, arguments) in [
        ("users.getUsers", json!({ "id": [myself] })),
        ("users.getFullUser", json!({ "id": myself })),
        ("updates.getState", json!({})),
        ("updates.getDifference", json!({ "pts": 1, "date": 1, "qts": 0 })),
        ("account.getPassword", json!({})),
        ("account.updateStatus", json!({ "offline": false })),
        ("auth.logOut", json!({})),
        ("auth.exportAuthorization", json!({ "dc_id": 2 })),
        ("contacts.getStatuses", json!({})),
        ("messages.getDialogFilters", json!({})),
        ("contacts.getContacts", json!({ "hash": "0" })),
        ("contacts.importContacts", json!({ "contacts": [] })),
        ("contacts.resolveUsername", json!({ "username": "echo" })),
        ("contacts.resolvePhone", json!({ "phone": "99966200001" })),
        ("messages.sendMessage", json!({ "peer": peer, "message": "x", "random_id": "1" })),
        ("messages.readHistory", json!({ "peer": peer, "max_id": 1 })),
        ("messages.getPinnedDialogs", json!({ "folder_id": 0 })),
        ("messages.getMessages", json!({ "id": [] })),
        ("upload.saveFilePart", json!({ "file_id": "1", "file_part": 0, "bytes": "00" })),
    ] {
        assert_eq!(
            desk.call(ONE, method, arguments),
            error(401, "AUTH_KEY_UNREGISTERED"),
            "{method}"
        );
    }
}

// spec: session 10
#[test]
fn undecodable_arguments_are_an_unknown_method() {
    let mut desk = Desk::new(config());
    let invalid = |id: u32| Some(Answer::unknown_method(id, Some(230)));
    let same = |caller: Caller| caller;
    let help_get_config = 0xc4f9_186b_u32;
    let mut query = help_get_config.to_le_bytes().to_vec();
    assert!(matches!(desk.call_raw(ONE, &query, same), Some(Answer::Result(_))));
    query.push(0);
    assert_eq!(desk.call_raw(ONE, &query, same), invalid(help_get_config));
    assert_eq!(desk.call_raw(ONE, &[1, 2, 3, 4], same), None);
    let empty = Some(Answer::error(400, "INPUT_REQUEST_EMPTY"));
    assert_eq!(desk.call_raw(ONE, &[1, 2, 3], same), empty);
    assert_eq!(invalid(1), Some(Answer::error(400, "INPUT_METHOD_INVALID_1_230")));
}

/// Every method, with arguments of every length and filled with bytes: an answer, never a panic.
#[test]
fn mangled_calls_are_answered() {
    let mut config = config();
    config.files.without_login = true;
    let mut desk = Desk::new(config);
    desk.log_in(ONE, super::desk::ANN);
    let mut answered = 0;
    for id in METHODS {
        for len in 0..96_usize {
            for fill in [0, 1, 3, 0x7f, 0x80, 0xff_u8] {
                let mut query = id.to_le_bytes().to_vec();
                query.resize(4 + len, fill);
                let answer = desk.call_raw(ONE, &query, |caller| caller);
                assert_ne!(answer, None, "{id:08x}");
                while desk.api.poll_event().is_some() {}
                answered += 1;
            }
        }
    }
    assert_eq!(answered, METHODS.len() * 96 * 6);
}

/// The ids of the methods that are answered, independent of the generated ones.
const METHODS: [u32; 54] = [
    0x5202_9342,
    0x7357_87a8,
    0x42c6_978f,
    0xefea_3803,
    0xf2f2_330a,
    0xcd98_4aa5,
    0xc4a3_53ee,
    0xefd4_8c89,
    0xc4f9_186b,
    0x1fb3_3026,
    0x61e3_f854,
    0x522d_5a7d,
    0x2ca5_1fd1,
    0xc097_7421,
    0xa677_244f,
    0xcae4_7523,
    0x3ef1_a9bf,
    0x1f04_0578,
    0x8d52_a951,
    0xaac7_b717,
    0x80ee_e427,
    0xd18b_4d16,
    0x548a_30f5,
    0xa59b_102f,
    0xe5bf_ffcd,
    0xa57a_7dad,
    0x6628_562c,
    0x0d91_a548,
    0xb60f_5918,
    0x725a_fbbc,
    0xf93c_cba3,
    0x8af9_4344,
    0x5dd6_9e12,
    0x2c80_0be5,
    0x1cc2_0387,
    0x280d_096f,
    0xdff8_042c,
    0x983f_9745,
    0xfbf2_340a,
    0xfe05_dc9a,
    0x545c_d15a,
    0xfef4_8f62,
    0xa0f4_cb4f,
    0xd6b9_4df2,
    0x4423_e6c5,
    0x63c6_6506,
    0x0e30_6d3a,
    0xedd4_882a,
    0x2593_9651,
    0x19c2_f763,
    0xb304_a621,
    0xde7b_673d,
    0xbe53_35be,
    0x3e72_ba19,
];
