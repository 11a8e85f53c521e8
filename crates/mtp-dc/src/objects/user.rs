//! `user` and what belongs to it.

use mtp_server::UserId;
use mtp_tl::{Encode, Flags, Output};

use crate::ids::constructors;
use crate::layers::{self, Layer};
use crate::state::accounts::Account;

/// `user`, as one user sees another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User<'a> {
    pub(crate) account: &'a Account,
    /// The user who sees it.
    pub(crate) viewer: Option<UserId>,
    pub(crate) layer: Layer,
}

impl Encode for User<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let Account { id, access_hash, phone, first_name, last_name, username, .. } = self.account;
        let is_self = self.viewer == Some(*id);
        let last_name = Some(last_name).filter(|name| !name.is_empty());
        // A number is visible to its owner only.
        let phone = phone.as_ref().filter(|_| is_self);
        layers::USER.put(self.layer, out);
        Flags::NONE
            .with(0, true)
            .with(1, true)
            .with(2, last_name.is_some())
            .with(3, username.is_some())
            .with(4, phone.is_some())
            .with(10, is_self)
            .encode(out);
        Flags::NONE.encode(out);
        id.as_i64().encode(out);
        access_hash.encode(out);
        first_name.encode(out);
        last_name.encode(out);
        username.encode(out);
        phone.encode(out);
    }
}

/// `peerNotifySettings` without any setting.
pub(crate) struct NotifySettings(pub(crate) Layer);

impl Encode for NotifySettings {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        layers::PEER_NOTIFY_SETTINGS.put(self.0, out);
        Flags::NONE.encode(out);
    }
}

/// `peerUser`
pub(crate) struct PeerUser(pub(crate) UserId);

impl Encode for PeerUser {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::PEER_USER.encode(out);
        self.0.as_i64().encode(out);
    }
}
