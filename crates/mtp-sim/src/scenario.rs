//! What a run is made of, drawn from its seed unless a test says otherwise.

use mtp_session::client::Secrecy;
use mtp_session::session::{ClientInfo, InitParams, LinkKind, SessionConfig};

use crate::dice::Dice;
use crate::faults::Faults;
use crate::wire::Carriage;
use crate::workload::Plan;

/// A run, described. What is `None` is drawn from the seed.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a description, for tests to fill in")]
pub struct Scenario {
    /// Everything follows from this number.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Option<Faults>,
    /// How many calls are made in all.
    pub calls: Option<usize>,
    /// How many clients there are.
    pub clients: Option<usize>,
    /// What links carry.
    pub carriage: Option<Carriage>,
    /// Which keys clients have, and how they come by them.
    pub keys: Option<Keys>,
    /// Changes to the configuration of clients' sessions.
    pub client: Option<fn(&mut SessionConfig)>,
    /// Changes to the configuration of the server's sessions.
    pub server: Option<fn(&mut SessionConfig)>,
    /// Only this invariant judges the run: to show that it alone notices a fault.
    pub only: Option<u8>,
    /// Whether what happens is printed as it happens.
    pub trace: bool,
}

/// Which keys clients have at the start, and what they use them for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the ways to begin")]
pub enum Keys {
    /// A permanent key that encrypts traffic: no key exchange is needed. Most runs.
    Given,
    /// None: the run begins with a key exchange.
    Exchanged,
    /// A permanent key, on which temporary ones are bound.
    Forward,
    /// None, and a permanent and a temporary one are made.
    ForwardExchanged,
}

impl Scenario {
    /// Describes the run of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Describes a run without any fault.
    #[must_use]
    pub fn quiet(seed: u64) -> Self {
        Self { faults: Some(Faults::none()), ..Self::new(seed) }
    }
}

/// A run, drawn.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) faults: Faults,
    pub(crate) clients: Vec<DrawnClient>,
    pub(crate) server: SessionConfig,
    pub(crate) plan: Plan,
    /// Links are cut when faults end, as if a user had had enough.
    pub(crate) cut_at_the_end: bool,
}

/// One client of a run.
#[derive(Debug)]
pub(crate) struct DrawnClient {
    pub(crate) session: SessionConfig,
    pub(crate) secrecy: Secrecy,
    /// It begins with a permanent key.
    pub(crate) has_key: bool,
    pub(crate) links: Vec<(Carriage, LinkKind)>,
}

impl Drawn {
    pub(crate) fn from(scenario: &Scenario, dice: &mut Dice) -> Self {
        let mut faults = Faults::swarm(dice, 4);
        if let Some(given) = &scenario.faults {
            faults = given.clone();
        }
        let count = scenario.clients.unwrap_or(if dice.once_in(4) { 2 } else { 1 });
        let clients: Vec<_> = (0..count).map(|_| DrawnClient::draw(scenario, dice)).collect();
        let mut server = SessionConfig::server();
        draw_limits(&mut server, dice);
        if let Some(change) = scenario.server {
            change(&mut server);
        }
        let calls = usize::try_from(dice.between(4, 40)).unwrap_or(4);
        let plan = Plan::draw(dice, &faults, count, scenario.calls.unwrap_or(calls));
        Self { faults, clients, server, plan, cut_at_the_end: dice.once_in(2) }
    }
}

impl DrawnClient {
    fn draw(scenario: &Scenario, dice: &mut Dice) -> Self {
        let keys = match dice.below(96) {
            0 => Keys::Exchanged,
            1 => Keys::Forward,
            2 => Keys::ForwardExchanged,
            _ => Keys::Given,
        };
        let (secrecy, has_key) = match scenario.keys.unwrap_or(keys) {
            Keys::Given => (Secrecy::Off, true),
            Keys::Exchanged => (Secrecy::Off, false),
            Keys::Forward => (Secrecy::Forward { life_s: KEY_LIFE_S }, true),
            Keys::ForwardExchanged => (Secrecy::Forward { life_s: KEY_LIFE_S }, false),
        };
        let mut session = SessionConfig::client();
        draw_limits(&mut session, dice);
        if dice.once_in(2) {
            session.client.init = Some(init_params());
        }
        if dice.once_in(6) {
            session.container_messages_max = usize::try_from(dice.between(5, 12)).unwrap_or(5);
        }
        if let Some(change) = scenario.client {
            change(&mut session);
        }
        let mut carriage = || scenario.carriage.clone().unwrap_or_else(|| Carriage::draw(dice));
        let (first, second) = (carriage(), carriage());
        let links = match dice.below(8) {
            0 | 1 => vec![(first, LinkKind::Stream), (second, LinkKind::Stream)],
            // HTTP links carry whole packets here: one up, one down.
            2 if scenario.carriage.is_none() => {
                vec![(Carriage::Packets, LinkKind::Http), (Carriage::Packets, LinkKind::HttpPoll)]
            }
            _ => vec![(first, LinkKind::Stream)],
        };
        Self { session, secrecy, has_key, links }
    }
}

/// Draws limits that are seldom reached with the defaults.
fn draw_limits(config: &mut SessionConfig, dice: &mut Dice) {
    if dice.once_in(2) {
        config.pack_from_bytes = usize::MAX;
    }
    if dice.once_in(6) {
        config.duplicates_max = usize::try_from(dice.between(100, 200)).unwrap_or(100);
    }
}

fn init_params() -> InitParams {
    let info = ClientInfo {
        api_id: 6,
        device_model: "simulated",
        system_version: "0",
        app_version: "0",
        system_lang_code: "en",
        lang_pack: "",
        lang_code: "en",
    };
    InitParams::new(200, &info)
}

/// How long temporary keys live: short enough to be renewed within a pause.
const KEY_LIFE_S: i32 = 7200;
