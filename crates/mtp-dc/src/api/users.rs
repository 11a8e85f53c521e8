//! `users.*`: data of users.

use alloc::vec::Vec;

use mtp_server::UserId;
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::Api;
use crate::call::{Call, Named, Reply, end, vector};
use crate::ids::constructors;
use crate::ids::functions::users;
use crate::layers;
use crate::objects::NONE;
use crate::objects::user::{NotifySettings, User};

impl Api {
    /// Answers a call of `users.*`.
    pub(super) fn call_users(&self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            users::GET_USERS => self.get_users(call, d),
            users::GET_FULL_USER => self.get_full_user(call, d),
            _ => return None,
        })
    }

    /// `users.getUsers id:Vector<InputUser>`
    fn get_users(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
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
    fn get_full_user(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let named = Named::read(d)?;
        end(d)?;
        let viewer = Some(call.user()?);
        let account = self.accounts.find(call, named, "USER_ID_INVALID")?;
        Ok(FullUser { user: User { account, viewer, layer: call.layer } }.to_bytes())
    }

    /// Returns users as a client's layer encodes them, each once.
    pub(super) fn users(&self, call: &Call, ids: Vec<UserId>) -> Vec<User<'_>> {
        let accounts = self.accounts.several(ids).into_iter();
        accounts.map(|account| User { account, viewer: call.user, layer: call.layer }).collect()
    }
}

/// `users.userFull`
struct FullUser<'a> {
    user: User<'a>,
}

impl Encode for FullUser<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let User { account, layer, .. } = self.user;
        constructors::users::USER_FULL.encode(out);
        layers::USER_FULL.put(layer, out);
        Flags::NONE.encode(out);
        if layer.has(layers::USER_FULL_FLAGS2) {
            Flags::NONE.encode(out);
        }
        account.id.as_i64().encode(out);
        layers::PEER_SETTINGS.put(layer, out);
        Flags::NONE.encode(out);
        NotifySettings(layer).encode(out);
        0_i32.encode(out); // common_chats_count: there are no groups
        NONE.encode(out);
        alloc::vec![self.user].encode(out);
    }
}

/// Users asked for at once.
const USERS_MAX: usize = 200;
