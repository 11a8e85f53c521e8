//! What a server writes down: keys and the effects of calls.
//!
//! ```text
//!   change ──▶ waiting ──▶ acknowledged: links that waited may write, the application acts
//!                 └──────▶ killed: the store has kept it, or has not
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mtp_crypto::AuthKeyId;
use mtp_env::Instant;
use mtp_session::established::Established;
use mtp_session::link::LinkId;
use mtp_session::server::{IncomingId, SessionName};

use crate::dice::Dice;

/// Stored keys, each with the key that it is bound to.
pub(crate) type StoredKeys = BTreeMap<AuthKeyId, (Established, Option<AuthKeyId>)>;

/// A change on its way into the store.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A key was made or bound.
    Key { key: Established, bound_to: Option<AuthKeyId> },
    /// A call takes effect.
    Effect { number: u32, session: SessionName, call: IncomingId },
}

/// Changes on their way, and what is written down besides keys.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    waiting: VecDeque<Waiting>,
    /// Links that may write again.
    pub(crate) released: VecDeque<LinkId>,
    held: Vec<LinkId>,
    /// Calls that have taken effect, as the application remembers them.
    effects: BTreeSet<u32>,
    /// How often each call has taken effect.
    pub(crate) counts: BTreeMap<u32, u32>,
}

#[derive(Debug)]
struct Waiting {
    at: Instant,
    change: Change,
    /// Link that made it.
    link: Option<LinkId>,
}

impl Journal {
    /// Adds a change that the store acknowledges at `at`, after those before.
    pub(crate) fn add(&mut self, at: Instant, change: Change, link: Option<LinkId>) {
        let at = self.waiting.back().map_or(at, |last| at.max(last.at));
        self.waiting.push_back(Waiting { at, change, link });
    }

    /// Returns when the store acknowledges the next change.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.at)
    }

    /// Writes down what the store has acknowledged by `at`, one change.
    pub(crate) fn acknowledge(&mut self, at: Instant, keys: &mut StoredKeys) -> Option<Change> {
        self.next_at().filter(|due| *due <= at)?;
        let waiting = self.waiting.pop_front()?;
        self.write(&waiting.change, keys);
        self.released.extend(core::mem::take(&mut self.held));
        Some(waiting.change)
    }

    /// Returns a key on its way into the store.
    pub(crate) fn key(&self, id: AuthKeyId) -> Option<&Established> {
        self.waiting.iter().rev().find_map(|waiting| match &waiting.change {
            Change::Key { key, .. } if key.key.id() == id => Some(key),
            _ => None,
        })
    }

    /// Ends a run: of the changes on their way, the store has kept some.
    pub(crate) fn kill(&mut self, keys: &mut StoredKeys, dice: &mut Dice) {
        for waiting in core::mem::take(&mut self.waiting) {
            if dice.once_in(2) {
                self.write(&waiting.change, keys);
            }
        }
        self.forget_links();
    }

    /// Ends a run whose store has kept everything.
    pub(crate) fn clear_waiting(&mut self, keys: &mut StoredKeys) {
        for waiting in core::mem::take(&mut self.waiting) {
            self.write(&waiting.change, keys);
        }
        self.forget_links();
    }

    /// Forgets which calls have taken effect.
    pub(crate) fn forget_effects(&mut self) {
        self.effects.clear();
    }

    /// Returns `true` if the application knows that a call has taken effect.
    pub(crate) fn has_effect(&self, number: u32) -> bool {
        self.effects.contains(&number)
    }

    /// Returns `true` if a link must not write yet.
    pub(crate) fn holds(
        &mut self,
        link: LinkId,
        mut keys: impl Iterator<Item = AuthKeyId>,
    ) -> bool {
        let changes = || {
            self.waiting.iter().filter_map(|waiting| match &waiting.change {
                Change::Key { key, .. } => Some((key.key.id(), waiting.link)),
                Change::Effect { .. } => None,
            })
        };
        let holds = changes().any(|(_, by)| by == Some(link))
            || keys.any(|used| changes().any(|(key, _)| key == used));
        if holds && !self.held.contains(&link) {
            self.held.push(link);
        }
        holds
    }

    fn write(&mut self, change: &Change, keys: &mut StoredKeys) {
        match change {
            Change::Key { key, bound_to } => {
                keys.insert(key.key.id(), (key.clone(), *bound_to));
            }
            Change::Effect { number, .. } => {
                if self.effects.insert(*number) {
                    *self.counts.entry(*number).or_default() += 1;
                }
            }
        }
    }

    fn forget_links(&mut self) {
        self.held.clear();
        self.released.clear();
    }
}
