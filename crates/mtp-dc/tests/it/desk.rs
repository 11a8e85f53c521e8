//! An API, the schema of a layer, and a virtual clock.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{PasswordAlgo, prove};
use mtp_crypto::{AuthKeyId, CtrEntropy, SessionId};
use mtp_dc::{AccountConfig, Api, ApiConfig, ApiEvent, CallContext, LoginCode};
use mtp_env::{Now, UnixTime};
use mtp_schema::dynamic::{self, Codec};
use mtp_schema::id::IdRule;
use mtp_schema::model::{Model, Ty};
use mtp_schema::tree::Section;
use mtp_server::{Answer, UserId};
use mtp_session::server::SessionName;
use serde_json::{Value, json};

/// The phone number of the user with a password, and the password.
pub(crate) const GUARDED: (&str, &str) = ("99966200003", "correct horse");
pub(crate) const ANN: &str = "99966200001";
pub(crate) const BEN: &str = "99966200002";
pub(crate) const CODE: &str = "22222";

pub(crate) struct Desk {
    pub(crate) api: Api,
    codecs: BTreeMap<i32, Codec>,
    pub(crate) now: Now,
    /// The layer of all clients.
    pub(crate) layer: i32,
    /// The address of the next calls.
    pub(crate) address: Option<IpAddr>,
    /// The updates pushed so far.
    pub(crate) pushes: Vec<(SessionName, Value)>,
    /// The codes that were drawn.
    pub(crate) codes: Vec<(String, String)>,
    /// The user of each key, from events.
    pub(crate) users: BTreeMap<AuthKeyId, Option<UserId>>,
}

/// A client's key with one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) u64);

impl Client {
    pub(crate) fn session(self) -> SessionName {
        SessionName { key: AuthKeyId::from_raw(self.0), id: SessionId::from_raw(self.0 + 1000) }
    }
}

pub(crate) type Outcome = Result<Value, (i32, String)>;

pub(crate) fn error(code: i32, message: &str) -> Outcome {
    Err((code, message.to_owned()))
}

pub(crate) fn config() -> ApiConfig {
    let mut config = ApiConfig::new(2);
    config.login_code = LoginCode::Fixed(CODE.to_owned());
    config.accounts = vec![
        AccountConfig::new(ANN, "Ann", "Archer").with_username("AnnArcher"),
        AccountConfig::new(BEN, "Ben", ""),
    ];
    config
}

/// The same with a user who has a password, which takes a moment to derive.
pub(crate) fn guarded_config() -> ApiConfig {
    let mut config = config();
    let guy = AccountConfig::new(GUARDED.0, "Guy", "Guarded").with_password(GUARDED.1);
    config.accounts.push(guy);
    config
}

impl Desk {
    pub(crate) fn new(config: ApiConfig) -> Self {
        Self {
            api: Api::new(config, Box::new(CtrEntropy::new([7; 32]))),
            codecs: BTreeMap::new(),
            now: Now { unix: UnixTime::from_secs(1_760_000_000), ..Now::default() },
            layer: 230,
            address: None,
            pushes: Vec::new(),
            codes: Vec::new(),
            users: BTreeMap::new(),
        }
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    /// Makes a call and decodes its answer completely.
    pub(crate) fn call(&mut self, client: Client, method: &str, arguments: Value) -> Outcome {
        self.call_with(client, method, arguments, |caller| caller)
    }

    pub(crate) fn call_with(
        &mut self,
        client: Client,
        method: &str,
        arguments: Value,
        change: impl FnOnce(CallContext) -> CallContext,
    ) -> Outcome {
        let query = self.codec().encode(&Ty::Call, &call(method, arguments)).expect(method);
        let answer = self.call_raw(client, &query, change);
        self.drain();
        match answer {
            Some(Answer::Result(body)) => {
                let codec = self.codec();
                let function = codec.model().find(Section::Functions, method).expect(method);
                match codec.decode_result(function, &body).expect(method) {
                    dynamic::DecodedAnswer::Result(decoded) => Ok(decoded.value),
                    other => panic!("{method}: {other:?}"),
                }
            }
            Some(Answer::Error { code, message }) => Err((code, message.into_owned())),
            other => panic!("{method}: {other:?}"),
        }
    }

    pub(crate) fn call_raw(
        &mut self,
        client: Client,
        query: &[u8],
        change: impl FnOnce(CallContext) -> CallContext,
    ) -> Option<Answer> {
        let session = client.session();
        let layer = Some(self.layer);
        let (identity, address) = (session.key, self.address);
        let caller = CallContext { session, identity, layer, without_updates: false, address };
        self.api.handle_call(self.now, &change(caller), query)
    }

    /// Takes the API's events and decodes updates in the current layer.
    fn drain(&mut self) {
        while let Some(event) = self.api.poll_event() {
            match event {
                ApiEvent::Push { session, body } => {
                    let codec = self.codec();
                    let updates = codec.model().type_of("Updates").expect("the schema's type");
                    let decoded = codec.decode(&updates, &body).expect("updates");
                    self.pushes.push((session, decoded.value));
                }
                ApiEvent::LoginCode { phone, code } => {
                    self.codes.push((phone, code.as_str().to_owned()));
                }
                ApiEvent::User { key, user } => {
                    self.users.insert(key, user);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn codec(&mut self) -> &Codec {
        self.codecs.entry(self.layer).or_insert_with_key(|layer| codec(*layer))
    }

    // ── steps that several tests share ────────────────────────────────────────────────────────

    /// Asks for a code and returns `phone_code_hash`.
    pub(crate) fn send_code(
        &mut self,
        client: Client,
        phone: &str,
    ) -> Result<String, (i32, String)> {
        let settings = json!({ "_": "codeSettings" });
        let arguments = json!({
            "phone_number": phone, "api_id": 1, "api_hash": "x", "settings": settings
        });
        let sent = self.call(client, "auth.sendCode", arguments)?;
        assert_eq!(sent["_"], "auth.sentCode");
        Ok(sent["phone_code_hash"].as_str().unwrap().to_owned())
    }

    pub(crate) fn sign_in(
        &mut self,
        client: Client,
        phone: &str,
        hash: &str,
        code: &str,
    ) -> Outcome {
        let arguments =
            json!({ "phone_number": phone, "phone_code_hash": hash, "phone_code": code });
        self.call(client, "auth.signIn", arguments)
    }

    /// Logs in and returns the user.
    pub(crate) fn log_in(&mut self, client: Client, phone: &str) -> Value {
        let hash = self.send_code(client, phone).unwrap();
        let authorization = self.sign_in(client, phone, &hash, CODE).unwrap();
        assert_eq!(authorization["_"], "auth.authorization");
        authorization["user"].clone()
    }

    /// Requests a password check and proves a password.
    pub(crate) fn proof(&mut self, client: Client, password: &str) -> Value {
        let asked = self.call(client, "account.getPassword", json!({})).unwrap();
        prove_to(&asked, password)
    }
}

/// Proves a password for an answer of `account.getPassword`.
pub(crate) fn prove_to(asked: &Value, password: &str) -> Value {
    let algo = read_algo(&asked["current_algo"]);
    let mut entropy = CtrEntropy::new([9; 32]);
    let srp_b = bytes(&asked["srp_B"]);
    let proof = prove(&algo, password.as_bytes(), &srp_b, &mut entropy).unwrap();
    json!({
        "_": "inputCheckPasswordSRP",
        "srp_id": asked["srp_id"],
        "A": hex(&proof.a),
        "M1": hex(&proof.m1),
    })
}

pub(crate) fn read_algo(algo: &Value) -> PasswordAlgo {
    assert_eq!(bytes(&algo["p"]), DhGroup::KNOWN.prime());
    PasswordAlgo::new(DhGroup::KNOWN, &bytes(&algo["salt1"]), &bytes(&algo["salt2"]))
}

pub(crate) fn input_peer(user: &Value) -> Value {
    json!({ "_": "inputPeerUser", "user_id": user["id"], "access_hash": user["access_hash"] })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn call(method: &str, arguments: Value) -> Value {
    let Value::Object(mut all) = arguments else { panic!("{method}: not an object") };
    all.insert("_".to_owned(), format!("fn:{method}").into());
    Value::Object(all)
}

/// The schema of a layer: the newest, with the earlier forms of what changed since.
fn codec(layer: i32) -> Codec {
    let mut earlier = BTreeMap::new();
    let mut first_seen = 0;
    for line in EARLIER.lines() {
        if let Some(number) = line.strip_prefix("// LAYER ") {
            first_seen = number.parse().unwrap();
        } else if let Some((name, _)) = line.split_once('#')
            && first_seen <= layer
        {
            earlier.insert(name, line);
        }
    }
    earlier.retain(|name, _| layer < newest(name));
    let replaced =
        |line: &str| line.split_once('#').is_some_and(|(name, _)| earlier.contains_key(name));
    let mut text: String = earlier.values().map(|line| format!("{line}\n")).collect();
    let mut functions = false;
    for line in SCHEMA.lines() {
        functions |= line.starts_with("---functions");
        if functions || !replaced(line) {
            text.push_str(line);
            text.push('\n');
        }
    }
    let schema = mtp_schema::parse_text("layer.tl", &text, IdRule::default())
        .unwrap_or_else(|report| panic!("{report}"));
    Codec::new(Model::new(&schema).unwrap())
}

/// The first layer with the form of `api.tl`.
fn newest(name: &str) -> i32 {
    match name {
        "user" => 229,
        "userFull" | "dialog" => 224,
        "peerSettings" => 202,
        "peerNotifySettings" => 160,
        "message" => 227,
        "messages.messages" | "messages.messagesSlice" => 216,
        _ => i32::MAX,
    }
}

const SCHEMA: &str = include_str!("../../../../schema/api.tl");
const EARLIER: &str = include_str!("layers.tl");
