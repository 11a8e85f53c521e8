//! Notices of a server to its operator.

use core::fmt;
use core::net::IpAddr;

use mtp_proto::ConnectionError;
use mtp_server::Refused;
use mtp_session::link::LinkId;
use mtp_store::{Damage, StoreError};

use crate::chain::Chain;

/// Something that an operator may want in a log. Clients learn no more than the protocol says.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerNotice<'a> {
    /// A connection was closed when it was accepted.
    NotAccepted {
        /// The client's address.
        address: IpAddr,
        /// Why.
        error: &'a Refused,
    },
    /// A packet was refused. The link may go on.
    Refused {
        /// The link.
        link: LinkId,
        /// Why.
        error: &'a ConnectionError,
    },
    /// Something in the store could not be read.
    StoreDamaged(&'a Damage),
    /// The store fails: until it recovers, clients with a key are served and new keys are refused.
    StoreFailed(&'a StoreError),
    /// The store works again.
    StoreRecovered,
}

impl fmt::Display for ServerNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepted { address, error } => {
                write!(f, "connection from {address} not accepted: {}", Chain(*error))
            }
            Self::Refused { link, error } => {
                write!(f, "link {} refused: {}", link.as_u64(), Chain(*error))
            }
            Self::StoreDamaged(damage) => write!(f, "the key store is damaged: {damage}"),
            Self::StoreFailed(error) => {
                write!(f, "the key store fails, new keys are refused: {}", Chain(*error))
            }
            Self::StoreRecovered => f.write_str("the key store works again"),
        }
    }
}

/// A notice until the observer gets it: the endpoint is locked when it is made and free when it is passed on.
#[derive(Debug)]
pub(super) enum Noticed {
    NotAccepted { address: IpAddr, error: Refused },
    Refused { link: LinkId, error: ConnectionError },
    StoreFailed(StoreError),
    StoreRecovered,
}

impl Noticed {
    pub(super) const fn as_notice(&self) -> ServerNotice<'_> {
        match self {
            Self::NotAccepted { address, error } => {
                ServerNotice::NotAccepted { address: *address, error }
            }
            Self::Refused { link, error } => ServerNotice::Refused { link: *link, error },
            Self::StoreFailed(error) => ServerNotice::StoreFailed(error),
            Self::StoreRecovered => ServerNotice::StoreRecovered,
        }
    }
}

/// Receives notices. It runs in the task that caused them, after the endpoint is unlocked; notices of
/// different links may come at once.
pub type ServerObserver = Box<dyn Fn(&ServerNotice<'_>) + Send + Sync>;
