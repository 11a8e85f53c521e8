//! What the same object is called in the layers of the API that clients speak.
//!
//! The fields written here have stood at the same places in all these layers; what changed are the
//! ids, and where a second word of flags or a new vector came in. So a layer is data: a table of
//! ids, each with the first layer it was seen in. The layers seen are those of clients' published
//! schemas: 155, 158, 160, 161, 164, 165, 167, 173, 176, 178, 179, 181, 183 to 185, 187 to 189, 193,
//! 195, 196, 199, 202 to 204, 214, 216, 218, 220, 221, 223, 224, 227, 229, 230. A layer between two
//! of them gets what the lower one knows.

use mtp_tl::{Encode, Output};

/// A layer of the API: what the client said, brought into the range that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Layer(i32);

impl Layer {
    /// The oldest layer whose objects are written.
    pub(super) const OLDEST: Self = Self(155);
    /// The layer of `schema/api.tl`.
    pub(super) const NEWEST: Self = Self(230);

    /// Clients that have not said their layer are taken to speak the newest one.
    pub(super) fn of(said: Option<i32>) -> Self {
        said.map_or(Self::NEWEST, |layer| Self(layer).clamp(Self::OLDEST, Self::NEWEST))
    }

    /// Reports whether a layer lies before all that are written.
    pub(super) const fn is_too_old(said: i32) -> bool {
        said < Self::OLDEST.0
    }

    /// Reports whether this is at least the layer of that number.
    pub(super) const fn has(self, layer: i32) -> bool {
        self.0 >= layer
    }
}

/// The ids of one constructor, each with the first layer it was seen in, oldest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Versions(&'static [(i32, u32)]);

impl Versions {
    fn at(self, layer: Layer) -> u32 {
        let known = self.0.iter().take_while(|(from, _)| layer.has(*from));
        known.last().or(self.0.first()).map_or(0, |(_, id)| *id)
    }

    /// Writes the id that the constructor has in a layer.
    pub(super) fn put<O: Output + ?Sized>(self, layer: Layer, out: &mut O) {
        self.at(layer).encode(out);
    }
}

pub(super) const USER: Versions = Versions(&[
    (155, 0x8f97_c628),
    (160, 0xabb5_f120),
    (167, 0x215c_4438),
    (185, 0x8331_4fca),
    (196, 0x4b46_c37e),
    (202, 0x020b_1422),
    (218, 0x3177_4388),
    (229, 0xb1b8_cc83),
]);

pub(super) const USER_FULL: Versions = Versions(&[
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
pub(super) const USER_FULL_FLAGS2: i32 = 176;

pub(super) const PEER_SETTINGS: Versions =
    Versions(&[(155, 0xa518_110d), (178, 0xacd6_6c5e), (202, 0xf477_41f7)]);

pub(super) const PEER_NOTIFY_SETTINGS: Versions =
    Versions(&[(155, 0xa83b_0426), (160, 0x9962_2c0c)]);

pub(super) const MESSAGE: Versions = Versions(&[
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
pub(super) const MESSAGE_FLAGS2: i32 = 178;

pub(super) const DIALOG: Versions = Versions(&[(155, 0xd58a_08c6), (224, 0xfc89_f7f3)]);
/// `dialog` counts votes in polls from this layer on.
pub(super) const DIALOG_POLL_VOTES: i32 = 224;

pub(super) const MESSAGES: Versions = Versions(&[(155, 0x8c71_8e87), (216, 0x1d73_e7ea)]);
pub(super) const MESSAGES_SLICE: Versions =
    Versions(&[(155, 0x3a54_685e), (214, 0x762b_263d), (216, 0x5f20_6716)]);
/// `messages.messages` and its slice list topics from this layer on.
pub(super) const MESSAGES_TOPICS: i32 = 216;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_rise() {
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
    fn a_layer_gets_the_newest_form_that_it_knows() {
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
