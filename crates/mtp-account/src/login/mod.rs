//! Parts of the login: the link behind a QR code.
// spec: account 1.5

mod link;

pub use link::{InvalidLoginLink, LoginToken};
