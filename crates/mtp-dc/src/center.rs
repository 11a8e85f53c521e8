//! The API as an application on an endpoint.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;

use mtp_env::{Entropy, Now};
use mtp_server::{Answer, Endpoint, EndpointEvent, IncomingCall};
use mtp_tl::ConstructorId;

use crate::api::{Api, ApiEvent};
use crate::call::CallContext;
use crate::config::ApiConfig;
use crate::state::logins::Code;

/// Data center configuration.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct DataCenterConfig {
    /// What the API answers, and its limits.
    pub api: ApiConfig,
    /// What happens to calls that the API does not know. Default: refused.
    pub unknown_calls: UnknownCalls,
}

impl DataCenterConfig {
    /// Creates a configuration that refuses unknown calls.
    pub const fn new(api: ApiConfig) -> Self {
        Self { api, unknown_calls: UnknownCalls::Refuse }
    }
}

/// What happens to calls that the API does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownCalls {
    /// They are answered with `INPUT_METHOD_INVALID_…`.
    Refuse,
    /// They come out as [`DcEvent::Call`] for the embedder to answer.
    Report,
}

/// An event of a data center that the embedder has to handle.
#[derive(Debug)]
#[non_exhaustive]
pub enum DcEvent {
    /// A login waits for a random code: send it to the owner of the number and nowhere else.
    LoginCode {
        /// The number, digits only.
        phone: String,
        /// The code.
        code: Code,
    },
    /// A call that the API does not know, to be answered with [`Endpoint::answer`].
    Call(IncomingCall),
}

/// Telegram's API on an [`Endpoint`]: events in, answers and pushes out.
///
/// The embedder drives the endpoint and passes every event to [`handle_event`](Self::handle_event).
#[derive(Debug)]
pub struct DataCenter {
    api: Api,
    unknown_calls: UnknownCalls,
    events: VecDeque<DcEvent>,
}

impl DataCenter {
    /// Creates a data center with the accounts of its configuration.
    ///
    /// It takes a tenth of a second for each password among them.
    #[must_use]
    pub fn new(config: DataCenterConfig, entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            api: Api::new(config.api, entropy),
            unknown_calls: config.unknown_calls,
            events: VecDeque::new(),
        }
    }

    /// Handles an event of the endpoint: answers a call that the API knows, with the pushes it causes.
    ///
    /// Then drain [`poll_event`](Self::poll_event).
    pub fn handle_event(&mut self, now: Now, endpoint: &mut Endpoint, event: EndpointEvent) {
        match event {
            EndpointEvent::Call(call) => self.handle_call(now, endpoint, call),
            EndpointEvent::SessionClosed { session, identity, .. } => {
                self.api.forget_session(session, identity);
            }
            EndpointEvent::KeyDestroyed { key, .. } => self.api.forget_key(key),
            _ => {}
        }
        self.apply(now, endpoint);
    }

    /// Returns the next event for the embedder.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<DcEvent> {
        self.events.pop_front()
    }

    fn handle_call(&mut self, now: Now, endpoint: &mut Endpoint, call: IncomingCall) {
        let caller = CallContext {
            session: call.session,
            identity: call.identity,
            layer: call.layer,
            without_updates: call.without_updates,
            address: call.address,
        };
        let answer = match (self.api.handle_call(now, &caller, &call.query), self.unknown_calls) {
            (Some(answer), _) => answer,
            (None, UnknownCalls::Refuse) => {
                Answer::unknown_method(call.method().map_or(0, ConstructorId::get), call.layer)
            }
            (None, UnknownCalls::Report) => {
                self.events.push_back(DcEvent::Call(call));
                return;
            }
        };
        // A session that is closed needs no answer, and the API's answers fit into a message.
        let _ = endpoint.answer(now, call.token, &answer);
    }

    /// Applies what calls caused, behind their answers.
    fn apply(&mut self, now: Now, endpoint: &mut Endpoint) {
        while let Some(event) = self.api.poll_event() {
            match event {
                ApiEvent::Push { session, body } => {
                    // A session that takes no more gets an `updatesTooLong` by itself.
                    let _ = endpoint.push(now, session, &body);
                }
                ApiEvent::User { key, user } => {
                    // A key that is destroyed has no user.
                    let _ = endpoint.set_user(key, user);
                }
                ApiEvent::LoginCode { phone, code } => {
                    self.events.push_back(DcEvent::LoginCode { phone, code });
                }
            }
        }
    }
}
