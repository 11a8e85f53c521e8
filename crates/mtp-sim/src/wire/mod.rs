//! Links between a client and the server, which carry packets or bytes.
//!
//! | module | content |
//! |---|---|
//! | `pipe` | one direction: loss, corruption and delay |

mod pipe;

use mtp_crypto::DcId;
use mtp_env::Now;
use mtp_session::link::LinkId;
use mtp_session::session::LinkKind;
use mtp_transport::framing::{Framing, Tag};
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};

pub use pipe::{Payload, Pipe};

use crate::dice::Dice;

/// What a link carries.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two levels of simulation")]
pub enum Carriage {
    /// Datagrams: packets may be lost, duplicated, reordered and replayed.
    Packets,
    /// A stream of bytes, with a transport of `mtp-transport` at both ends.
    Bytes(Stack),
}

impl Carriage {
    /// Draws a carriage.
    pub fn draw(dice: &mut Dice) -> Self {
        let dc = DcId::new(2);
        let obfuscated = |tag| Self::Bytes(Stack::Obfuscated { tag, dc, secret: None });
        match dice.below(14) {
            0 => Self::Bytes(Stack::Plain(Framing::Abridged)),
            1 => Self::Bytes(Stack::Plain(Framing::Intermediate)),
            2 => Self::Bytes(Stack::Plain(Framing::PaddedIntermediate)),
            3 => Self::Bytes(Stack::Plain(Framing::Full)),
            4 => obfuscated(Tag::ABRIDGED),
            5 => obfuscated(Tag::PADDED_INTERMEDIATE),
            _ => Self::Packets,
        }
    }
}

/// A link: both directions and both ends.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) id: LinkId,
    pub(crate) client: usize,
    /// The index among the client's links.
    pub(crate) slot: usize,
    pub(crate) kind: LinkKind,
    /// Client to server.
    pub(crate) up: Pipe,
    /// Server to client.
    pub(crate) down: Pipe,
    /// The transports of a link that carries bytes.
    pub(crate) ends: Option<Box<(ClientLink, ServerLink)>>,
    /// The client's end is open.
    pub(crate) client_open: bool,
    /// The server's end is open.
    pub(crate) server_open: bool,
}

impl Wire {
    /// Makes the transports of a link that carries bytes.
    pub(crate) fn ends(
        carriage: &Carriage,
        (client, server): (Now, Now),
        dice: &mut Dice,
    ) -> Option<Box<(ClientLink, ServerLink)>> {
        let Carriage::Bytes(stack) = carriage else { return None };
        let config = ClientLinkConfig::new(stack.clone());
        let client = ClientLink::new(client, config, Box::new(dice.entropy()));
        let server = ServerLink::new(server, ServerLinkConfig::default(), Box::new(dice.entropy()));
        Some(Box::new((client, server)))
    }
}
