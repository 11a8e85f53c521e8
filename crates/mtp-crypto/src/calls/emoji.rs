//! The pictures that two people compare to know that nobody sits between them.

use crate::auth_key::AuthKey;
use crate::hash::sha256;
use crate::parts::part;

/// Returns the four pictures both parties show: read aloud, they authenticate the call.
///
/// `g_a` is the caller's public value on both sides, 256 bytes.
// spec: crypto 15
#[must_use]
pub fn emoji(key: &AuthKey, g_a: &[u8; 256]) -> [&'static str; 4] {
    emoji_of_hash(&sha256(&[key.as_bytes(), g_a]))
}

fn emoji_of_hash(hash: &[u8; 32]) -> [&'static str; 4] {
    [0, 8, 16, 24].map(|at| {
        let number = u64::from_be_bytes(*part(hash, at)) & (u64::MAX >> 1);
        let index = number.checked_rem(TABLE.len() as u64).unwrap_or_default();
        usize::try_from(index).ok().and_then(|index| TABLE.get(index)).copied().unwrap_or_default()
    })
}

/// The pictures in the protocol's order.
#[rustfmt::skip]
pub const TABLE: [&str; 333] = [
    "😉", "😍", "😛", "😭", "😱", "😡", "😎", "😴", "😵", "😈", "😬", "😇", "😏", "👮", "👷", "💂", "👶",
    "👨", "👩", "👴", "👵", "😻", "😽", "🙀", "👺", "🙈", "🙉", "🙊", "💀", "👽", "💩", "🔥", "💥", "💤",
    "👂", "👀", "👃", "👅", "👄", "👍", "👎", "👌", "👊", "✌", "✋", "👐", "👆", "👇", "👉", "👈", "🙏",
    "👏", "💪", "🚶", "🏃", "💃", "👫", "👪", "👬", "👭", "💅", "🎩", "👑", "👒", "👟", "👞", "👠", "👕",
    "👗", "👖", "👙", "👜", "👓", "🎀", "💄", "💛", "💙", "💜", "💚", "💍", "💎", "🐶", "🐺", "🐱", "🐭",
    "🐹", "🐰", "🐸", "🐯", "🐨", "🐻", "🐷", "🐮", "🐗", "🐴", "🐑", "🐘", "🐼", "🐧", "🐥", "🐔", "🐍",
    "🐢", "🐛", "🐝", "🐜", "🐞", "🐌", "🐙", "🐚", "🐟", "🐬", "🐋", "🐐", "🐊", "🐫", "🍀", "🌹", "🌻",
    "🍁", "🌾", "🍄", "🌵", "🌴", "🌳", "🌞", "🌚", "🌙", "🌎", "🌋", "⚡", "☔", "❄", "⛄", "🌀", "🌈",
    "🌊", "🎓", "🎆", "🎃", "👻", "🎅", "🎄", "🎁", "🎈", "🔮", "🎥", "📷", "💿", "💻", "☎", "📡", "📺",
    "📻", "🔉", "🔔", "⏳", "⏰", "⌚", "🔒", "🔑", "🔎", "💡", "🔦", "🔌", "🔋", "🚿", "🚽", "🔧", "🔨",
    "🚪", "🚬", "💣", "🔫", "🔪", "💊", "💉", "💰", "💵", "💳", "✉", "📫", "📦", "📅", "📁", "✂", "📌",
    "📎", "✒", "✏", "📐", "📚", "🔬", "🔭", "🎨", "🎬", "🎤", "🎧", "🎵", "🎹", "🎻", "🎺", "🎸", "👾",
    "🎮", "🃏", "🎲", "🎯", "🏈", "🏀", "⚽", "⚾", "🎾", "🎱", "🏉", "🎳", "🏁", "🏇", "🏆", "🏊", "🏄",
    "☕", "🍼", "🍺", "🍷", "🍴", "🍕", "🍔", "🍟", "🍗", "🍱", "🍚", "🍜", "🍡", "🍳", "🍞", "🍩", "🍦",
    "🎂", "🍰", "🍪", "🍫", "🍭", "🍯", "🍎", "🍏", "🍊", "🍋", "🍒", "🍇", "🍉", "🍓", "🍑", "🍌", "🍐",
    "🍍", "🍆", "🍅", "🌽", "🏡", "🏥", "🏦", "⛪", "🏰", "⛺", "🏭", "🗻", "🗽", "🎠", "🎡", "⛲", "🎢",
    "🚢", "🚤", "⚓", "🚀", "✈", "🚁", "🚂", "🚋", "🚎", "🚌", "🚙", "🚗", "🚕", "🚛", "🚨", "🚔", "🚒",
    "🚑", "🚲", "🚠", "🚜", "🚦", "⚠", "🚧", "⛽", "🎰", "🗿", "🎪", "🎭", "🇯🇵", "🇰🇷", "🇩🇪", "🇨🇳",
    "🇺🇸", "🇫🇷", "🇪🇸", "🇮🇹", "🇷🇺", "🇬🇧", "1⃣", "2⃣", "3⃣", "4⃣", "5⃣", "6⃣", "7⃣", "8⃣",
    "9⃣", "0⃣", "🔟", "❗", "❓", "♥", "♦", "💯", "🔗", "🔱", "🔴", "🔵", "🔶", "🔷",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{array, entries};

    #[test]
    // spec: crypto 15
    fn call_emoji_table() {
        assert_eq!(entries("call_emoji_table", 333), TABLE);
    }

    /// The vectors give indices as well, one of them for a hash that no key is known to have.
    #[test]
    // spec: crypto 15
    fn call_emoji_indices() {
        for entry in &entries("call_emoji", 4) {
            let indices = entry["indices"].as_array().unwrap().iter();
            let indices = indices.map(|index| usize::try_from(index.as_u64().unwrap()).unwrap());
            let shown = emoji_of_hash(&array(entry, "sha256_key_g_a"));
            assert!(indices.map(|index| TABLE[index]).eq(shown));
        }
    }
}
