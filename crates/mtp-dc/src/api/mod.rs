//! The API of the data center: one call in, one answer out, no I/O. One file for each namespace.
//!
//! Answers are encoded in the client's layer, from 155 to 230. A client without a layer gets the newest
//! form. An older client gets the form of 155 and cannot log in. Methods are known by all ids they had
//! in these layers.

mod account;
mod auth;
mod contacts;
mod help;
mod langpack;
mod messages;
mod updates;
mod upload;
mod users;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::AuthKeyId;
use mtp_env::{Entropy, Now};
use mtp_server::{Answer, UserId};
use mtp_session::server::SessionName;
use mtp_tl::{Decoder, Flags};

use crate::call::{Call, CallContext, Fault, Reply, end};
use crate::config::ApiConfig;
use crate::layers::Layer;
use crate::state::accounts::Accounts;
use crate::state::exports::Exports;
use crate::state::files::Files;
use crate::state::guesses::Guesses;
use crate::state::logins::{Code, Logins};

/// An effect of a call beside its answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiEvent {
    /// An update for a session.
    Push {
        /// The session.
        session: SessionName,
        /// The update, a boxed TL value.
        body: Vec<u8>,
    },
    /// The user of a permanent key changed.
    User {
        /// The key.
        key: AuthKeyId,
        /// The user who is logged in with it now.
        user: Option<UserId>,
    },
    /// A login waits for a random code: send it to the owner of the number.
    LoginCode {
        /// The number, digits only.
        phone: String,
        /// The code.
        code: Code,
    },
}

/// The methods of the data center and their state.
///
/// After every verb: drain [`poll_event`](Self::poll_event).
pub struct Api {
    pub(crate) config: ApiConfig,
    pub(crate) accounts: Accounts,
    pub(crate) logins: Logins,
    exports: Exports,
    files: Files,
    /// Attempts with codes and passwords.
    guesses: Guesses,
    /// Requests for codes.
    code_requests: Guesses,
    /// Numbers looked up.
    lookups: Guesses,
    events: VecDeque<ApiEvent>,
    entropy: Box<dyn Entropy + Send>,
}

impl Api {
    /// Creates an API with the accounts of its configuration.
    ///
    /// It takes a tenth of a second for each password among them.
    #[must_use]
    pub fn new(config: ApiConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            accounts: Accounts::new(&config, &mut entropy),
            config,
            logins: Logins::default(),
            exports: Exports::default(),
            files: Files::default(),
            guesses: Guesses::default(),
            code_requests: Guesses::default(),
            lookups: Guesses::default(),
            events: VecDeque::new(),
            entropy,
        }
    }

    /// Answers a call without its wrappers; returns `None` if the method is unknown.
    #[must_use]
    pub fn handle_call(&mut self, now: Now, caller: &CallContext, query: &[u8]) -> Option<Answer> {
        let mut d = Decoder::new(query);
        let Ok(id) = d.id() else {
            return Some(Answer::error(400, "INPUT_REQUEST_EMPTY"));
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
        let reply = (self.call_messages(&call, id.get(), d))
            .or_else(|| self.call_updates(&call, id.get(), d))
            .or_else(|| self.call_upload(&call, id.get(), d))
            .or_else(|| self.call_users(&call, id.get(), d))
            .or_else(|| self.call_contacts(&call, id.get(), d))
            .or_else(|| self.call_auth(&call, id.get(), d))
            .or_else(|| self.call_account(&call, id.get(), d))
            .or_else(|| self.call_help(&call, id.get(), d))
            .or_else(|| Self::call_langpack(id.get(), d));
        Some(match reply? {
            Ok(result) => Answer::Result(result),
            Err(Fault::Error(code, message)) => Answer::Error { code, message },
            Err(Fault::Unreadable) => Answer::unknown_method(id.get(), caller.layer),
        })
    }

    /// Returns the next effect of a call.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ApiEvent> {
        self.events.pop_front()
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
