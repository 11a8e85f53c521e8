//! From a client's first byte to a secret and a data centre, or to a refusal.
//!
//! ```text
//!  [Preface] ──▶ [Detect] ─── 16 03 01 ──▶ [Hello] ──▶ [CheckHello] ──▶ [Inside] ──▶ accepted
//!                   └─ 64 random bytes ──▶ [CheckHeader] ─────────────────────────▶ accepted
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use mtp_env::{Entropy, Now};

use super::CloseReason;
use super::config::{AllowedTags, RelayConfig};
use crate::detect::{Spoken, detect};
use crate::faketls::hello::{AcceptedHello, Hello};
use crate::faketls::{HelloError, Records, flight};
use crate::framing::Tag;
use crate::layer::Step;
use crate::obfuscation::{self, DcId, HEADER_LEN, Streams};
use crate::proxy_protocol::Preface;
use crate::replay::{ReplayKey, Seen};
use crate::secret::{Domain, ProxySecret, SecretKey};

/// What is known of a client that has not proved anything yet.
pub(super) struct Opening {
    /// Every byte received but the preface, until one of them is answered.
    received: Vec<u8>,
    preface: Option<Preface>,
    /// The answer to a hello is out.
    answered: bool,
    stage: Stage,
}

enum Stage {
    Preface,
    Detect,
    Hello,
    CheckHello(Box<CheckedHello>),
    Inside(Box<Inside>),
    CheckHeader(Box<Accepted>),
    /// There is nothing more to find out.
    Over,
}

/// A good hello that may still be a replay.
struct CheckedHello {
    hello: AcceptedHello,
    consumed: usize,
    secret: usize,
}

/// A client whose hello was answered; its header comes in records.
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
    /// The records it speaks in, if it does.
    pub(super) records: Option<Records>,
    /// What came behind the header, still encrypted and in its records.
    pub(super) rest: Vec<u8>,
}

/// Where the opening has come to.
pub(super) enum Progress {
    Wait,
    Check(ReplayKey),
    Accepted(Box<Accepted>),
    /// Not a client of ours: a visitor.
    Refused(Refusal),
    /// Not worth an answer of anyone.
    Broken(CloseReason),
}

/// Why a connection is not a client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It speaks something that no secret of ours allows.
    Spoken(Spoken),
    /// Its hello is not good.
    Hello(HelloError),
    /// Its obfuscated header fits no secret, or not the framing that the secret asks for.
    Header,
    /// Its obfuscated header was seen before.
    Replayed,
    /// It did not make up its mind in time.
    Timeout,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spoken(spoken) => write!(f, "{spoken} is not accepted"),
            Self::Hello(error) => error.fmt(f),
            Self::Header => f.write_str("the obfuscated header fits no secret"),
            Self::Replayed => f.write_str("the obfuscated header was seen before"),
            Self::Timeout => f.write_str("the handshake took too long"),
        }
    }
}

/// What a stage leads to.
enum Next {
    /// Another stage can be tried at once.
    Go(Stage),
    /// The stage goes on when something more comes.
    Stay(Stage, Progress),
    /// The opening is over.
    End(Progress),
}

impl Opening {
    pub(super) const fn new(with_preface: bool) -> Self {
        let stage = if with_preface { Stage::Preface } else { Stage::Detect };
        Self { received: Vec::new(), preface: None, answered: false, stage }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Goes on as far as the bytes allow. `seen` answers the last check.
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
                Stage::Preface => self.on_preface(),
                Stage::Detect => self.on_detect(config),
                Stage::Hello => self.on_hello(config, now),
                Stage::CheckHello(checked) => match seen.take() {
                    None => Next::Stay(Stage::CheckHello(checked), Progress::Wait),
                    Some(Seen::Before) => refused(Refusal::Hello(HelloError::Replayed)),
                    Some(Seen::Never) => self.answer(config, &checked, entropy, to_client),
                },
                Stage::Inside(inside) => self.on_inside(config, inside),
                Stage::CheckHeader(accepted) => match seen.take() {
                    None => Next::Stay(Stage::CheckHeader(accepted), Progress::Wait),
                    Some(Seen::Before) => refused(Refusal::Replayed),
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

    /// Returns the number of bytes held.
    pub(super) const fn len(&self) -> usize {
        self.received.len()
    }

    pub(super) const fn preface(&self) -> Option<Preface> {
        self.preface
    }

    /// Reports whether the client was answered, so that it cannot be handed to a site any more.
    pub(super) const fn has_answered(&self) -> bool {
        self.answered
    }

    /// Gives back every byte received, and the domain of ours that the client asked for.
    // spec: transport 8.6
    pub(super) fn give_back(&mut self, config: &RelayConfig) -> (Vec<u8>, Option<Domain>) {
        let received = core::mem::take(&mut self.received);
        let hello = Hello::collect(&received).ok().flatten();
        let name = hello.as_ref().and_then(Hello::server_name).and_then(|name| {
            let mut domains = config.fake_tls_secrets().map(|(_, _, domain)| domain);
            domains.find(|domain| domain.as_bytes() == name).cloned()
        });
        (received, name)
    }

    // spec: transport 7.1
    fn on_preface(&mut self) -> Next {
        match Preface::parse(&self.received) {
            Ok(None) => Next::Stay(Stage::Preface, Progress::Wait),
            Ok(Some((preface, len))) => {
                self.preface = Some(preface);
                self.received.drain(..len.min(self.received.len()));
                Next::Go(Stage::Detect)
            }
            Err(error) => Next::End(Progress::Broken(CloseReason::Preface(error))),
        }
    }

    // spec: transport 1.1
    fn on_detect(&mut self, config: &RelayConfig) -> Next {
        match detect(&self.received) {
            None => Next::Stay(Stage::Detect, Progress::Wait),
            Some(Spoken::Tls) if config.fake_tls_secrets().next().is_some() => {
                Next::Go(Stage::Hello)
            }
            Some(Spoken::Obfuscated) => self.on_header(config),
            Some(spoken) => refused(Refusal::Spoken(spoken)),
        }
    }

    // spec: transport 8.3
    fn on_hello(&mut self, config: &RelayConfig, now: Now) -> Next {
        let hello = match Hello::collect(&self.received) {
            Ok(None) => return Next::Stay(Stage::Hello, Progress::Wait),
            Ok(Some(hello)) => hello,
            Err(error) => return refused(Refusal::Hello(error)),
        };
        let secrets =
            config.fake_tls_secrets().map(|(_, key, domain)| (key, Some(domain.as_bytes())));
        match hello.judge(secrets, now.unix, config.window, config.server_name) {
            Err(error) => refused(Refusal::Hello(error)),
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
            to_client.extend(flight::write(found.key(), hello, &config.shape, entropy));
        }
        self.answered = true;
        self.received.drain(..(*consumed).min(self.received.len()));
        let inside = Inside { records: Records::server(), header: Vec::new(), secret: *secret };
        Next::Go(Stage::Inside(Box::new(inside)))
    }

    /// Collects the header from its records.
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
        let Some(mut accepted) = accepted else { return refused(Refusal::Header) };
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
            None => refused(Refusal::Header),
            Some(accepted) => {
                let key = ReplayKey::of_header(header);
                Next::Stay(Stage::CheckHeader(accepted), Progress::Check(key))
            }
        }
    }

    /// Ends the opening well: what came behind the header goes on to the data centre.
    fn accept(&mut self, mut accepted: Box<Accepted>) -> Next {
        let mut rest = core::mem::take(&mut self.received);
        if accepted.records.is_none() {
            rest.drain(..HEADER_LEN.min(rest.len()));
        }
        accepted.rest = rest;
        Next::End(Progress::Accepted(accepted))
    }
}

fn refused(refusal: Refusal) -> Next {
    Next::End(Progress::Refused(refusal))
}

/// Reads a header with one secret, which must also allow the framing.
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
