//! Errors return their source instead of printing it, so that a report shows each cause once.

use core::error::Error;
use std::io;
use std::sync::Arc;

use mtp_tokio::session::client::{CallError, Evidence, ExchangeError, RequestError, ResetCause};
use mtp_tokio::session::exchange::HandshakeError;
use mtp_tokio::{InvokeError, RefusalCause, ServeError, Setback};

/// Checks that an error has words of its own and that none of its sources appears in the text above it.
#[track_caller]
fn check(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.is_empty(), "{error:?} prints nothing");
    if let Some(source) = error.source() {
        assert!(!text.contains(&source.to_string()), "{error:?} prints its source: {text}");
        check(source);
    }
}

#[test]
fn invoke_errors_do_not_print_their_sources() {
    let failed = InvokeError::Failed(CallError::MaybeExecuted);
    assert!(failed.source().is_some());
    for error in [
        InvokeError::Rpc { code: 420, message: "FLOOD_WAIT_3".to_owned() },
        failed,
        InvokeError::Refused(RequestError::UnknownCall),
        InvokeError::Unreachable { dc: 4 },
        InvokeError::Closed,
    ] {
        check(&error);
    }
}

#[test]
fn setbacks_do_not_print_their_sources() {
    let refused = |cause| Setback::Refused { cause, count: 3 };
    let exchange = Setback::Exchange(ExchangeError::Handshake(HandshakeError::UnknownFingerprint));
    assert!(exchange.source().is_some());
    for error in [
        Setback::NotConnected(Arc::new(io::Error::other("inner words"))),
        Setback::ConnectTimeout,
        Setback::Broken(Arc::new(io::Error::other("inner words"))),
        Setback::Closed,
        Setback::TransportError { code: -404 },
        exchange,
        Setback::KeyUnknown(Evidence::Forgeable),
        refused(RefusalCause::Salt),
        refused(RefusalCause::Time),
        refused(RefusalCause::Session(ResetCause::NewKey)),
    ] {
        check(&error);
    }
}

#[test]
fn serve_errors_do_not_print_their_sources() {
    let error = ServeError::Listener(io::Error::other("inner words"));
    assert!(error.source().is_some());
    check(&error);
}
