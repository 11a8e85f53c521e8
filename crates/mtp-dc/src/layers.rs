//! Ids of the same object in different layers of the API.
//!
//! The fields written here have had the same positions in all these layers. Only the ids changed, and
//! a second word of flags or a new vector was added. So a layer is data: a table of ids, each with the
//! first layer it was seen in. The layers seen are those of clients' published schemas: 155, 158, 160, 161, 164, 165, 167, 173, 176, 178, 179, 181, 183 to 185, 187 to 189, 193,
//! 195, 196, 199, 202 to 204, 214, 216, 218, 220, 221, 223, 224, 227, 229, 230. A layer between two
//! of them gets the form of the lower one.

use mtp_tl::{Encode, Output};

/// A layer of the API: the client's, clamped to the known range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Layer(i32);

impl Layer {
    /// The oldest layer that answers are written in.
    pub(crate) const OLDEST: Self = Self(155);
    /// The layer of `schema/api.tl`.
    pub(crate) const NEWEST: Self = Self(230);

    /// Returns the known layer nearest to the client's; the newest if the client's is unknown.
    pub(crate) fn of(said: Option<i32>) -> Self {
        said.map_or(Self::NEWEST, |layer| Self(layer).clamp(Self::OLDEST, Self::NEWEST))
    }

    /// Returns `true` if a layer is older than the oldest that answers are written in.
    pub(crate) const fn is_too_old(said: i32) -> bool {
        said < Self::OLDEST.0
    }

    /// Returns `true` if this layer is `layer` or a later one.
    pub(crate) const fn has(self, layer: i32) -> bool {
        self.0 >= layer
    }
}

/// The ids of one constructor, each with the first layer it was seen in, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Versions(&'static [(i32, u32)]);

impl Versions {
    fn at(self, layer: Layer) -> u32 {
        let known = self.0.iter().take_while(|(from, _)| layer.has(*from));
        known.last().or(self.0.first()).map_or(0, |(_, id)| *id)
    }

    /// Writes the id that the constructor has in a layer.
    pub(crate) fn put<O: Output + ?Sized>(self, layer: Layer, out: &mut O) {
        self.at(layer).encode(out);
    }
}

pub(crate) const USER: Versions = Versions(&[
    (155, 0x8f97_c628),
    (160, 0xabb5_f120),
    (167, 0x215c_4438),
    (185, 0x8331_4fca),
    (196, 0x4b46_c37e),
    (202, 0x020b_1422),
    (218, 0x3177_4388),
    (229, 0xb1b8_cc83),
]);

pub(crate) const USER_FULL: Versions = Versions(&[
    (155, 0xf8d3_2aed),
    (158, 0x93ea_db53),
    (160, 0x4fe1_cc86),
    (164, 0xb9b1_2c6c),
    (176, 0x22ff_3e85),
    (178, 0xcc99_7720),
    (189, 0x1f58_e369),
    (195, 0x979d_2376),
    (196, 0x4d97_5bbc),
    (202, 0x99e7_8045),
    (214, 0xc577_b5ad),
    (216, 0xa02b_c13e),
    (224, 0x06cb_e645),
]);
/// `userFull` has a second word of flags from this layer on.
pub(crate) const USER_FULL_FLAGS2: i32 = 176;

pub(crate) const PEER_SETTINGS: Versions =
    Versions(&[(155, 0xa518_110d), (178, 0xacd6_6c5e), (202, 0xf477_41f7)]);

pub(crate) const PEER_NOTIFY_SETTINGS: Versions =
    Versions(&[(155, 0xa83b_0426), (160, 0x9962_2c0c)]);

pub(crate) const MESSAGE: Versions = Versions(&[
    (155, 0x3811_6ee0),
    (173, 0x76be_c211),
    (176, 0xa66c_7efc),
    (178, 0x2357_bf25),
    (181, 0x9434_5242),
    (196, 0x96fd_bbe9),
    (202, 0xeabc_dd4d),
    (214, 0x9815_cec8),
    (218, 0xb92f_76cf),
    (221, 0x9cb4_90e9),
    (223, 0x3ae5_6482),
    (227, 0x7600_b9d3),
]);
/// `message` has a second word of flags from this layer on.
pub(crate) const MESSAGE_FLAGS2: i32 = 178;

pub(crate) const DIALOG: Versions = Versions(&[(155, 0xd58a_08c6), (224, 0xfc89_f7f3)]);
/// `dialog` counts votes in polls from this layer on.
pub(crate) const DIALOG_POLL_VOTES: i32 = 224;

pub(crate) const MESSAGES: Versions = Versions(&[(155, 0x8c71_8e87), (216, 0x1d73_e7ea)]);
pub(crate) const MESSAGES_SLICE: Versions =
    Versions(&[(155, 0x3a54_685e), (214, 0x762b_263d), (216, 0x5f20_6716)]);
/// `messages.messages` and its slice list topics from this layer on.
pub(crate) const MESSAGES_TOPICS: i32 = 216;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_by_layer() {
        for Versions(table) in [
            USER,
            USER_FULL,
            PEER_SETTINGS,
            PEER_NOTIFY_SETTINGS,
            MESSAGE,
            DIALOG,
            MESSAGES,
            MESSAGES_SLICE,
        ] {
            assert!(table.is_sorted_by(|one, next| one.0 < next.0));
            assert!(table.iter().all(|(from, _)| Layer(*from) >= Layer::OLDEST));
            assert!(table.iter().all(|(from, _)| Layer(*from) <= Layer::NEWEST));
        }
    }

    #[test]
    fn a_layer_gets_the_newest_form_not_above_it() {
        let id = |layer| USER.at(Layer::of(Some(layer)));
        assert_eq!(id(155), 0x8f97_c628);
        assert_eq!(id(159), 0x8f97_c628);
        assert_eq!(id(160), 0xabb5_f120);
        assert_eq!(id(228), 0x3177_4388);
        assert_eq!(id(229), 0xb1b8_cc83);
        // Outside of what is known: the nearest.
        assert_eq!(id(i32::MIN), 0x8f97_c628);
        assert_eq!(id(i32::MAX), 0xb1b8_cc83);
        assert_eq!(USER.at(Layer::of(None)), 0xb1b8_cc83);
    }
}
