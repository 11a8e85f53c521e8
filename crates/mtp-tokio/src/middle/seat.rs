//! One client's place on the links.

use core::fmt;
use std::sync::Arc;

use mtp_transport::middle_proxy::pool::{PoolAnswer, PoolClientId};
use mtp_transport::relay::Relay;
use tokio::sync::Notify;

use super::links::Links;

/// A client on the links of a proxy. Dropping it reports the client as gone to the middle proxy.
pub(crate) struct Seat {
    id: PoolClientId,
    wake: Arc<Notify>,
    links: Arc<Links>,
}

impl Seat {
    pub(super) const fn new(id: PoolClientId, wake: Arc<Notify>, links: Arc<Links>) -> Self {
        Self { id, wake, links }
    }

    /// Waits until there may be answers, or room for packets.
    pub(crate) async fn ready(&self) {
        self.wake.notified().await;
    }

    /// Moves packets and answers between a relay and the links.
    ///
    /// Returns `true` if the relay has to be polled again.
    pub(crate) fn pass(&self, relay: &mut Relay) -> bool {
        self.links.with(|state, now| {
            let mut moved = false;
            let was_open = relay.is_open();
            let pool = &mut state.pool;
            while pool.wants_packet(self.id)
                && let Some((packet, quick_ack)) = relay.next_packet(now)
            {
                moved = true;
                // A client whose packet is refused has ended, and gets its end as an answer.
                let _ = pool.handle_client_packet(now, self.id, packet, quick_ack);
            }
            if !pool.wants_packet(self.id) {
                pool.await_room(self.id);
            }
            while relay.wants_upstream_bytes()
                && let Some(answer) = pool.next_answer(self.id)
            {
                moved = true;
                match answer {
                    PoolAnswer::Packet(packet) => {
                        let taken = relay.handle_answer(now, &packet);
                        debug_assert!(taken.is_ok(), "it is only passed while it is wanted");
                    }
                    PoolAnswer::QuickAck(token) => relay.handle_quick_ack(now, token),
                    _ => relay.handle_upstream_eof(now),
                }
            }
            // A packet that violates the framing ends the relay.
            moved || was_open != relay.is_open()
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.links.with(|state, now| {
            state.clients.remove(&self.id);
            state.pool.handle_client_gone(now, self.id);
        });
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("id", &self.id).finish_non_exhaustive()
    }
}
