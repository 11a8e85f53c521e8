//! The API of the data centre: one call in, one answer out, no I/O.
//!
//! Answers are written in the layer that the client said, from 155 to 230; who says nothing gets the
//! newest form, who says something older gets that of 155 and cannot log in. Requests are known by
//! all the ids they had in these layers.

mod account;
mod call;
mod config;
mod exports;
mod files;
mod help;
mod layers;
mod login;
mod logins;
mod mailbox;
mod messages;
mod password;
mod updates;
mod users;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use call::{Caller, RpcError};
pub use config::{AccountConfig, ApiConfig, FileLimits, LoginCode, SignUp};
pub use help::DcOption;
pub use logins::Code;
use mtp_env::{Entropy, Now};
use mtp_session::server::SessionName;
use mtp_tl::{Decoder, Encode, Flags};

use account::Accounts;
use call::{Call, Fault, Reply, end};
use exports::Exports;
use files::Files;
use layers::Layer;
use logins::Logins;
use messages::ReplyForm;

/// An answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The result, a boxed TL value.
    Result(Vec<u8>),
    /// An error.
    Error(RpcError),
    /// Not a method of this data centre: the embedder's to answer.
    Unknown,
}

/// What a call brought about beside its answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiEvent {
    /// A session is to be told an update.
    Push {
        /// The session.
        session: SessionName,
        /// The update, a boxed TL value.
        body: Vec<u8>,
    },
    /// A random code was made for a login: it is to reach the owner of the number.
    LoginCode {
        /// The number, digits only.
        phone: String,
        /// The code.
        code: Code,
    },
}

/// The data centre's methods and what they remember.
///
/// After every call: take the [events](Self::poll_event).
pub struct Api {
    config: ApiConfig,
    accounts: Accounts,
    logins: Logins,
    exports: Exports,
    files: Files,
    events: VecDeque<ApiEvent>,
    entropy: Box<dyn Entropy + Send>,
}

impl Api {
    /// Makes an API that knows the accounts of the configuration. It takes a tenth of a second for
    /// each password among them.
    #[must_use]
    pub fn new(config: ApiConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            accounts: Accounts::new(&config, &mut entropy),
            config,
            logins: Logins::default(),
            exports: Exports::default(),
            files: Files::default(),
            events: VecDeque::new(),
            entropy,
        }
    }

    /// Answers a call, given without its wrappers.
    #[must_use]
    pub fn handle_call(&mut self, now: Now, caller: &Caller, query: &[u8]) -> Answer {
        let mut d = Decoder::new(query);
        let Ok(id) = d.id() else {
            return Answer::Error(RpcError::new(400, "INPUT_REQUEST_EMPTY"));
        };
        let call = Call {
            now,
            caller: *caller,
            layer: Layer::of(caller.layer),
            user: self.logins.user(caller.identity),
        };
        if let Some(user) = call.user {
            self.subscribe(&call, user);
        }
        let d = &mut d;
        let reply = (self.call_help(&call, id.get(), d))
            .or_else(|| self.call_auth(&call, id.get(), d))
            .or_else(|| self.call_chat(&call, id.get(), d))
            .or_else(|| self.call_files(&call, id.get(), d));
        match reply {
            Some(Ok(result)) => Answer::Result(result),
            Some(Err(Fault::Error(error))) => Answer::Error(error),
            Some(Err(Fault::Unreadable)) => {
                Answer::Error(RpcError::unknown_method(id.get(), caller.layer))
            }
            None => Answer::Unknown,
        }
    }

    /// Returns the next thing that calls brought about.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ApiEvent> {
        self.events.pop_front()
    }

    /// What clients ask before anything else, and what needs nobody to be logged in.
    fn call_help(&self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            0xc4f9_186b => done(d, || self.get_config(call)),
            0x1fb3_3026 => done(d, || self.get_nearest_dc()),
            0x61e3_f854 => Self::get_app_config(d),
            0x522d_5a7d => Self::get_app_update(d),
            0x2ca5_1fd1 => {
                done(d, || Self::nothing_until_later(call, help::TERMS_OF_SERVICE_UPDATE_EMPTY))
            }
            0xc097_7421 => done(d, || Self::nothing_until_later(call, help::PROMO_DATA_EMPTY)),
            0x5202_9342 => done(d, Self::get_cdn_config),
            0x7357_87a8 => Self::get_countries_list(d),
            0x42c6_978f => Self::get_languages(d),
            0xefea_3803 => Self::get_strings(d),
            0xf2f2_330a => Self::get_lang_pack(d),
            0xcd98_4aa5 => Self::get_lang_difference(d),
            _ => return None,
        })
    }

    fn call_auth(&mut self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            // The numbers are those of `auth.sendCode` and `auth.signIn`.
            0xa677_244f | 0x8d52_a951 if call.is_too_old() => {
                Err(Fault::new(406, "UPDATE_APP_TO_LOGIN"))
            }
            0xa677_244f => self.send_code(call, d),
            0xcae4_7523 => flags(d).and_then(|flags| self.resend_code(call, flags, d)),
            0x3ef1_a9bf => self.resend_code(call, Flags::NONE, d),
            0x1f04_0578 => self.cancel_code(call, d),
            0x8d52_a951 => self.sign_in(call, d),
            0xaac7_b717 => flags(d).and_then(|_| self.sign_up(call, d)),
            0x80ee_e427 => self.sign_up(call, d),
            0xd18b_4d16 => self.check_password(call, d),
            0x548a_30f5 => end(d).and_then(|()| self.get_password(call)),
            0xa59b_102f => self.update_password(call, d),
            0x3e72_ba19 => end(d).and_then(|()| self.log_out(call)),
            0xe5bf_ffcd => self.export_authorization(call, d),
            0xa57a_7dad => self.import_authorization(call, d),
            0x6628_562c => Self::update_status(call, d),
            _ => return None,
        })
    }

    fn call_chat(&mut self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            0x0d91_a548 => self.get_users(call, d),
            0xb60f_5918 => self.get_full_user(call, d),
            0x725a_fbbc => flags(d).and_then(|flags| self.resolve_username(call, flags, d)),
            0xf93c_cba3 => self.resolve_username(call, Flags::NONE, d),
            0x8af9_4344 => self.resolve_phone(call, d),
            0x5dd6_9e12 => Self::get_contacts(call, d),
            0x2c80_0be5 => self.import_contacts(call, d),
            0xc4a3_53ee => end(d).and_then(|()| Self::no_statuses(call)),
            0xefd4_8c89 => end(d).and_then(|()| Self::no_dialog_filters(call)),
            0x1cc2_0387 => self.send_message(call, ReplyForm::Number, d),
            0x280d_096f | 0xdff8_042c | 0x983f_9745 | 0xfbf2_340a | 0xfe05_dc9a | 0x545c_d15a
            | 0xfef4_8f62 => self.send_message(call, ReplyForm::Object, d),
            0xa0f4_cb4f => self.get_dialogs(call, d),
            0xe470_bcfd => self.get_peer_dialogs(call, d),
            0xd6b9_4df2 => self.get_pinned_dialogs(call, d),
            0x4423_e6c5 => self.get_history(call, d),
            0x63c6_6506 => self.get_messages(call, d),
            0x0e30_6d3a => self.read_history(call, d),
            0xedd4_882a => end(d).and_then(|()| self.get_state(call)),
            0x2593_9651 | 0x19c2_f763 => self.get_difference(call, d),
            _ => return None,
        })
    }

    fn call_files(&mut self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            0xb304_a621 => self.save_file_part(call, d),
            0xde7b_673d => self.save_big_file_part(call, d),
            0xbe53_35be => self.get_file(call, d),
            _ => return None,
        })
    }

    /// `account.updateStatus offline:Bool`: who is online is not told to anybody.
    fn update_status(call: &Call, d: &mut Decoder<'_>) -> Reply {
        d.read::<bool>()?;
        end(d)?;
        call.user()?;
        Ok(true.to_bytes())
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("this_dc", &self.config.this_dc)
            .field("accounts", &self.accounts.len())
            .finish_non_exhaustive()
    }
}

/// Answers a method without arguments.
fn done(d: &Decoder<'_>, answer: impl FnOnce() -> Vec<u8>) -> Reply {
    end(d)?;
    Ok(answer())
}

/// Reads the flags with which newer forms of a method begin.
fn flags(d: &mut Decoder<'_>) -> Result<Flags, Fault> {
    Ok(d.read()?)
}
