//! A page of chat history for the benches of TL and the instruction counts.

use mtp_api::{types, variants};

/// Returns an answer to `messages.getHistory` of a group: 100 messages and their 30 senders.
///
/// Texts have about a hundred bytes; every fifth message has two entities, every tenth was edited, every
/// twentieth is a reply.
#[must_use]
pub fn history() -> types::messages::Messages<'static> {
    let peer: types::Peer = variants::PeerChat { chat_id: 1_234_567_890 }.into();
    let messages = (0..100_i32).map(|n| {
        let text = TEXTS.iter().cycle().nth(n.unsigned_abs() as usize).copied().unwrap_or_default();
        let mut message =
            variants::Message::new(10_000 + n, peer.clone(), 1_790_000_000 + n, text.into());
        let sender = variants::PeerUser { user_id: 5_000_000_000 + i64::from(n % 30) };
        message.from_id = Some(sender.into());
        message.out = n % 30 == 0;
        if n % 5 == 0 {
            let bold = variants::MessageEntityBold { offset: 0, length: 7 }.into();
            let italic = variants::MessageEntityItalic { offset: 8, length: 4 }.into();
            message.entities = Some(vec![bold, italic]);
        }
        if n % 10 == 3 {
            message.edit_date = Some(1_790_000_100 + n);
        }
        if n % 20 == 7 {
            let mut header = variants::MessageReplyHeader::new();
            header.reply_to_msg_id = Some(9_999 + n);
            message.reply_to = Some(Box::new(header.into()));
        }
        message.into()
    });
    let users = (0..30_i64).map(|n| {
        let mut user = variants::User::new(5_000_000_000 + n);
        user.access_hash = Some(0x1234_5678_9abc_def0 ^ n);
        user.first_name = Some(format!("First{n}").into());
        user.last_name = Some(format!("Surname{n}").into());
        user.username = Some(format!("username_{n}").into());
        user.phone = Some(format!("4179000{n:04}").into());
        user.status = Some(variants::UserStatusOffline { was_online: 1_789_999_000 }.into());
        user.into()
    });
    let page = variants::messages::Messages {
        messages: messages.collect(),
        topics: vec![],
        chats: vec![],
        users: users.collect(),
    };
    page.into()
}

const TEXTS: [&str; 5] = [
    "Did you see the weather for the weekend? It should clear up by noon, so the early train will be fine for us.",
    "See you at the station around seven then. I have the tickets, please bring something warm for the evening walk.",
    "Yes, gladly",
    "The timetable is at https://example.org/timetable?from=Zurich&to=Chur \u{2014} the 8:07 is full already, so take the one after it and sit in front.",
    "Ich komme etwas sp\u{e4}ter, bitte nicht warten! Der Bus hat wieder Versp\u{e4}tung, sagt die Anzeige am Bahnhof.",
];
