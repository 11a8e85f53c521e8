//! Spans and events for `tracing`, or nothing without the feature.

/// Notes something that whoever looks for a fault wants to see.
#[cfg(feature = "tracing")]
macro_rules! note {
    ($($event:tt)*) => { tracing::debug!($($event)*) };
}

/// Notes nothing; what it would have noted still counts as used.
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
