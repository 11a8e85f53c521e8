//! The closed set of layers.

use alloc::boxed::Box;

use crate::faketls::{FakeTlsClient, FakeTlsServer};
use crate::http::{HttpClient, HttpServer};
use crate::layer::Layer;
use crate::websocket::{WebSocketClient, WebSocketServer};

/// What stands between the socket and the obfuscation or the frames.
pub(crate) enum Outer {
    /// Nothing: outer bytes are inner bytes.
    Bare,
    FakeTlsClient(Box<FakeTlsClient>),
    FakeTlsServer(Box<FakeTlsServer>),
    WebSocketClient(Box<WebSocketClient>),
    WebSocketServer(Box<WebSocketServer>),
    HttpClient(Box<HttpClient>),
    HttpServer(Box<HttpServer>),
}

impl Outer {
    /// Returns the layer, if there is one.
    pub(crate) fn layer(&self) -> Option<&dyn Layer> {
        match self {
            Self::Bare => None,
            Self::FakeTlsClient(layer) => Some(&**layer),
            Self::FakeTlsServer(layer) => Some(&**layer),
            Self::WebSocketClient(layer) => Some(&**layer),
            Self::WebSocketServer(layer) => Some(&**layer),
            Self::HttpClient(layer) => Some(&**layer),
            Self::HttpServer(layer) => Some(&**layer),
        }
    }

    /// Returns the layer, if there is one.
    pub(crate) fn layer_mut(&mut self) -> Option<&mut dyn Layer> {
        match self {
            Self::Bare => None,
            Self::FakeTlsClient(layer) => Some(&mut **layer),
            Self::FakeTlsServer(layer) => Some(&mut **layer),
            Self::WebSocketClient(layer) => Some(&mut **layer),
            Self::WebSocketServer(layer) => Some(&mut **layer),
            Self::HttpClient(layer) => Some(&mut **layer),
            Self::HttpServer(layer) => Some(&mut **layer),
        }
    }
}
