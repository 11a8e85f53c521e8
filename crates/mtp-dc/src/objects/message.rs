//! `message`, and the state and updates of a mailbox.

use alloc::vec::Vec;

use mtp_env::Now;
use mtp_server::UserId;
use mtp_tl::{Encode, Flags, Output};

use super::NONE;
use super::user::{PeerUser, User};
use crate::call::seconds;
use crate::ids::constructors;
use crate::layers::{self, Layer};
use crate::state::mailbox::{Mailbox, Message};

/// Returns messages as their owner sees them.
pub(crate) fn views(page: &[Message], owner: UserId, layer: Layer) -> Vec<MessageView<'_>> {
    page.iter().map(|message| MessageView { message, owner, layer }).collect()
}

/// Returns the users that messages mention, and their owner.
pub(crate) fn mentioned(owner: UserId, page: &[Message]) -> Vec<UserId> {
    page.iter().map(|message| message.peer).chain([owner]).collect()
}

/// `message`, as its owner sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageView<'a> {
    pub(crate) message: &'a Message,
    pub(crate) owner: UserId,
    pub(crate) layer: Layer,
}

impl Encode for MessageView<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let Message { id, out: is_out, peer, date, text, .. } = self.message;
        let from = if *is_out { self.owner } else { *peer };
        layers::MESSAGE.put(self.layer, out);
        Flags::NONE.with(1, *is_out).with(8, true).encode(out);
        if self.layer.has(layers::MESSAGE_FLAGS2) {
            Flags::NONE.encode(out);
        }
        id.encode(out);
        PeerUser(from).encode(out);
        PeerUser(*peer).encode(out);
        date.encode(out);
        text.as_ref().encode(out);
    }
}

/// `updates.state`: the state of a mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) pts: i32,
    pub(crate) date: i32,
    unread: i32,
}

impl State {
    pub(crate) fn of(now: Now, mailbox: &Mailbox) -> Self {
        Self {
            pts: mailbox.pts(),
            date: seconds(now.unix.as_secs()),
            unread: i32::try_from(mailbox.unread_in_all()).unwrap_or(i32::MAX),
        }
    }

    /// Returns the state as of an earlier message.
    pub(crate) const fn at(self, pts: i32) -> Self {
        Self { pts, ..self }
    }
}

impl Encode for State {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::updates::STATE.encode(out);
        self.pts.encode(out);
        0_i32.encode(out); // qts: there are no secret chats
        self.date.encode(out);
        SEQ.encode(out);
        self.unread.encode(out);
    }
}

/// `updateNewMessage`
pub(crate) struct NewMessage<'a> {
    pub(crate) message: MessageView<'a>,
}

impl NewMessage<'_> {
    /// The number by which a message advances the state.
    pub(crate) const PTS_COUNT: i32 = 1;
}

impl Encode for NewMessage<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::UPDATE_NEW_MESSAGE.encode(out);
        self.message.encode(out);
        self.message.message.pts.encode(out);
        Self::PTS_COUNT.encode(out);
    }
}

/// `updates` with one update and all users that it mentions, so that a client needs no other source.
pub(crate) struct Updates<'a> {
    pub(crate) update: NewMessage<'a>,
    pub(crate) users: Vec<User<'a>>,
}

impl Encode for Updates<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        constructors::UPDATES.encode(out);
        VECTOR.encode(out);
        1_i32.encode(out);
        self.update.encode(out);
        self.users.encode(out);
        NONE.encode(out);
        self.update.message.message.date.encode(out);
        SEQ.encode(out);
    }
}

const VECTOR: u32 = mtp_tl::VECTOR.get();

/// The common sequence of updates without a state of their own: there are none.
pub(crate) const SEQ: i32 = 0;
