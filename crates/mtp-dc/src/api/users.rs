//! `users.*` and `contacts.*`: who somebody is, and how they are found.
//!
//! No address book is kept: what is imported is found, and forgotten.

use alloc::vec::Vec;

use mtp_tl::{Decoder, Encode, Flags, Output, TlStr};

use super::Api;
use super::account::{Account, UserId};
use super::call::{Call, Fault, Named, Reply, end, text, vector};
use super::layers::{self, Layer};
use super::login::read_phone;

impl Api {
    /// `users.getUsers id:Vector<InputUser>`
    pub(super) fn get_users(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let viewer = call.user()?;
        let mut users = Vec::new();
        for _ in 0..vector(d, 4, USERS_MAX)? {
            let named = Named::read(d)?;
            if let Ok(account) = self.accounts.find(call, named, "USER_ID_INVALID") {
                users.push(User { account, viewer: Some(viewer), layer: call.layer });
            }
        }
        end(d)?;
        Ok(users.to_bytes())
    }

    /// `users.getFullUser id:InputUser`
    pub(super) fn get_full_user(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let named = Named::read(d)?;
        end(d)?;
        let viewer = Some(call.user()?);
        let account = self.accounts.find(call, named, "USER_ID_INVALID")?;
        Ok(FullUser { user: User { account, viewer, layer: call.layer } }.to_bytes())
    }

    /// `contacts.resolveUsername flags:# username:string referer:flags.0?string`
    pub(super) fn resolve_username(&self, call: &Call, flags: Flags, d: &mut Decoder<'_>) -> Reply {
        let username = text(d)?;
        d.optional::<TlStr<'_>>(flags, 0)?;
        end(d)?;
        call.user()?;
        let found = self.accounts.find_username(username.trim_start_matches('@'));
        self.resolved(call, found, "USERNAME_NOT_OCCUPIED")
    }

    /// `contacts.resolvePhone phone:string`
    pub(super) fn resolve_phone(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let phone = read_phone(d)?;
        end(d)?;
        call.user()?;
        self.resolved(call, self.accounts.find_phone(&phone), "PHONE_NOT_OCCUPIED")
    }

    fn resolved(&self, call: &Call, found: Option<UserId>, unknown: &str) -> Reply {
        let account = found.and_then(|id| self.accounts.get(id));
        let account = account.ok_or_else(|| Fault::new(400, unknown))?;
        let mut out = Vec::new();
        0x7f07_7ad9_u32.encode(&mut out); // contacts.resolvedPeer
        PeerUser(account.id).encode(&mut out);
        NONE.encode(&mut out);
        alloc::vec![User { account, viewer: call.user, layer: call.layer }].encode(&mut out);
        Ok(out)
    }

    /// `contacts.getContacts hash:long`: there are none.
    pub(super) fn get_contacts(call: &Call, d: &mut Decoder<'_>) -> Reply {
        d.read::<i64>()?;
        end(d)?;
        call.user()?;
        let mut out = Vec::new();
        0xeae8_7e42_u32.encode(&mut out); // contacts.contacts
        NONE.encode(&mut out);
        0_i32.encode(&mut out);
        NONE.encode(&mut out);
        Ok(out)
    }

    /// `contacts.getStatuses`: of nobody, since there are no contacts.
    pub(super) fn no_statuses(call: &Call) -> Reply {
        call.user()?;
        Ok(NONE.to_bytes())
    }

    /// `contacts.importContacts contacts:Vector<InputContact>`
    pub(super) fn import_contacts(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let mut found = Vec::new();
        for _ in 0..vector(d, 24, CONTACTS_MAX)? {
            let (client_id, phone) = read_contact(d)?;
            if let Some(id) = phone.and_then(|phone| self.accounts.find_phone(&phone)) {
                found.push((id, client_id));
            }
        }
        end(d)?;
        call.user()?;
        let mut out = Vec::new();
        0x77d0_1c3b_u32.encode(&mut out); // contacts.importedContacts
        found
            .iter()
            .map(|(id, client)| Imported(*id, *client))
            .collect::<Vec<_>>()
            .encode(&mut out);
        NONE.encode(&mut out); // popular_invites
        NONE.encode(&mut out); // retry_contacts
        let users = found.into_iter().map(|(id, _)| id).collect();
        self.users(call, users).encode(&mut out);
        Ok(out)
    }

    /// Returns users as a client's layer writes them, each once.
    pub(super) fn users(&self, call: &Call, ids: Vec<UserId>) -> Vec<User<'_>> {
        let accounts = self.accounts.several(ids).into_iter();
        accounts.map(|account| User { account, viewer: call.user, layer: call.layer }).collect()
    }
}

/// Reads an `InputContact`: what the client calls it, and the number if it is one.
fn read_contact(d: &mut Decoder<'_>) -> Result<(i64, Option<alloc::string::String>), Fault> {
    let flags = match d.id()?.get() {
        0xf392_b7f4 => Flags::NONE,
        0x6a1d_c4be => d.read()?,
        _ => return Err(Fault::Unreadable),
    };
    let client_id = d.read()?;
    let phone = read_phone(d);
    if phone == Err(Fault::Unreadable) {
        return Err(Fault::Unreadable);
    }
    d.string()?;
    d.string()?;
    if flags.has(0) {
        d.expect_id(super::call::bare(TEXT_WITH_ENTITIES), "TextWithEntities")?;
        d.string()?;
        vector(d, 12, 0)?; // notes are forgotten, and so formatted ones are not read
    }
    Ok((client_id, phone.ok()))
}

/// `user`, as one user sees another.
#[derive(Clone, Copy, Debug)]
pub(super) struct User<'a> {
    pub(super) account: &'a Account,
    /// Who looks.
    pub(super) viewer: Option<UserId>,
    pub(super) layer: Layer,
}

impl Encode for User<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let Account { id, access_hash, phone, first_name, last_name, username, .. } = self.account;
        let is_self = self.viewer == Some(*id);
        let last_name = Some(last_name).filter(|name| !name.is_empty());
        // Numbers are shown to their owners only.
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
        id.get().encode(out);
        access_hash.encode(out);
        first_name.encode(out);
        last_name.encode(out);
        username.encode(out);
        phone.encode(out);
    }
}

/// `users.userFull`
struct FullUser<'a> {
    user: User<'a>,
}

impl Encode for FullUser<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let User { account, layer, .. } = self.user;
        0x3b6d_152e_u32.encode(out);
        layers::USER_FULL.put(layer, out);
        Flags::NONE.encode(out);
        if layer.has(layers::USER_FULL_FLAGS2) {
            Flags::NONE.encode(out);
        }
        account.id.get().encode(out);
        layers::PEER_SETTINGS.put(layer, out);
        Flags::NONE.encode(out);
        NotifySettings(layer).encode(out);
        0_i32.encode(out); // common_chats_count: there are no groups
        NONE.encode(out);
        alloc::vec![self.user].encode(out);
    }
}

/// `peerNotifySettings` without a wish.
pub(super) struct NotifySettings(pub(super) Layer);

impl Encode for NotifySettings {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        layers::PEER_NOTIFY_SETTINGS.put(self.0, out);
        Flags::NONE.encode(out);
    }
}

/// `peerUser`
pub(super) struct PeerUser(pub(super) UserId);

impl Encode for PeerUser {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x5951_1722_u32.encode(out);
        self.0.get().encode(out);
    }
}

/// `importedContact`
struct Imported(UserId, i64);

impl Encode for Imported {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0xc13e_3c50_u32.encode(out);
        self.0.get().encode(out);
        self.1.encode(out);
    }
}

/// A vector of anything without items.
pub(super) const NONE: Vec<i32> = Vec::new();

const TEXT_WITH_ENTITIES: u32 = 0x751f_3146;
/// Users asked for at once.
const USERS_MAX: usize = 200;
/// Contacts imported at once.
const CONTACTS_MAX: usize = 500;
