//! `messages.*`: text from one user to another, to oneself, and to the echo user.
//!
//! Text only: formatting, replies, buttons and media are not kept. There are no receipts.

use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_server::UserId;
use mtp_tl::{Decoder, Encode, Flags, Output};

use super::Api;
use crate::call::{Call, Fault, Named, Reply, end, seconds, skip_reply_to, text, vector};
use crate::ids::constructors;
use crate::ids::functions::messages;
use crate::layers::{self, Layer};
use crate::objects::NONE;
use crate::objects::message::{NewMessage, State, mentioned, views};
use crate::objects::user::{NotifySettings, PeerUser};
use crate::state::mailbox::{Draft, Mailbox, MailboxLimits, Message, Page};

impl Api {
    /// Answers a call of `messages.*`.
    pub(super) fn call_messages(
        &mut self,
        call: &Call,
        id: u32,
        d: &mut Decoder<'_>,
    ) -> Option<Reply> {
        Some(match id {
            messages::SEND_MESSAGE => self.send_message(call, ReplyForm::Object, d),
            SEND_MESSAGE_BELOW_160 => self.send_message(call, ReplyForm::Number, d),
            id if SEND_MESSAGE_EARLIER.contains(&id) => {
                self.send_message(call, ReplyForm::Object, d)
            }
            messages::GET_DIALOGS => self.get_dialogs(call, d),
            messages::GET_PEER_DIALOGS => self.get_peer_dialogs(call, d),
            messages::GET_PINNED_DIALOGS => self.get_pinned_dialogs(call, d),
            messages::GET_DIALOG_FILTERS => end(d).and_then(|()| Self::no_dialog_filters(call)),
            messages::GET_HISTORY => self.get_history(call, d),
            messages::GET_MESSAGES => self.get_messages(call, d),
            messages::READ_HISTORY => self.read_history(call, d),
            _ => return None,
        })
    }

    /// `messages.sendMessage`: up to `random_id` the arguments of all layers are alike, except for the
    /// form of a reply.
    fn send_message(&mut self, call: &Call, reply_form: ReplyForm, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        let named = Named::read(d)?;
        match reply_form {
            ReplyForm::Number => {
                d.optional::<i32>(flags, 0)?;
                d.optional::<i32>(flags, 9)?;
            }
            ReplyForm::Object if flags.has(0) => skip_reply_to(d)?,
            ReplyForm::Object => {}
        }
        let message = text(d)?;
        let random_id: i64 = d.read()?;
        if flags.has(10) {
            return Err(Fault::new(400, "SCHEDULE_DATE_INVALID"));
        }
        if flags.has(17) {
            return Err(Fault::new(400, "SHORTCUT_INVALID"));
        }
        // Formatting, buttons and effects follow. They are not kept, so they are not read.
        let sender = call.user()?;
        let receiver = self.accounts.find(call, named, "PEER_ID_INVALID")?.id;
        check_text(message)?;
        let rate = self.config.messages;
        let account = self.accounts.of_caller_mut(call)?;
        if random_id == 0 {
            return Err(Fault::new(400, "RANDOM_ID_EMPTY"));
        }
        if account.mailbox.has_random_id(random_id) {
            return Err(Fault::new(400, "RANDOM_ID_DUPLICATE"));
        }
        account.sends.take(call.now, rate).map_err(Fault::flood)?;
        let text: Arc<str> = message.into();
        let sent = self.deliver(call, (sender, receiver), &text, random_id)?;
        if self.accounts.is_echo(receiver) {
            self.deliver(call, (receiver, sender), &text, 0)?;
        }
        Ok(SentMessage { message: &sent }.to_bytes())
    }

    /// Puts a text into the mailboxes of both users and pushes it to all their sessions but the caller's.
    fn deliver(
        &mut self,
        call: &Call,
        (sender, receiver): (UserId, UserId),
        text: &Arc<str>,
        random_id: i64,
    ) -> Result<Message, Fault> {
        let date = seconds(call.now.unix.as_secs());
        let limits = MailboxLimits {
            messages_max: self.config.mailbox_messages_max,
            bytes_max: self.config.mailbox_bytes_max,
        };
        let draft = |out, peer| {
            let random_id = if out { random_id } else { 0 };
            Draft { out, peer, date, text: text.clone(), random_id }
        };
        let account = self.accounts.get_mut(sender).ok_or_else(peer_invalid)?;
        let sent = account.mailbox.put(draft(true, receiver), limits);
        self.push_message(call, sender, &sent);
        if receiver != sender {
            let account = self.accounts.get_mut(receiver).ok_or_else(peer_invalid)?;
            let arrived = account.mailbox.put(draft(false, sender), limits);
            self.push_message(call, receiver, &arrived);
        }
        Ok(sent)
    }

    /// `messages.getDialogs flags:# exclude_pinned:flags.0?true folder_id:flags.1?int
    /// offset_date:int offset_id:int offset_peer:InputPeer limit:int hash:long`
    fn get_dialogs(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let flags: Flags = d.read()?;
        let folder: Option<i32> = d.optional(flags, 1)?;
        d.read::<i32>()?;
        let offset_id: i32 = d.read()?;
        Named::read(d)?;
        let limit = page_len(d.read()?);
        d.read::<i64>()?;
        end(d)?;
        let account = self.accounts.of_caller(call)?;
        let (owner, mailbox) = (account.id, &account.mailbox);
        let mut chats = mailbox.chats();
        if folder.is_some_and(|folder| folder != 0) {
            chats.clear(); // nothing is archived
        }
        let all = chats.len();
        chats.retain(|message| offset_id <= 0 || message.id < offset_id);
        let rest = chats.len();
        chats.truncate(limit);
        let dialogs: Vec<Dialog> = chats
            .iter()
            .map(|message| Dialog::of(mailbox, message.peer, message.id, call.layer))
            .collect();
        let mut out = Vec::new();
        if rest == all && chats.len() == all {
            constructors::messages::DIALOGS.encode(&mut out);
        } else {
            constructors::messages::DIALOGS_SLICE.encode(&mut out);
            count(all).encode(&mut out);
        }
        dialogs.encode(&mut out);
        self.put_messages(call, owner, &chats.into_iter().cloned().collect::<Vec<_>>(), &mut out);
        Ok(out)
    }

    /// `messages.getPeerDialogs peers:Vector<InputDialogPeer>`: chats by peer, also empty ones.
    fn get_peer_dialogs(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let account = self.accounts.of_caller(call)?;
        let (owner, mailbox) = (account.id, &account.mailbox);
        let (mut dialogs, mut newest, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..vector(d, 8, PAGE_MAX)? {
            if d.id()?.get() != constructors::INPUT_DIALOG_PEER {
                return Err(peer_invalid());
            }
            let peer = self.accounts.find(call, Named::read(d)?, "PEER_ID_INVALID")?.id;
            let top = mailbox.newest(peer);
            let top_id = top.map_or(0, |message| message.id);
            dialogs.push(Dialog::of(mailbox, peer, top_id, call.layer));
            newest.extend(top.cloned());
            users.push(peer);
        }
        end(d)?;
        users.push(owner);
        let mut out = Vec::new();
        constructors::messages::PEER_DIALOGS.encode(&mut out);
        dialogs.encode(&mut out);
        views(&newest, owner, call.layer).encode(&mut out);
        NONE.encode(&mut out);
        self.users(call, users).encode(&mut out);
        State::of(call.now, mailbox).encode(&mut out);
        Ok(out)
    }

    /// `messages.getDialogFilters`: none, and without tags.
    fn no_dialog_filters(call: &Call) -> Reply {
        call.user()?;
        let mut out = constructors::messages::DIALOG_FILTERS.to_bytes();
        Flags::NONE.encode(&mut out);
        Vec::<i32>::new().encode(&mut out);
        Ok(out)
    }

    /// `messages.getPinnedDialogs folder_id:int`: nothing can be pinned.
    fn get_pinned_dialogs(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        d.read::<i32>()?;
        end(d)?;
        let state = State::of(call.now, &self.accounts.of_caller(call)?.mailbox);
        let mut out = Vec::new();
        constructors::messages::PEER_DIALOGS.encode(&mut out);
        for _ in 0..4 {
            NONE.encode(&mut out);
        }
        state.encode(&mut out);
        Ok(out)
    }

    /// `messages.getHistory peer:InputPeer offset_id:int offset_date:int add_offset:int limit:int
    /// max_id:int min_id:int hash:long`
    fn get_history(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let named = Named::read(d)?;
        let page = Page {
            offset_id: d.read()?,
            offset_date: d.read()?,
            add_offset: d.read()?,
            limit: page_len(d.read()?),
            max_id: d.read()?,
            min_id: d.read()?,
        };
        d.read::<i64>()?;
        end(d)?;
        let owner = call.user()?;
        let peer = self.accounts.find(call, named, "PEER_ID_INVALID")?.id;
        let (page, all) = self.accounts.of_caller(call)?.mailbox.history(peer, page);
        let page: Vec<Message> = page.into_iter().cloned().collect();
        let total = if page.len() == all { None } else { Some(all) };
        Ok(self.messages(call, owner, &page, total))
    }

    /// `messages.getMessages id:Vector<InputMessage>`
    fn get_messages(&self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let mut found = Vec::new();
        let mailbox = &self.accounts.of_caller(call)?.mailbox;
        for _ in 0..vector(d, 4, PAGE_MAX)? {
            match d.id()?.get() {
                constructors::INPUT_MESSAGE_ID => found.extend(mailbox.get(d.read()?).cloned()),
                _ => return Err(Fault::new(400, "MESSAGE_IDS_EMPTY")),
            }
        }
        end(d)?;
        Ok(self.messages(call, call.user()?, &found, None))
    }

    /// `messages.readHistory peer:InputPeer max_id:int`: other users do not see it.
    fn read_history(&mut self, call: &Call, d: &mut Decoder<'_>) -> Reply {
        let named = Named::read(d)?;
        let max_id: i32 = d.read()?;
        end(d)?;
        call.user()?;
        let peer = self.accounts.find(call, named, "PEER_ID_INVALID")?.id;
        let mailbox = &mut self.accounts.of_caller_mut(call)?.mailbox;
        mailbox.read(peer, max_id);
        let mut out = Vec::new();
        constructors::messages::AFFECTED_MESSAGES.encode(&mut out);
        mailbox.pts().encode(&mut out);
        0_i32.encode(&mut out);
        Ok(out)
    }

    /// `messages.messages`, or a slice of them if there are more.
    fn messages(
        &self,
        call: &Call,
        owner: UserId,
        page: &[Message],
        total: Option<usize>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(total) = total {
            layers::MESSAGES_SLICE.put(call.layer, &mut out);
            Flags::NONE.encode(&mut out);
            count(total).encode(&mut out);
        } else {
            layers::MESSAGES.put(call.layer, &mut out);
        }
        views(page, owner, call.layer).encode(&mut out);
        if call.layer.has(layers::MESSAGES_TOPICS) {
            NONE.encode(&mut out);
        }
        NONE.encode(&mut out);
        self.users(call, mentioned(owner, page)).encode(&mut out);
        out
    }

    /// `messages:Vector<Message> chats:Vector<Chat> users:Vector<User>`
    fn put_messages(&self, call: &Call, owner: UserId, page: &[Message], out: &mut Vec<u8>) {
        views(page, owner, call.layer).encode(out);
        NONE.encode(out);
        self.users(call, mentioned(owner, page)).encode(out);
    }
}

/// The form of a reply in `messages.sendMessage`.
#[derive(Clone, Copy, Debug)]
enum ReplyForm {
    /// The number of a message; layers below 160.
    Number,
    /// An `InputReplyTo`.
    Object,
}

fn check_text(text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new(400, "MESSAGE_EMPTY"));
    }
    if text.encode_utf16().count() > TEXT_LEN_MAX {
        return Err(Fault::new(400, "MESSAGE_TOO_LONG"));
    }
    Ok(())
}

fn page_len(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or_default().clamp(1, PAGE_MAX)
}

fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

fn peer_invalid() -> Fault {
    Fault::new(400, "PEER_ID_INVALID")
}

/// `updateShortSentMessage`: what the sender does not know of its message.
struct SentMessage<'a> {
    message: &'a Message,
}

impl Encode for SentMessage<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let Message { id, pts, date, .. } = self.message;
        constructors::UPDATE_SHORT_SENT_MESSAGE.encode(out);
        Flags::NONE.with(1, true).encode(out);
        id.encode(out);
        pts.encode(out);
        NewMessage::PTS_COUNT.encode(out);
        date.encode(out);
    }
}

/// `dialog`: a chat in the list of chats.
struct Dialog {
    peer: UserId,
    top_message: i32,
    read_up_to: i32,
    unread: usize,
    layer: Layer,
}

impl Dialog {
    fn of(mailbox: &Mailbox, peer: UserId, top_message: i32, layer: Layer) -> Self {
        let (read_up_to, unread) = (mailbox.read_up_to(peer), mailbox.unread(peer));
        Self { peer, top_message, read_up_to, unread, layer }
    }
}

impl Encode for Dialog {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        layers::DIALOG.put(self.layer, out);
        Flags::NONE.encode(out);
        PeerUser(self.peer).encode(out);
        self.top_message.encode(out);
        self.read_up_to.encode(out);
        0_i32.encode(out); // read_outbox_max_id: receipts are not given
        count(self.unread).encode(out);
        0_i32.encode(out); // mentions
        0_i32.encode(out); // reactions
        if self.layer.has(layers::DIALOG_POLL_VOTES) {
            0_i32.encode(out);
        }
        NotifySettings(self.layer).encode(out);
    }
}

/// `messages.sendMessage` in layers below 160.
const SEND_MESSAGE_BELOW_160: u32 = 0x1cc2_0387;
/// `messages.sendMessage` in the layers from 160 on.
const SEND_MESSAGE_EARLIER: [u32; 6] =
    [0x280d_096f, 0xdff8_042c, 0x983f_9745, 0xfbf2_340a, 0xfe05_dc9a, 0x545c_d15a];
/// Messages or chats in one answer.
const PAGE_MAX: usize = 100;
/// Units of UTF-16 in one message: `message_length_max` of the configuration.
const TEXT_LEN_MAX: usize = 4096;
