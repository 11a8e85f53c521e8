//! Spans and events for `tracing`, or nothing without the feature.

/// Emits an event at level debug.
#[cfg(feature = "tracing")]
macro_rules! note {
    ($($event:tt)*) => { tracing::debug!($($event)*) };
}

/// Emits nothing; the values still count as used.
#[cfg(not(feature = "tracing"))]
macro_rules! note {
    ($($key:ident = %$value:expr,)* $text:literal) => {{ $(let _ = &$value;)* }};
}

/// Runs a future within a span.
#[cfg(feature = "tracing")]
macro_rules! within {
    ($future:expr, $name:literal, $($key:ident = %$value:expr),*) => {
        tracing::Instrument::instrument($future, tracing::debug_span!($name, $($key = %$value),*))
    };
}

/// Runs a future.
#[cfg(not(feature = "tracing"))]
macro_rules! within {
    ($future:expr, $name:literal, $($key:ident = %$value:expr),*) => {{
        $(let _ = &$value;)*
        $future
    }};
}

pub(crate) use {note, within};
