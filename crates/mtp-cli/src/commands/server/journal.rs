//! The log of a server: events, notices and refused calls as lines.
//!
//! Some come while the endpoint is locked, so a thread of its own writes them.

use std::io;

use mtp_crypto::AuthKeyId;
use mtp_dc::DcEvent;
use mtp_server::proto::ConnectionError;
use mtp_server::{Answer, EndpointEvent, IncomingCall};
use mtp_session::established::KeyKind;
use mtp_session::exchange::HandshakeError;
use mtp_session::server::{KeyEnd, ServerPacketError, SessionEnd};
use mtp_tl::ConstructorId;
use mtp_tokio::ServerNotice;

use crate::settings::{Log, Settings};
use crate::terminal::{self, Lines, Throttle};

/// Prints what the settings ask for.
pub(super) struct Journal {
    pub(super) settings: Settings,
    refusals: Throttle,
    lines: Lines,
}

impl Journal {
    pub(super) fn new(settings: Settings) -> io::Result<Self> {
        Ok(Self { settings, refusals: Throttle::new(), lines: Lines::start()? })
    }

    /// Writes what waits.
    pub(super) fn flush(&self) {
        self.lines.flush();
    }

    /// Prints a refusal. Strangers cause them, so their rate is bounded.
    pub(super) fn refusal(&self, text: impl FnOnce() -> String) {
        if self.settings.logs(Log::Refusals) {
            self.refusals.pass(text(), |text| self.lines.note(text));
        }
    }

    /// Prints a notice of the driver.
    pub(super) fn notice(&self, notice: &ServerNotice<'_>) {
        match notice {
            ServerNotice::NotAccepted { .. } => self.refusal(|| notice.to_string()),
            ServerNotice::Refused { link, error } => match greeting(error) {
                Some(code) => self.detail(|| {
                    format!("link {} gets the salt or the time (code {code})", link.as_u64())
                }),
                None => self.refusal(|| {
                    let hint = hint(error);
                    format!("link {} refused: {}{hint}", link.as_u64(), terminal::chain(error))
                }),
            },
            // Faults of the store concern the operator in any case.
            notice => self.lines.note(notice.to_string()),
        }
    }

    /// Prints an event of the endpoint.
    pub(super) fn event(&self, event: &EndpointEvent) {
        if self.settings.logs(Log::All)
            && let Some(text) = describe(event)
        {
            self.lines.note(text);
        }
    }

    /// Prints an event of the data center; refuses a call that it does not know.
    ///
    /// Returns the answer to the call.
    pub(super) fn center_event(&self, event: DcEvent) -> Option<(IncomingCall, Answer)> {
        match event {
            DcEvent::LoginCode { phone, code } => {
                // There is no other way to the owner of the number.
                self.lines.note(format!("login code for +{phone}: {}", code.as_str()));
                None
            }
            DcEvent::Call(call) => {
                let id = call.method().map_or(0, ConstructorId::get);
                let answer = Answer::unknown_method(id, call.layer);
                self.refusal(|| {
                    let layer = call.layer.map_or("no layer".to_owned(), |layer| layer.to_string());
                    format!(
                        "link {} called unknown method #{id:08x} (layer: {layer}): INPUT_METHOD_INVALID",
                        call.link.as_u64()
                    )
                });
                Some((call, answer))
            }
            _ => None,
        }
    }

    fn detail(&self, text: impl FnOnce() -> String) {
        if self.settings.logs(Log::All) {
            self.lines.note(text());
        }
    }
}

/// Returns the code of a refusal that every client gets now and then: it learns the salt, or the time, and
/// sends again.
fn greeting(error: &ConnectionError) -> Option<i32> {
    match error {
        ConnectionError::FromClient(ServerPacketError::Rejected(refusal)) => Some(refusal.code()),
        _ => None,
    }
}

/// Names the option that admits an old client.
fn hint(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::FromClient(ServerPacketError::Handshake(HandshakeError::LegacyScheme)) => {
            "; --allow-legacy-rsa admits it"
        }
        ConnectionError::FromClient(ServerPacketError::OldVersion) => "; --allow-v1 admits it",
        _ => "",
    }
}

fn describe(event: &EndpointEvent) -> Option<String> {
    Some(match event {
        EndpointEvent::KeyCreated { established } => {
            let kind = match established.kind {
                KeyKind::Permanent => "permanent",
                KeyKind::Temporary { media: false, .. } => "temporary",
                KeyKind::Temporary { media: true, .. } => "temporary, for media",
                _ => "of another kind",
            };
            format!("key {} created: {kind}", hex(established.key.id()))
        }
        EndpointEvent::KeyBound { temporary, permanent } => {
            format!("key {} bound to {}", hex(*temporary), hex(*permanent))
        }
        EndpointEvent::KeyDestroyed { key, cause } => {
            let cause = match cause {
                KeyEnd::Destroyed => "its client destroyed it",
                KeyEnd::Expired => "it expired",
                KeyEnd::Replaced => "another key replaced it",
                _ => "removed",
            };
            format!("key {} ended: {cause}", hex(*key))
        }
        EndpointEvent::SessionOpened { session, .. } => {
            format!("session {:016x} of key {} opened", session.id.as_raw(), hex(session.key))
        }
        EndpointEvent::SessionClosed { session, cause, .. } => {
            let cause = match cause {
                SessionEnd::Destroyed => ": its client destroyed it",
                _ => "",
            };
            format!(
                "session {:016x} of key {} closed{cause}",
                session.id.as_raw(),
                hex(session.key)
            )
        }
        _ => return None,
    })
}

fn hex(key: AuthKeyId) -> String {
    format!("{:016x}", key.as_raw())
}
