//! Places of a proxy's clients: accepting never stops, and who is idle makes room.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mtp_env::Instant;
use mtp_server::{Refused, Visitors};
use mtp_session::link::LinkId;
use tokio::sync::Notify;

use crate::clock::Clock;

/// All places, and a bell for each client that is to be displaced.
#[derive(Debug)]
pub(super) struct Places {
    taken: Mutex<Taken>,
    clock: Clock,
}

#[derive(Debug)]
struct Taken {
    visitors: Visitors,
    bells: HashMap<LinkId, Arc<Notify>>,
}

impl Places {
    pub(super) fn new(connections_max: usize, clock: Clock) -> Self {
        let visitors = Visitors::new(connections_max.max(1));
        Self { taken: Mutex::new(Taken { visitors, bells: HashMap::new() }), clock }
    }

    /// Takes a place for a client; another one may have to leave. Returns `true` beside it if one does.
    pub(super) fn take(
        self: &Arc<Self>,
        address: Option<IpAddr>,
    ) -> Result<(Place, bool), Refused> {
        let now = self.clock.now();
        let mut taken = self.lock();
        let visit = taken.visitors.enter(now, address)?;
        if let Some(displaced) = visit.displaced
            && let Some(bell) = taken.bells.remove(&displaced)
        {
            bell.notify_one();
        }
        let bell = Arc::new(Notify::new());
        taken.bells.insert(visit.link, bell.clone());
        let place = Place { places: self.clone(), link: visit.link, bell, touched: now.mono };
        Ok((place, visit.displaced.is_some()))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's place, for as long as its task lives.
pub(super) struct Place {
    places: Arc<Places>,
    link: LinkId,
    /// Rung when another client needs the place.
    pub(super) bell: Arc<Notify>,
    touched: Instant,
}

impl Place {
    /// Notes the address that a load balancer named.
    pub(super) fn set_address(&self, address: IpAddr) {
        let now = self.places.clock.now();
        self.places.lock().visitors.set_address(now, self.link, address);
    }

    /// Notes that the client proved its secret.
    pub(super) fn prove(&self) {
        let now = self.places.clock.now();
        self.places.lock().visitors.prove(now, self.link);
    }

    /// Notes that the client sent something.
    pub(super) fn touch(&mut self) {
        let now = self.places.clock.now();
        // Not for each read: all clients share the lock.
        if now.mono.saturating_since(self.touched) >= TOUCH_STEP {
            self.touched = now.mono;
            self.places.lock().visitors.touch(now, self.link);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = self.places.clock.now();
        let mut taken = self.places.lock();
        taken.bells.remove(&self.link);
        taken.visitors.leave(now, self.link);
    }
}

const TOUCH_STEP: Duration = Duration::from_secs(1);
