//! Places of clients that are relayed elsewhere: the admission without an endpoint.

use core::fmt;
use core::net::IpAddr;

use mtp_env::Now;
use mtp_session::link::LinkId;

use crate::admission::{Admission, AdmissionConfig, Refused, Ticket};

/// Who has a place at a proxy, and who makes room when all are taken.
///
/// As at an [`Endpoint`](crate::Endpoint): a new client takes the place of one that is idle, of the network with the
/// most clients first. A client that has not proved its secret is idle after some seconds, the others after
/// [`AdmissionConfig::silence_time`]. There is no limit for each address.
pub struct Visitors {
    admission: Admission,
    last: u64,
}

/// A client that has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the answer to one question")]
pub struct Visit {
    /// Its name.
    pub link: LinkId,
    /// The client whose connection has to be closed for it; it has left already.
    pub displaced: Option<LinkId>,
}

impl Visitors {
    /// Creates so many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let config = AdmissionConfig { links_max: places, ..AdmissionConfig::trusting() };
        Self { admission: Admission::new(&config), last: 0 }
    }

    /// Adds a client, whose address is not known yet if a load balancer will name it.
    ///
    /// # Errors
    /// [`Refused`]: all places are taken by clients that are not idle.
    pub fn enter(&mut self, now: Now, address: Option<IpAddr>) -> Result<Visit, Refused> {
        let Ticket { standing, displaced } = self.admission.judge(now, address)?;
        if let Some(displaced) = displaced {
            self.admission.leave(now, displaced);
        }
        self.last = self.last.saturating_add(1);
        let link = LinkId::new(self.last);
        self.admission.enter(now, address, standing, link);
        Ok(Visit { link, displaced })
    }

    /// Sets the address that a load balancer named. A client that has one keeps it.
    pub fn set_address(&mut self, now: Now, link: LinkId, address: IpAddr) {
        // Without limits for each address nobody is refused or displaced here.
        let _ = self.admission.set_address(now, link, address);
    }

    /// Notes that a client proved its secret.
    pub fn prove(&mut self, now: Now, link: LinkId) {
        self.admission.prove(now, link);
    }

    /// Notes that a client sent something.
    pub fn touch(&mut self, now: Now, link: LinkId) {
        self.admission.touch(now, link);
    }

    /// Removes a client.
    pub fn leave(&mut self, now: Now, link: LinkId) {
        self.admission.leave(now, link);
    }
}

impl fmt::Debug for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitors").field("last", &self.last).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;

    fn at(secs: u64) -> Now {
        Now::default().after(Duration::from_secs(secs))
    }

    fn host(network: u8, number: u8) -> IpAddr {
        IpAddr::V4([10, 0, network, number].into())
    }

    #[test]
    fn idle_visitors_of_the_greediest_network_make_room() {
        let mut visitors = Visitors::new(3);
        let links: Vec<LinkId> = [host(1, 1), host(2, 1), host(2, 2)]
            .into_iter()
            .map(|address| visitors.enter(at(1), Some(address)).unwrap().link)
            .collect();
        // The newest of a network that has two makes room at once for one of another network.
        let fourth = visitors.enter(at(2), Some(host(3, 1))).unwrap();
        assert!(fourth.displaced == Some(links[1]) || fourth.displaced == Some(links[2]));
        // Among networks with one visitor each nobody is greedy: only idle ones go.
        assert_eq!(visitors.enter(at(3), Some(host(4, 1))), Err(Refused::Full));
        visitors.prove(at(3), links[0]);
        let fifth = visitors.enter(at(7), Some(host(4, 1))).unwrap();
        assert!(fifth.displaced.is_some_and(|displaced| displaced != links[0]));
    }

    #[test]
    fn proven_visitors_stay_while_they_are_heard() {
        let mut visitors = Visitors::new(1);
        let first = visitors.enter(at(1), None).unwrap().link;
        visitors.set_address(at(1), first, host(1, 1));
        visitors.prove(at(1), first);
        assert_eq!(visitors.enter(at(90), Some(host(1, 2))), Err(Refused::Full));
        visitors.touch(at(90), first);
        assert_eq!(visitors.enter(at(179), Some(host(1, 2))), Err(Refused::Full));
        assert_eq!(visitors.enter(at(180), Some(host(1, 2))).unwrap().displaced, Some(first));
        visitors.leave(at(181), LinkId::new(2));
        assert_eq!(visitors.enter(at(181), Some(host(1, 3))).unwrap().displaced, None);
    }
}
