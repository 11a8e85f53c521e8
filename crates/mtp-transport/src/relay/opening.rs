//! The opening: from the first byte to a secret and a data center, or to a refusal.
//!
//! ```text
//!  [ProxyHeader] ──▶ [Detect] ─── 16 03 01 ──▶ [Hello] ──▶ [CheckHello] ──▶ [Inside] ──▶ accepted
//!                       └─ 64 random bytes ──▶ [CheckHeader] ─────────────────────────▶ accepted
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::DcId;
use mtp_env::{Entropy, Now};

use super::config::{AllowedTags, RelayConfig};
use super::event::{CloseReason, RelayRefusal};
use crate::detect::{Protocol, detect};
use crate::faketls::{self, AcceptedHello, ClientHello, HelloError, Records};
use crate::framing::Tag;
use crate::layer::Step;
use crate::obfuscation::{self, HEADER_LEN, Streams};
use crate::proxy_protocol::ProxyHeader;
use crate::replay::{ReplayKey, Seen};
use crate::secret::{Domain, ProxySecret, SecretKey};

/// The opening of a connection that has not proved knowledge of a secret yet.
pub(super) struct Opening {
    /// All bytes received behind the PROXY header, until one of them is answered.
    received: Vec<u8>,
    proxy_header: Option<ProxyHeader>,
    /// A hello was answered.
    answered: bool,
    stage: Stage,
}

enum Stage {
    ProxyHeader,
    Detect,
    Hello,
    CheckHello(Box<CheckedHello>),
    Inside(Box<Inside>),
    CheckHeader(Box<Accepted>),
    /// The opening is complete.
    Over,
}

/// A valid hello that may be a replay.
struct CheckedHello {
    hello: AcceptedHello,
    consumed: usize,
    secret: usize,
}

/// A client whose hello was answered. Its header follows in records.
struct Inside {
    records: Records,
    header: Vec<u8>,
    secret: usize,
}

/// A client that knows a secret.
pub(super) struct Accepted {
    pub(super) secret: usize,
    pub(super) dc: DcId,
    pub(super) tag: Tag,
    pub(super) header: [u8; HEADER_LEN],
    pub(super) key: SecretKey,
    pub(super) streams: Streams,
    /// The records of a FakeTLS client.
    pub(super) records: Option<Records>,
    /// Bytes behind the header, still encrypted and in records.
    pub(super) rest: Vec<u8>,
}

/// Progress of the opening.
pub(super) enum Progress {
    Wait,
    Check(ReplayKey),
    Accepted(Box<Accepted>),
    /// The connection does not prove knowledge of a secret.
    Refused(RelayRefusal),
    /// The connection must be closed.
    Broken(CloseReason),
}

/// Result of a stage.
enum Next {
    /// Continue with another stage.
    Go(Stage),
    /// Continue with the same stage when there is new input.
    Stay(Stage, Progress),
    /// The opening is over.
    End(Progress),
}

impl Opening {
    pub(super) const fn new(with_proxy_header: bool) -> Self {
        let stage = if with_proxy_header { Stage::ProxyHeader } else { Stage::Detect };
        Self { received: Vec::new(), proxy_header: None, answered: false, stage }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Continues as far as the received bytes allow. `seen` is the result of the last check.
    pub(super) fn advance(
        &mut self,
        config: &RelayConfig,
        now: Now,
        mut seen: Option<Seen>,
        entropy: &mut dyn Entropy,
        to_client: &mut Vec<u8>,
    ) -> Progress {
        loop {
            let next = match core::mem::replace(&mut self.stage, Stage::Over) {
                Stage::ProxyHeader => self.on_proxy_header(),
                Stage::Detect => self.on_detect(config),
                Stage::Hello => self.on_hello(config, now),
                Stage::CheckHello(checked) => match seen.take() {
                    None => Next::Stay(Stage::CheckHello(checked), Progress::Wait),
                    Some(Seen::Before) => refused(RelayRefusal::Hello(HelloError::Replayed)),
                    Some(Seen::Never) => self.answer(config, &checked, entropy, to_client),
                },
                Stage::Inside(inside) => self.on_inside(config, inside),
                Stage::CheckHeader(accepted) => match seen.take() {
                    None => Next::Stay(Stage::CheckHeader(accepted), Progress::Wait),
                    Some(Seen::Before) => refused(RelayRefusal::Replayed),
                    Some(Seen::Never) => self.accept(accepted),
                },
                Stage::Over => Next::End(Progress::Wait),
            };
            match next {
                Next::Go(stage) => self.stage = stage,
                Next::Stay(stage, progress) => {
                    self.stage = stage;
                    return progress;
                }
                Next::End(progress) => return progress,
            }
        }
    }

    /// Returns the number of buffered bytes.
    pub(super) const fn len(&self) -> usize {
        self.received.len()
    }

    pub(super) const fn proxy_header(&self) -> Option<ProxyHeader> {
        self.proxy_header
    }

    /// Returns `true` if the client was answered: it cannot be forwarded to the site any more.
    pub(super) const fn has_answered(&self) -> bool {
        self.answered
    }

    /// Returns all received bytes, and the requested server name if it is the domain of a secret.
    // spec: transport 8.6
    pub(super) fn take_received(&mut self, config: &RelayConfig) -> (Vec<u8>, Option<Domain>) {
        let received = core::mem::take(&mut self.received);
        let hello = ClientHello::collect(&received).ok().flatten();
        let name = hello.as_ref().and_then(ClientHello::server_name).and_then(|name| {
            let mut domains = config.fake_tls_secrets().map(|(_, _, domain)| domain);
            domains.find(|domain| domain.as_bytes() == name).cloned()
        });
        (received, name)
    }

    // spec: transport 7.1
    fn on_proxy_header(&mut self) -> Next {
        match ProxyHeader::parse(&self.received) {
            Ok(None) => Next::Stay(Stage::ProxyHeader, Progress::Wait),
            Ok(Some((header, len))) => {
                self.proxy_header = Some(header);
                self.received.drain(..len.min(self.received.len()));
                Next::Go(Stage::Detect)
            }
            Err(error) => Next::End(Progress::Broken(CloseReason::ProxyHeader(error))),
        }
    }

    // spec: transport 1.1
    fn on_detect(&mut self, config: &RelayConfig) -> Next {
        match detect(&self.received) {
            None => Next::Stay(Stage::Detect, Progress::Wait),
            Some(Protocol::Tls) if config.fake_tls_secrets().next().is_some() => {
                Next::Go(Stage::Hello)
            }
            Some(Protocol::Obfuscated) => self.on_header(config),
            Some(protocol) => refused(RelayRefusal::Protocol(protocol)),
        }
    }

    // spec: transport 8.3
    fn on_hello(&mut self, config: &RelayConfig, now: Now) -> Next {
        let hello = match ClientHello::collect(&self.received) {
            Ok(None) => return Next::Stay(Stage::Hello, Progress::Wait),
            Ok(Some(hello)) => hello,
            Err(error) => return refused(RelayRefusal::Hello(error)),
        };
        let secrets =
            config.fake_tls_secrets().map(|(_, key, domain)| (key, Some(domain.as_bytes())));
        match hello.verify(secrets, now.unix, config.window, config.server_name) {
            Err(error) => refused(RelayRefusal::Hello(error)),
            Ok(accepted) => {
                let key = accepted.replay_key();
                let secret = config.fake_tls_secrets().nth(accepted.secret());
                let secret = secret.map_or(0, |(number, _, _)| number);
                let consumed = hello.consumed();
                let checked = CheckedHello { hello: accepted, consumed, secret };
                Next::Stay(Stage::CheckHello(Box::new(checked)), Progress::Check(key))
            }
        }
    }

    fn answer(
        &mut self,
        config: &RelayConfig,
        checked: &CheckedHello,
        entropy: &mut dyn Entropy,
        to_client: &mut Vec<u8>,
    ) -> Next {
        let CheckedHello { hello, consumed, secret } = checked;
        if let Some(found) = config.secret(*secret) {
            to_client.extend(faketls::write_answer(found.key(), hello, &config.shape, entropy));
        }
        self.answered = true;
        self.received.drain(..(*consumed).min(self.received.len()));
        let inside = Inside { records: Records::server(), header: Vec::new(), secret: *secret };
        Next::Go(Stage::Inside(Box::new(inside)))
    }

    /// Collects the obfuscated header from its records.
    fn on_inside(&mut self, config: &RelayConfig, mut inside: Box<Inside>) -> Next {
        let mut rest = &self.received[..];
        let result = loop {
            let missing = HEADER_LEN.saturating_sub(inside.header.len());
            if missing == 0 {
                break Ok(true);
            }
            match inside.records.open_at_most(rest, missing) {
                Ok(Step::Stream { skip, len }) => {
                    let (taken, after) = rest.split_at(skip.saturating_add(len).min(rest.len()));
                    inside.header.extend_from_slice(taken.get(skip..).unwrap_or_default());
                    rest = after;
                }
                Ok(_) => break Ok(false),
                Err(error) => break Err(Progress::Broken(CloseReason::Records(error))),
            }
        };
        let taken = self.received.len().saturating_sub(rest.len());
        self.received.drain(..taken);
        match result {
            Ok(true) => {}
            Ok(false) => return Next::Stay(Stage::Inside(inside), Progress::Wait),
            Err(broken) => return Next::End(broken),
        }
        let key = config.secret(inside.secret).map(ProxySecret::key);
        let accepted =
            inside.header.first_chunk().zip(key).and_then(|(header, key)| {
                accept_with(header, key, AllowedTags::Padded, inside.secret)
            });
        let Some(mut accepted) = accepted else { return refused(RelayRefusal::Header) };
        accepted.records = Some(inside.records);
        self.accept(accepted)
    }

    // spec: transport 5.4
    fn on_header(&mut self, config: &RelayConfig) -> Next {
        let Some(header) = self.received.first_chunk() else {
            return Next::Stay(Stage::Detect, Progress::Wait);
        };
        let accepted = config
            .bare_secrets()
            .find_map(|(number, key, tags)| accept_with(header, key, tags, number));
        match accepted {
            None => refused(RelayRefusal::Header),
            Some(accepted) => {
                let key = ReplayKey::of_header(header);
                Next::Stay(Stage::CheckHeader(accepted), Progress::Check(key))
            }
        }
    }

    /// Completes the opening. The bytes behind the header are for the data center.
    fn accept(&mut self, mut accepted: Box<Accepted>) -> Next {
        let mut rest = core::mem::take(&mut self.received);
        if accepted.records.is_none() {
            rest.drain(..HEADER_LEN.min(rest.len()));
        }
        accepted.rest = rest;
        Next::End(Progress::Accepted(accepted))
    }
}

fn refused(refusal: RelayRefusal) -> Next {
    Next::End(Progress::Refused(refusal))
}

/// Reads a header with one secret, which must allow the framing.
fn accept_with(
    header: &[u8; HEADER_LEN],
    key: &SecretKey,
    tags: AllowedTags,
    secret: usize,
) -> Option<Box<Accepted>> {
    let accepted = obfuscation::accept(header, [key])?;
    tags.contains(accepted.tag).then(|| {
        Box::new(Accepted {
            secret,
            dc: accepted.dc,
            tag: accepted.tag,
            header: *header,
            key: key.clone(),
            streams: accepted.streams,
            records: None,
            rest: Vec::new(),
        })
    })
}
