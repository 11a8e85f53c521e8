//! `contacts.*`: how users are found.
//!
//! There is no address book: imported contacts are looked up and not kept.

use alloc::string::String;
use alloc::vec::Vec;

use mtp_server::UserId;
use mtp_tl::{Decoder, Encode, Flags, Output, TlStr};

use super::{Api, flags};
use crate::call::{Call, Fault, Reply, bare, end, phone, text, vector};
use crate::ids::constructors;
use crate::ids::functions::contacts;
use crate::objects::NONE;
use crate::objects::user::{PeerUser, User};

impl Api {
    /// Answers a call of `contacts.*`.
    pub(super) fn call_contacts(
        &mut self,
        call: &Call,
        id: u32,
        d: &mut Decoder<'_>,
    ) -> Option<Reply> {
        Some(match id {
            contacts::RESOLVE_USERNAME => {
                flags(d).and_then(|flags| self.resolve_username(call, flags, d))
            }
            RESOLVE_USERNAME_EARLIER => self.resolve_username(call, Flags::NONE, d),
            contacts::RESOLVE_PHONE => self.resolve_phone(call, d),
            contacts::GET_CONTACTS => Self::get_contacts(call, d),
            contacts::GET_STATUSES => end(d).and_then(|()| Self::no_statuses(call)),
            contacts::IMPORT_CONTACTS => self.import_contacts(call, d),
            _ => return None,
        })
    }

    /// `contacts.resolveUsername flags:# username:string referer:flags.0?string`
    fn resolve_username(&self, call: &Call, flags: Flags, d: &mut Decoder<'_>) -> Reply {
        let username = text(d)?;
        d.optional::<TlStr<'_>>(flags, 0)?;
        end(d)?;
        call.user()?;
        let found = self.accounts.find_username(username.trim_start_matches('@'));
        self.resolved(call, found, "USERNAME_NOT_OCCUPIED")
    }

    /// `contacts.resolvePhone phone:string`
    fn resolve_phone(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let phone = phone(d)?;
        end(d)?;
        self.charge_lookups(call, 1)?;
        self.resolved(call, self.accounts.find_phone(&phone), "PHONE_NOT_OCCUPIED")
    }

    fn resolved(&self, call: &Call, found: Option<UserId>, unknown: &'static str) -> Reply {
        let account = found.and_then(|id| self.accounts.get(id));
        let account = account.ok_or_else(|| Fault::new(400, unknown))?;
        let mut out = Vec::new();
        constructors::contacts::RESOLVED_PEER.encode(&mut out);
        PeerUser(account.id).encode(&mut out);
        NONE.encode(&mut out);
        alloc::vec![User { account, viewer: call.user, layer: call.layer }].encode(&mut out);
        Ok(out)
    }

    /// `contacts.getContacts hash:long`: there are none.
    fn get_contacts(call: &Call, d: &mut Decoder<'_>) -> Reply {
        d.read::<i64>()?;
        end(d)?;
        call.user()?;
        let mut out = Vec::new();
        constructors::contacts::CONTACTS.encode(&mut out);
        NONE.encode(&mut out);
        0_i32.encode(&mut out);
        NONE.encode(&mut out);
        Ok(out)
    }

    /// `contacts.getStatuses`: none, since there are no contacts.
    fn no_statuses(call: &Call) -> Reply {
        call.user()?;
        Ok(NONE.to_bytes())
    }

    /// Charges numbers to the user and to the network, so that neither tests all numbers there are.
    fn charge_lookups(&mut self, call: &Call, numbers: usize) -> Result<(), Fault> {
        let user = call.user()?;
        let tokens = u32::try_from(numbers).unwrap_or(u32::MAX);
        let (rate, max) = ((self.config.lookups, tokens), self.config.guesses_max);
        self.lookups.check(call.now, call.network(), rate).map_err(Fault::flood)?;
        let user = alloc::format!("user {}", user.as_i64());
        self.lookups.take(call.now, None, Some(&user), rate, max).map_err(Fault::flood)?;
        self.lookups.take(call.now, call.network(), None, rate, max).map_err(Fault::flood)
    }

    /// `contacts.importContacts contacts:Vector<InputContact>`
    fn import_contacts(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let mut contacts = Vec::new();
        for _ in 0..vector(d, 24, CONTACTS_MAX)? {
            contacts.push(read_contact(d)?);
        }
        end(d)?;
        self.charge_lookups(call, contacts.len())?;
        let mut found = Vec::new();
        for (client_id, phone) in contacts {
            if let Some(id) = phone.and_then(|phone| self.accounts.find_phone(&phone)) {
                found.push((id, client_id));
            }
        }
        let mut out = Vec::new();
        constructors::contacts::IMPORTED_CONTACTS.encode(&mut out);
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
}

/// Reads an `InputContact`: the client's id and the phone number, if it is valid.
fn read_contact(d: &mut Decoder<'_>) -> Result<(i64, Option<String>), Fault> {
    let flags = match d.id()?.get() {
        INPUT_PHONE_CONTACT_EARLIER => Flags::NONE,
        constructors::INPUT_PHONE_CONTACT => d.read()?,
        _ => return Err(Fault::Unreadable),
    };
    let client_id = d.read()?;
    let phone = phone(d);
    if phone == Err(Fault::Unreadable) {
        return Err(Fault::Unreadable);
    }
    d.string()?;
    d.string()?;
    if flags.has(0) {
        d.expect_id(bare(constructors::TEXT_WITH_ENTITIES), "TextWithEntities")?;
        d.string()?;
        vector(d, 12, 0)?; // notes are not kept, so formatted ones are refused
    }
    Ok((client_id, phone.ok()))
}

/// `importedContact`
struct Imported(UserId, i64);

impl Encode for Imported {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::IMPORTED_CONTACT.encode(out);
        self.0.as_i64().encode(out);
        self.1.encode(out);
    }
}

/// `contacts.resolveUsername` without flags, in early layers.
const RESOLVE_USERNAME_EARLIER: u32 = 0xf93c_cba3;
/// `inputPhoneContact` without flags, in early layers.
const INPUT_PHONE_CONTACT_EARLIER: u32 = 0xf392_b7f4;
/// Contacts imported at once.
const CONTACTS_MAX: usize = 500;
