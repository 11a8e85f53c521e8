//! A page of a chat's history, as TL's own benches and the counts of instructions read and write it.

use mtp_api::{types, variants};

/// Returns what `messages.getHistory` answers for a group: 100 messages, 30 users, one channel.
#[must_use]
pub fn history() -> types::messages::Messages<'static> {
    let peer: types::Peer = variants::PeerChannel { channel_id: 1_234_567_890 }.into();
    let messages = (0..100_i32).map(|n| {
        let text = format!("Message {n}: see you at the station around seven, bring the tickets.");
        let mut message =
            variants::Message::new(10_000 + n, peer.clone(), 1_790_000_000 + n, text.into());
        message.from_id =
            Some(variants::PeerUser { user_id: 5_000_000 + i64::from(n % 30) }.into());
        if n % 5 == 0 {
            let bold = variants::MessageEntityBold { offset: 0, length: 7 }.into();
            let italic = variants::MessageEntityItalic { offset: 8, length: 4 }.into();
            message.entities = Some(vec![bold, italic]);
        }
        message.into()
    });
    let users = (0..30_i64).map(|n| {
        let mut user = variants::User::new(5_000_000 + n);
        user.access_hash = Some(0x1234_5678_9abc_def0 ^ n);
        user.first_name = Some(format!("First{n}").into());
        user.last_name = Some(format!("Surname{n}").into());
        user.username = Some(format!("username_{n}").into());
        user.phone = Some(format!("4179000{n:04}").into());
        user.status = Some(variants::UserStatusOffline { was_online: 1_789_999_000 }.into());
        user.into()
    });
    let title = "Travellers".into();
    let photo = types::ChatPhoto::Empty;
    let channel = variants::Channel::new(1_234_567_890, title, photo, 1_600_000_000);
    let page = variants::messages::ChannelMessages::new(
        40_000,
        5_000,
        messages.collect(),
        vec![],
        vec![channel.into()],
        users.collect(),
    );
    page.into()
}
