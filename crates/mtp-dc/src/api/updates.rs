//! `updates.*`: events of a mailbox, pushed at once and fetched on demand.

use alloc::vec::Vec;

use mtp_crypto::AuthKeyId;
use mtp_server::UserId;
use mtp_session::server::SessionName;
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::{Api, ApiEvent};
use crate::call::{Call, Fault, Reply, end};
use crate::ids::constructors;
use crate::ids::functions::updates;
use crate::objects::NONE;
use crate::objects::message::{MessageView, NewMessage, SEQ, State, Updates, mentioned, views};
use crate::objects::user::User;
use crate::state::accounts::Subscriber;
use crate::state::mailbox::{Difference, Message, More};

impl Api {
    /// Answers a call of `updates.*`.
    pub(super) fn call_updates(&self, call: &Call, id: u32, d: &mut Decoder<'_>) -> Option<Reply> {
        Some(match id {
            updates::GET_STATE => end(d).and_then(|()| self.get_state(call)),
            updates::GET_DIFFERENCE | GET_DIFFERENCE_BELOW_160 => self.get_difference(call, d),
            _ => return None,
        })
    }

    /// `updates.getState`
    fn get_state(&self, call: &Call) -> Reply {
        let account = self.accounts.of_caller(call)?;
        Ok(State::of(call.now, &account.mailbox).to_bytes())
    }

    /// `updates.getDifference flags:# pts:int pts_limit:flags.1?int pts_total_limit:flags.0?int
    /// date:int qts:int qts_limit:flags.2?int`; in layers below 160 without `pts_limit`.
    fn get_difference(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        let pts: i32 = d.read()?;
        let limit: Option<i32> = d.optional(flags, 1)?;
        let total_limit: Option<i32> = d.optional(flags, 0)?;
        let _date: i32 = d.read()?;
        let _qts: i32 = d.read()?;
        d.optional::<i32>(flags, 2)?;
        end(d)?;
        let max = limit.and_then(|limit| usize::try_from(limit).ok());
        let max = max.unwrap_or(DIFFERENCE_MAX).clamp(1, DIFFERENCE_MAX);
        let account = self.accounts.of_caller(call)?;
        let (owner, state) = (account.id, State::of(call.now, &account.mailbox));
        let behind = state.pts.saturating_sub(pts);
        let (messages, more) = match account.mailbox.since(pts, max) {
            Difference::Ahead => return Err(Fault::new(400, "PERSISTENT_TIMESTAMP_INVALID")),
            Difference::TooLong => return Ok(DifferenceTooLong { pts: state.pts }.to_bytes()),
            _ if total_limit.is_some_and(|limit| behind > limit) => {
                return Ok(DifferenceTooLong { pts: state.pts }.to_bytes());
            }
            Difference::Messages(messages, more) => (messages, more),
        };
        let messages: Vec<Message> = messages.into_iter().cloned().collect();
        let Some(last) = messages.last() else {
            return Ok(DifferenceEmpty { date: state.date }.to_bytes());
        };
        let mut out = Vec::new();
        let (id, state) = match more {
            More::No => (constructors::updates::DIFFERENCE, state),
            More::Yes => (constructors::updates::DIFFERENCE_SLICE, state.at(last.pts)),
        };
        id.encode(&mut out);
        views(&messages, owner, call.layer).encode(&mut out);
        for _ in 0..3 {
            NONE.encode(&mut out); // new_encrypted_messages, other_updates, chats
        }
        self.users(call, mentioned(owner, &messages)).encode(&mut out);
        state.encode(&mut out);
        Ok(out)
    }

    /// Subscribes the caller's session to the user's updates.
    // spec: session 9
    pub(super) fn subscribe(&mut self, call: &Call, user: UserId) {
        if call.caller.without_updates {
            return;
        }
        let (session, identity) = (call.caller.session, call.caller.identity);
        if let Some(account) = self.accounts.get_mut(user) {
            let subscriber = Subscriber { session, identity, layer: call.layer };
            account.subscribe(subscriber, self.config.subscribers_max);
        }
    }

    /// Pushes a message to the sessions of a user, except the one whose call it answers.
    pub(super) fn push_message(&mut self, call: &Call, user: UserId, message: &Message) {
        let Some(account) = self.accounts.get(user) else { return };
        let users = self.accounts.several(mentioned(user, core::slice::from_ref(message)));
        for subscriber in &account.subscribers {
            if call.user == Some(user) && message.out && subscriber.session == call.caller.session {
                continue;
            }
            let layer = subscriber.layer;
            let view = |account| User { account, viewer: Some(user), layer };
            let body = Updates {
                update: NewMessage { message: MessageView { message, owner: user, layer } },
                users: users.iter().copied().map(view).collect(),
            };
            let body = body.to_bytes();
            self.events.push_back(ApiEvent::Push { session: subscriber.session, body });
        }
    }

    /// Ends the subscription of a closed session.
    pub fn forget_session(&mut self, session: SessionName, identity: AuthKeyId) {
        let user = self.logins.user(identity);
        if let Some(account) = user.and_then(|user| self.accounts.get_mut(user)) {
            account.subscribers.retain(|subscriber| subscriber.session != session);
        }
    }
}

/// `updates.differenceEmpty`
struct DifferenceEmpty {
    date: i32,
}

impl Encode for DifferenceEmpty {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::updates::DIFFERENCE_EMPTY.encode(out);
        self.date.encode(out);
        SEQ.encode(out);
    }
}

/// `updates.differenceTooLong`
struct DifferenceTooLong {
    pts: i32,
}

impl Encode for DifferenceTooLong {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::updates::DIFFERENCE_TOO_LONG.encode(out);
        self.pts.encode(out);
    }
}

/// Messages in one difference.
const DIFFERENCE_MAX: usize = 100;
/// `updates.getDifference` in layers below 160.
const GET_DIFFERENCE_BELOW_160: u32 = 0x2593_9651;
