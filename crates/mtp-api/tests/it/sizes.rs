//! Goal: values stay small in memory, so that lists and moves are cheap.

use mtp_api::{types, variants};

// spec: tl 9.4
#[test]
fn common_values_stay_below_their_size_limit() {
    let sizes = [
        ("Message", size_of::<types::Message<'_>>(), 512),
        ("Update", size_of::<types::Update<'_>>(), 136),
        ("User", size_of::<types::User<'_>>(), 512),
        ("Chat", size_of::<types::Chat<'_>>(), 512),
        ("MessageMedia", size_of::<types::MessageMedia<'_>>(), 136),
        ("InputPeer", size_of::<types::InputPeer>(), 32),
        ("variants::UpdateNewMessage", size_of::<variants::UpdateNewMessage<'_>>(), 528),
    ];
    for (name, size, max) in sizes {
        assert!(size <= max, "{name} has {size} bytes, more than {max}");
    }
}
