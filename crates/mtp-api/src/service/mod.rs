//! The service schema: key exchange, results and errors of calls, salts, acknowledgements, the life of sessions.
//!
//! `generated.rs` is what `mtp-schema` writes for `schema/mtproto.tl`; the test `service` keeps it fresh. The
//! session layer has hand-written twins of what it sends and receives itself; these are for tools and
//! tests. Containers are left out: the length that each of their messages carries is not TL's to know.

include!("generated.rs");
