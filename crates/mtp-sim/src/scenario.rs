//! The parameters of a run, drawn from its seed unless a test sets them.

use mtp_session::client::{ClientInfo, ClientSessionConfig, InitParams, Secrecy};
use mtp_session::server::ServerSessionConfig;
use mtp_session::session::LinkKind;

use crate::dice::{Dice, Odds};
use crate::faults::Faults;
use crate::wire::Carriage;
use crate::workload::Plan;

/// The parameters of a run. `None` means that the value is drawn from the seed.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a parameter list for tests")]
pub struct Scenario {
    /// Determines all random choices.
    pub seed: u64,
    /// The faults.
    pub faults: Option<Faults>,
    /// The total number of calls.
    pub calls: Option<usize>,
    /// The number of clients.
    pub clients: Option<usize>,
    /// What links carry: packets or bytes.
    pub carriage: Option<Carriage>,
    /// The keys of clients and how they are obtained.
    pub keys: Option<Keys>,
    /// Modifies the configuration of client sessions.
    pub client: Option<fn(&mut ClientSessionConfig)>,
    /// Modifies the configuration of server sessions.
    pub server: Option<fn(&mut ServerSessionConfig)>,
    /// Breaks a rule of the server's host, to show that an invariant detects it.
    pub broken: Option<HostRule>,
    /// Checks only this invariant, to show that it detects a fault on its own.
    pub only: Option<u8>,
    /// It was made by [`kills`](Self::kills): a failure names this in its command.
    pub killing: bool,
    /// Prints every fact.
    pub trace: bool,
}

/// The keys of clients at the start of a run and their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the combinations of exchanges")]
pub enum Keys {
    /// A permanent key that encrypts traffic, without a key exchange. Most runs use it.
    Given,
    /// No key: the run begins with a key exchange.
    Exchanged,
    /// A permanent key to which temporary keys are bound.
    Forward,
    /// No key: a permanent and a temporary key are exchanged.
    ForwardExchanged,
}

/// A rule of the host that runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests break each of them")]
pub enum HostRule {
    /// A link writes nothing while a key that it made, bound or uses is on its way into the store.
    KeysWaitForStore,
    /// The application knows after a restart which calls have taken effect.
    JournalIsKept,
}

impl Scenario {
    /// Returns a scenario whose server is killed again and again, beside the other faults of the seed.
    #[must_use]
    pub fn kills(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ KILLS);
        let mut faults = Faults::swarm(&mut dice, 8);
        let odds = |low, high, dice: &mut Dice| {
            Odds::percent(u32::try_from(dice.between(low, high)).unwrap_or(1))
        };
        faults.kills = odds(5, 40, &mut dice);
        faults.captures = odds(10, 60, &mut dice);
        faults.repeats = odds(10, 60, &mut dice);
        // With them the server may forget keys and effects for other reasons.
        faults.key_losses = Odds::NEVER;
        // An earlier run whose clock was ahead may have received ids that are ahead of the next one by more.
        faults.server_jumps = Odds::NEVER;
        let keys = match dice.below(8) {
            0 | 1 => Keys::Exchanged,
            2 => Keys::Forward,
            3 => Keys::ForwardExchanged,
            _ => Keys::Given,
        };
        Self { faults: Some(faults), keys: Some(keys), killing: true, ..Self::new(seed) }
    }

    /// Returns the scenario of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Returns a scenario without faults.
    #[must_use]
    pub fn quiet(seed: u64) -> Self {
        Self { faults: Some(Faults::none()), ..Self::new(seed) }
    }
}

/// The parameters of a run after all random choices.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) faults: Faults,
    pub(crate) clients: Vec<DrawnClient>,
    pub(crate) server: ServerSessionConfig,
    pub(crate) plan: Plan,
    /// All links are cut when the faults end.
    pub(crate) cut_at_the_end: bool,
}

/// One client of a run.
#[derive(Debug)]
pub(crate) struct DrawnClient {
    pub(crate) session: ClientSessionConfig,
    pub(crate) secrecy: Secrecy,
    /// The client starts with a permanent key.
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
        let mut server = ServerSessionConfig::default();
        draw_limits(&mut server.pack_from_bytes, &mut server.duplicates_max, dice);
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
        let mut session = ClientSessionConfig::default();
        draw_limits(&mut session.pack_from_bytes, &mut session.duplicates_max, dice);
        if dice.once_in(2) {
            session.init = Some(init_params());
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
            // HTTP links carry packets: one link for requests, one for long polls.
            2 if scenario.carriage.is_none() => {
                vec![(Carriage::Packets, LinkKind::Http), (Carriage::Packets, LinkKind::HttpPoll)]
            }
            _ => vec![(first, LinkKind::Stream)],
        };
        Self { session, secrecy, has_key, links }
    }
}

/// Draws small limits, because the defaults are rarely reached.
fn draw_limits(pack_from_bytes: &mut usize, duplicates_max: &mut usize, dice: &mut Dice) {
    if dice.once_in(2) {
        *pack_from_bytes = usize::MAX;
    }
    if dice.once_in(6) {
        *duplicates_max = usize::try_from(dice.between(100, 200)).unwrap_or(100);
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

/// Distinguishes the choices of [`Scenario::kills`] from those of the run.
const KILLS: u64 = 0x6b69_6c6c_7300_0000;
/// Lifetime of temporary keys: short enough for a renewal within a pause.
const KEY_LIFE_S: i32 = 7200;
