//! Links between a client and the server, of packets or of bytes.
//!
//! | module | idea |
//! |---|---|
//! | `pipe` | one direction: what becomes of what is sent, and when it arrives |

mod pipe;

use mtp_env::Now;
use mtp_session::LinkId;
use mtp_session::session::LinkKind;
use mtp_transport::framing::Tag;
use mtp_transport::link::{ClientConfig, ServerConfig, Stack};
use mtp_transport::obfuscation::DcId;
use mtp_transport::{ClientLink, Framing, ServerLink};

pub use pipe::{Payload, Pipe};

use crate::dice::Dice;

/// What a link carries.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two levels of simulation")]
pub enum Carriage {
    /// Packets, each by itself: they may be lost, doubled, reordered, replayed.
    Packets,
    /// Bytes in order, which a client's and a server's transport turn into packets.
    Bytes(Stack),
}

impl Carriage {
    /// Draws what a link carries.
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

/// One link, both directions and both ends.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) id: LinkId,
    pub(crate) client: usize,
    /// Which of the client's links it is.
    pub(crate) slot: usize,
    pub(crate) kind: LinkKind,
    /// Client to server.
    pub(crate) up: Pipe,
    /// Server to client.
    pub(crate) down: Pipe,
    /// The transports, on links that carry bytes.
    pub(crate) ends: Option<Box<(ClientLink, ServerLink)>>,
    /// The client holds its end.
    pub(crate) client_open: bool,
    /// The server holds its end.
    pub(crate) server_open: bool,
}

impl Wire {
    /// Returns the two transports of a link that carries bytes.
    pub(crate) fn ends(
        carriage: &Carriage,
        (client, server): (Now, Now),
        dice: &mut Dice,
    ) -> Option<Box<(ClientLink, ServerLink)>> {
        let Carriage::Bytes(stack) = carriage else { return None };
        let config = ClientConfig::new(stack.clone());
        let client = ClientLink::new(client, config, Box::new(dice.entropy()));
        let server = ServerLink::new(server, ServerConfig::default(), Box::new(dice.entropy()));
        Some(Box::new((client, server)))
    }
}
