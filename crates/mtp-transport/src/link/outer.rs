//! The closed set of layers, with dispatch by `match`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_env::{Deadline, Entropy, Now};

use super::LinkError;
use crate::code::TransportCode;
use crate::faketls::{FakeTlsClient, FakeTlsServer};
use crate::http::{HttpClient, HttpServer};
use crate::layer::{Layer, Step};
use crate::websocket::{WebSocketClient, WebSocketServer};

/// The layer of a link.
pub(crate) enum Outer {
    /// No layer: outer bytes are inner bytes.
    Bare,
    FakeTlsClient(Box<FakeTlsClient>),
    FakeTlsServer(Box<FakeTlsServer>),
    WebSocketClient(Box<WebSocketClient>),
    WebSocketServer(Box<WebSocketServer>),
    HttpClient(Box<HttpClient>),
    HttpServer(Box<HttpServer>),
}

/// Evaluates one expression for the layer, whatever its type, or another one without a layer.
macro_rules! dispatch {
    ($outer:expr, $layer:ident => $body:expr, bare => $bare:expr) => {
        match $outer {
            Outer::Bare => $bare,
            Outer::FakeTlsClient($layer) => $body,
            Outer::FakeTlsServer($layer) => $body,
            Outer::WebSocketClient($layer) => $body,
            Outer::WebSocketServer($layer) => $body,
            Outer::HttpClient($layer) => $body,
            Outer::HttpServer($layer) => $body,
        }
    };
}

/// The methods of [`Layer`]; without a layer all bytes pass through and nothing is added.
impl Outer {
    pub(crate) const fn is_bare(&self) -> bool {
        matches!(self, Self::Bare)
    }

    #[inline]
    pub(crate) fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, LinkError> {
        dispatch!(
            self,
            layer => layer.open(now, outer).map_err(LinkError::from),
            bare => Ok(Step::Stream { skip: 0, len: outer.len() })
        )
    }

    #[inline]
    pub(crate) fn can_send(&self) -> bool {
        dispatch!(self, layer => layer.can_send(), bare => true)
    }

    #[inline]
    pub(crate) fn room(&self) -> usize {
        dispatch!(self, layer => layer.room(), bare => 0)
    }

    #[inline]
    pub(crate) fn seal(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        start: usize,
        entropy: &mut dyn Entropy,
    ) {
        dispatch!(self, layer => layer.seal(now, out, start, entropy), bare => ());
    }

    pub(crate) fn poll_transmit(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> bool {
        dispatch!(self, layer => layer.poll_transmit(now, out, entropy), bare => false)
    }

    pub(crate) fn make_way(&mut self, outer: &[u8]) -> bool {
        dispatch!(self, layer => layer.make_way(outer), bare => false)
    }

    pub(crate) fn error(&mut self, now: Now, code: TransportCode, out: &mut Vec<u8>) -> bool {
        dispatch!(self, layer => layer.error(now, code, out), bare => false)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        dispatch!(self, layer => layer.poll_timeout(), bare => None)
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) -> Result<(), LinkError> {
        dispatch!(
            self,
            layer => layer.handle_timeout(now).map_err(LinkError::from),
            bare => Ok(())
        )
    }

    pub(crate) fn handle_eof(&mut self, rest: &[u8]) -> Result<(), LinkError> {
        dispatch!(
            self,
            layer => layer.handle_eof(rest).map_err(LinkError::from),
            bare => Ok(())
        )
    }

    pub(crate) fn close(&mut self, code: Option<TransportCode>) {
        dispatch!(self, layer => layer.close(code), bare => ());
    }

    pub(crate) fn is_closed(&self) -> bool {
        dispatch!(self, layer => layer.is_closed(), bare => false)
    }
}
