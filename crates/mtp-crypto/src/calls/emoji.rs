//! The emoji fingerprint of a call, which two people compare to detect an interceptor.

use crate::auth_key::AuthKey;
use crate::hash::sha256;
use crate::parts::part;

/// Returns the four emoji that both parties display. Comparing them aloud authenticates the call.
///
/// On both sides, `g_a` is the caller's public value.
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

/// The emoji in the protocol's order.
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
    fn the_table_matches_the_vectors() {
        assert_eq!(entries("call_emoji_table", 333), TABLE);
    }

    /// Below [`emoji`], because one of the vectors is a hash without a known key.
    #[test]
    // spec: crypto 15
    fn emoji_of_a_hash_match_the_vectors() {
        for entry in &entries("call_emoji", 4) {
            let indices = entry["indices"].as_array().unwrap().iter();
            let indices = indices.map(|index| usize::try_from(index.as_u64().unwrap()).unwrap());
            let shown = emoji_of_hash(&array(entry, "sha256_key_g_a"));
            assert!(indices.map(|index| TABLE[index]).eq(shown));
        }
    }
}
