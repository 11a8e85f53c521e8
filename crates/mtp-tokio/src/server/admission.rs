//! How many sockets each address has.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashMap;

/// Counts sockets by address.
#[derive(Debug)]
pub(super) struct Admission {
    counts: HashMap<IpAddr, usize>,
    max: usize,
}

impl Admission {
    pub(super) fn new(max: usize) -> Self {
        Self { counts: HashMap::new(), max }
    }

    /// Counts a socket in, if there is room for its address.
    pub(super) fn enter(&mut self, address: IpAddr) -> bool {
        let count = self.counts.entry(network(address)).or_default();
        let room = *count < self.max;
        if room {
            *count = count.saturating_add(1);
        }
        room
    }

    pub(super) fn leave(&mut self, address: IpAddr) {
        let network = network(address);
        if let Some(count) = self.counts.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&network);
            }
        }
    }
}

/// Names whoever holds an address: IPv6 gives everybody 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_its_own_count() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut admission = Admission::new(2);
        assert!(admission.enter(address("10.0.0.1")));
        assert!(admission.enter(address("::ffff:10.0.0.1")), "the same address in other clothes");
        assert!(!admission.enter(address("10.0.0.1")));
        assert!(admission.enter(address("10.0.0.2")));
        assert!(admission.enter(address("2001:db8::1")));
        assert!(admission.enter(address("2001:db8::2")));
        assert!(!admission.enter(address("2001:db8::3")));
        assert!(admission.enter(address("2001:db8:0:1::3")));
        admission.leave(address("10.0.0.1"));
        assert!(admission.enter(address("10.0.0.1")));
    }

    #[test]
    fn nothing_is_kept_of_who_left() {
        let mut admission = Admission::new(1);
        let address = "10.0.0.1".parse().unwrap();
        assert!(admission.enter(address));
        admission.leave(address);
        assert!(admission.counts.is_empty());
    }
}
