//! The middle mode of `mtp proxy`: options, and the files that are read again.

use core::net::IpAddr;
use core::str::FromStr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use mtp_tokio::{MiddleMode, MiddleNotice, MiddleProxies};
use mtp_transport::middle_proxy::clusters::{CLUSTERS_LEN_MAX, Clusters};
use mtp_transport::middle_proxy::pool::{Families, MiddlePoolConfig, MiddleSetup};
use mtp_transport::middle_proxy::secret::MiddleSecret;
use tokio::sync::Notify;

use crate::terminal;

/// Options of the middle mode.
#[derive(Args)]
pub(crate) struct MiddleOptions {
    /// File of middle proxies, as published: clients are carried through them instead of to --dc. May be
    /// repeated, one file for IPv4 and one for IPv6. It is read again while the proxy runs
    #[arg(long, value_name = "FILE", requires = "middle_secret")]
    middle_config: Vec<PathBuf>,
    /// File of the secret that proxies and middle proxies share, as published; it is read again together
    /// with --middle-config
    #[arg(long, value_name = "FILE", requires = "middle_config")]
    middle_secret: Option<PathBuf>,
    /// Tag of the promoted channel, 32 hexadecimal digits; with the name of a secret before `=` for its
    /// clients only. May be repeated
    #[arg(long = "ad-tag", value_name = "[NAME=]TAG", requires = "middle_config")]
    ad_tags: Vec<AdTag>,
    /// Address under which clients and middle proxies see this proxy, if it is behind a NAT; one of each
    /// family
    #[arg(long = "public-address", value_name = "ADDRESS", requires = "middle_config")]
    public: Vec<IpAddr>,
    /// Which addresses of middle proxies are used
    #[arg(long, value_enum, default_value_t = Family::PreferIpv4, value_name = "WHICH")]
    middle_family: Family,
    /// How often the files of middle proxies are read again, in seconds. A change is applied when it was
    /// read twice in a row, or at once after SIGHUP
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    middle_refresh: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Family {
    /// IPv4; IPv6 while no IPv4 address works
    PreferIpv4,
    /// IPv6; IPv4 while no IPv6 address works
    PreferIpv6,
    /// IPv4 only
    Ipv4,
    /// IPv6 only
    Ipv6,
}

#[derive(Clone)]
struct AdTag {
    name: Option<String>,
    tag: [u8; 16],
}

impl FromStr for AdTag {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, digits) = match text.rsplit_once('=') {
            Some((name, digits)) => (Some(name.to_owned()), digits),
            None => (None, text),
        };
        let number = u128::from_str_radix(digits, 16).ok();
        let number = number.filter(|_| digits.len() == 32 && !digits.starts_with('+'));
        let number = number.context("a tag has 32 hexadecimal digits, as @MTProxybot sends it")?;
        Ok(Self { name, tag: number.to_be_bytes() })
    }
}

impl MiddleOptions {
    /// Returns `true` if clients are carried through middle proxies.
    pub(crate) fn is_on(&self) -> bool {
        !self.middle_config.is_empty()
    }

    /// Opens the middle mode, within a runtime; `names` are those of the secrets.
    pub(crate) fn start(&self, names: &[String], verbose: bool) -> anyhow::Result<MiddleRun> {
        let files = Files {
            configs: self.middle_config.clone(),
            secret: self.middle_secret.clone().unwrap_or_default(),
            families: match self.middle_family {
                Family::PreferIpv4 => Families::PreferV4,
                Family::PreferIpv6 => Families::PreferV6,
                Family::Ipv4 => Families::OnlyV4,
                Family::Ipv6 => Families::OnlyV6,
            },
        };
        if let [one, other, ..] = self.public[..]
            && (self.public.len() > 2 || one.is_ipv4() == other.is_ipv4())
        {
            bail!("--public-address: one address of each family");
        }
        let mut ad_tag = None;
        let mut ad_tags = vec![None; names.len()];
        for given in &self.ad_tags {
            let place = match &given.name {
                None => &mut ad_tag,
                Some(name) => {
                    let index = names.iter().position(|known| known == name);
                    let place = index.and_then(|index| ad_tags.get_mut(index));
                    place.with_context(|| format!("--ad-tag: no secret has the name {name}"))?
                }
            };
            if place.replace(given.tag).is_some() {
                bail!("--ad-tag: two tags for one secret, or for all of them");
            }
            if given.tag == [0; 16] {
                terminal::note("--ad-tag: the tag of zeros promotes nothing");
            }
        }
        let setup = files.load()?;
        if setup.clusters.skipped() > 0 {
            let count = setup.clusters.skipped();
            terminal::note(&format!("--middle-config: {count} statements were skipped"));
        }
        let observer = Box::new(move |address, notice: MiddleNotice<'_>| {
            let is_news = verbose || matches!(notice, MiddleNotice::Unreachable(_));
            if is_news {
                terminal::note(&format!("middle proxy {address}: {notice}"));
            }
        });
        let config = MiddlePoolConfig::default();
        let proxies = MiddleProxies::start(config, setup, self.public.clone(), observer);
        let mut mode = MiddleMode::new(proxies.clone());
        mode.public.clone_from(&self.public);
        mode.ad_tag = ad_tag;
        mode.ad_tags = ad_tags;
        let now = Arc::new(Notify::new());
        let period = Duration::from_secs(self.middle_refresh.max(1).into());
        tokio::spawn(watch(files, proxies, period, now.clone()));
        Ok(MiddleRun { mode, now })
    }
}

/// The middle mode of a running proxy.
pub(crate) struct MiddleRun {
    pub(crate) mode: MiddleMode,
    now: Arc<Notify>,
}

impl MiddleRun {
    /// Reads the files again, and applies a change at once.
    pub(crate) fn reload(&self) {
        self.now.notify_one();
    }
}

struct Files {
    configs: Vec<PathBuf>,
    secret: PathBuf,
    families: Families,
}

impl Files {
    fn load(&self) -> anyhow::Result<MiddleSetup> {
        let mut clusters: Option<Clusters> = None;
        for path in &self.configs {
            let one = read_clusters(path)?;
            clusters = Some(match clusters {
                Some(former) => former.joined(&one),
                None => one,
            });
        }
        let clusters = clusters.context("no --middle-config")?;
        let mut setup = MiddleSetup::new(clusters, read_secret(&self.secret)?);
        setup.families = self.families;
        Ok(setup)
    }
}

fn read_clusters(path: &Path) -> anyhow::Result<Clusters> {
    let text = read_limited(path, CLUSTERS_LEN_MAX)?;
    let text = core::str::from_utf8(&text)
        .with_context(|| format!("--middle-config: {} is not text", path.display()))?;
    Clusters::parse(text, CLUSTERS_LEN_MAX)
        .with_context(|| format!("--middle-config: {} is not usable", path.display()))
}

/// Reads a secret that proxies and middle proxies share.
pub(super) fn read_secret(path: &Path) -> anyhow::Result<Arc<MiddleSecret>> {
    let bytes = zeroize::Zeroizing::new(read_limited(path, 4096)?);
    let secret = MiddleSecret::from_bytes(&bytes)
        .with_context(|| format!("{} has no secret of middle proxies", path.display()))?;
    Ok(Arc::new(secret))
}

/// Reads a file of at most `len_max` bytes; one byte more shows that it is longer.
fn read_limited(path: &Path, len_max: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let file = std::fs::File::open(path);
    let mut bytes = Vec::new();
    let limit = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    file.and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// Reads the files again and again. A file that is being written, or not usable, changes nothing.
async fn watch(files: Files, proxies: MiddleProxies, period: Duration, now: Arc<Notify>) {
    let mut seen: Option<MiddleSetup> = None;
    loop {
        let wait = if seen.is_some() { period.min(CONFIRM_AFTER) } else { period };
        let is_order = tokio::select! {
            () = now.notified() => true,
            () = tokio::time::sleep(wait) => false,
        };
        let setup = match files.load() {
            Ok(setup) => setup,
            Err(error) => {
                terminal::warning("the middle proxies stay as they are", &error);
                seen = None;
                continue;
            }
        };
        let is_stable = seen.as_ref().is_some_and(|seen| seen.is_same(&setup));
        if is_order || is_stable {
            seen = None;
            let count: usize =
                setup.clusters.ids().map(|id| setup.clusters.targets(id).len()).sum();
            if proxies.set_up(setup) {
                terminal::note(&format!(
                    "the files of middle proxies have changed: {count} listed"
                ));
            } else if is_order {
                terminal::note("SIGHUP: the files of middle proxies are the same");
            }
        } else if proxies.has(&setup) {
            seen = None;
        } else {
            seen = Some(setup);
        }
    }
}

/// Time until a changed file is read for the second time.
const CONFIRM_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_an_optional_name_and_exactly_32_digits() {
        let digits = "00112233445566778899aabbccddeeff";
        let tag: AdTag = digits.parse().unwrap();
        assert_eq!((tag.name, tag.tag[1]), (None, 0x11));
        let named: AdTag = format!("home={digits}").parse().unwrap();
        assert_eq!(named.name.as_deref(), Some("home"));
        for wrong in
            ["", "home=", &digits[1..], &format!("{digits}0"), &format!("+{}", &digits[1..])]
        {
            assert!(wrong.parse::<AdTag>().is_err(), "{wrong}");
        }
    }
}
