//! `updates.*`: what happens, told at once and once more on demand.

use alloc::vec::Vec;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_session::server::SessionName;
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::account::{Subscriber, UserId};
use super::call::{Call, Fault, Reply, end, seconds};
use super::mailbox::{Difference, Mailbox, Message, More};
use super::messages::{MessageView, mentioned, views};
use super::users::{NONE, User};
use super::{Api, ApiEvent};

impl Api {
    /// `updates.getState`
    pub(super) fn get_state(&self, call: &Call) -> Reply {
        let account = self.accounts.of_caller(call)?;
        Ok(State::of(call.now, &account.mailbox).to_bytes())
    }

    /// `updates.getDifference flags:# pts:int pts_limit:flags.1?int pts_total_limit:flags.0?int
    /// date:int qts:int qts_limit:flags.2?int`; in layers below 160 without `pts_limit`.
    pub(super) fn get_difference(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
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
            More::No => (DIFFERENCE, state),
            More::Yes => (DIFFERENCE_SLICE, State { pts: last.pts, ..state }),
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

    /// Notes that the caller's session gets updates from now on.
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

    /// Tells the sessions of a user of a message, but not the one whose call it answers.
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

    /// Forgets a session that is gone.
    pub fn forget_session(&mut self, session: SessionName, identity: AuthKeyId) {
        let user = self.logins.user(identity);
        if let Some(account) = user.and_then(|user| self.accounts.get_mut(user)) {
            account.subscribers.retain(|subscriber| subscriber.session != session);
        }
    }
}

/// `updates.state`: where a mailbox stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pts: i32,
    date: i32,
    unread: i32,
}

impl State {
    pub(super) fn of(now: Now, mailbox: &Mailbox) -> Self {
        Self {
            pts: mailbox.pts(),
            date: seconds(now.unix.as_secs()),
            unread: i32::try_from(mailbox.unread_in_all()).unwrap_or(i32::MAX),
        }
    }
}

impl Encode for State {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0xa56c_2a3e_u32.encode(out);
        self.pts.encode(out);
        0_i32.encode(out); // qts: there are no secret chats
        self.date.encode(out);
        SEQ.encode(out);
        self.unread.encode(out);
    }
}

/// `updateNewMessage`
pub(super) struct NewMessage<'a> {
    message: MessageView<'a>,
}

impl NewMessage<'_> {
    /// By how much a message moves the state on.
    pub(super) const PTS_COUNT: i32 = 1;
}

impl Encode for NewMessage<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x1f2b_0afd_u32.encode(out);
        self.message.encode(out);
        self.message.message.pts.encode(out);
        Self::PTS_COUNT.encode(out);
    }
}

/// `updates`, with everybody the update speaks of: a client needs to know nobody before.
struct Updates<'a> {
    update: NewMessage<'a>,
    users: Vec<User<'a>>,
}

impl Encode for Updates<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x74ae_4240_u32.encode(out);
        VECTOR.encode(out);
        1_i32.encode(out);
        self.update.encode(out);
        self.users.encode(out);
        NONE.encode(out);
        self.update.message.message.date.encode(out);
        SEQ.encode(out);
    }
}

/// `updates.differenceEmpty`
struct DifferenceEmpty {
    date: i32,
}

impl Encode for DifferenceEmpty {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        0x5d75_a138_u32.encode(out);
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
        0x4afe_8f6d_u32.encode(out);
        self.pts.encode(out);
    }
}

const DIFFERENCE: u32 = 0x00f4_9ca0;
const DIFFERENCE_SLICE: u32 = 0xa8fb_1981;
const VECTOR: u32 = mtp_tl::vector::VECTOR.get();

/// The common sequence of updates without a state of their own: there are none.
const SEQ: i32 = 0;
/// Messages in one difference.
const DIFFERENCE_MAX: usize = 100;
