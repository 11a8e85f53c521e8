//! How large values are in memory: bounded, so that lists and moves stay cheap.

use mtp_api::{types, variants};

// spec: tl 9.4
#[test]
fn values_stay_small() {
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
        println!("{name}: {size} bytes");
        assert!(size <= max, "{name} has {size} bytes, more than {max}");
    }
}
