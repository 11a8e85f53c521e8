//! The published files of middle proxies, and which packets are forwarded.

use mtp_crypto::DcId;
use mtp_transport::middle_proxy::clusters::{CLUSTERS_MAX, Clusters, ClustersError, TARGETS_MAX};
use mtp_transport::middle_proxy::rpc::{NotForwardable, check_forwardable, without_tail};

use crate::middle_link::address;
use crate::vectors::proxy_section;

const LEN_MAX: usize = 1 << 20;

fn parse(text: &str) -> Result<Clusters, ClustersError> {
    Clusters::parse(text, LEN_MAX)
}

// spec: proxy 1.2
#[test]
fn configurations_match_the_vectors() {
    let mut counted = (0, 0);
    for entry in proxy_section("config").as_array().unwrap() {
        let parsed = parse(entry["text"].as_str().unwrap());
        let expected = &entry["recommended"];
        if expected == "error" {
            assert!(parsed.is_err(), "{entry}");
            counted.1 += 1;
            continue;
        }
        let clusters = parsed.unwrap();
        let default = clusters.default_cluster().map(i64::from);
        assert_eq!(default, expected["default"].as_i64(), "{entry}");
        let listed = expected["clusters"].as_object().unwrap();
        assert_eq!(clusters.ids().count(), listed.len());
        for (id, targets) in listed {
            let targets: Vec<_> = targets.as_array().unwrap().iter().map(address).collect();
            assert_eq!(clusters.targets(id.parse().unwrap()), targets, "{entry}");
        }
        counted.0 += 1;
    }
    assert_eq!(counted, (10, 10));
}

// spec: proxy 1.3
#[test]
fn chosen_clusters_match_the_vectors() {
    let configs = proxy_section("config");
    let entries = proxy_section("cluster_choice");
    for entry in entries.as_array().unwrap() {
        let config = configs.as_array().unwrap().iter();
        let config = config.clone().find(|it| it["name"] == entry["config"]).unwrap();
        let clusters = parse(config["text"].as_str().unwrap()).unwrap();
        let dc = DcId::new(i32::try_from(entry["dc"].as_i64().unwrap()).unwrap());
        let chosen = clusters.choose(dc).map(i64::from);
        assert_eq!(chosen, entry["cluster"].as_i64(), "{entry}");
    }
    assert_eq!(entries.as_array().unwrap().len(), 11);
}

// spec: proxy 1.2
#[test]
fn addresses_are_read_in_each_form() {
    let text = "proxy_for 2 2001:db8::d:80; proxy_for 2 [2001:db8::e]:81; proxy_for 2 name:80;";
    let clusters = parse(text).unwrap();
    let expected = ["[2001:db8::d]:80", "[2001:db8::e]:81"].map(|it| it.parse().unwrap());
    assert_eq!((clusters.targets(2), clusters.skipped()), (&expected[..], 1));
}

#[test]
fn configuration_is_accepted_at_the_limits_and_rejected_above() {
    let text = "proxy_for 2 192.0.2.1:80;";
    assert!(Clusters::parse(text, text.len()).is_ok());
    let above = Clusters::parse(text, text.len() - 1);
    assert_eq!(above, Err(ClustersError::TooLong { len: text.len() }));
    let many = |clusters: usize, targets: usize| {
        let lines = (0..clusters.max(targets)).map(|number| {
            let (high, low) = (number / 256, number % 256);
            format!("proxy_for {} 10.0.{high}.{low}:80;", number % clusters)
        });
        parse(&lines.collect::<String>()).map(drop)
    };
    assert_eq!(many(CLUSTERS_MAX, 0), Ok(()));
    assert_eq!(many(CLUSTERS_MAX + 1, 0), Err(ClustersError::TooMany));
    assert_eq!(many(1, TARGETS_MAX), Ok(()));
    assert_eq!(many(1, TARGETS_MAX + 1), Err(ClustersError::TooMany));
}

#[test]
fn order_of_lines_makes_no_difference() {
    let one = parse("proxy_for 2 192.0.2.1:80; proxy_for 2 192.0.2.2:80;").unwrap();
    let other = parse("proxy_for 2 192.0.2.2:80; proxy_for 2 192.0.2.1:80;").unwrap();
    assert!(one.is_same(&other));
    assert!(!one.is_same(&parse("proxy_for 2 192.0.2.1:80;").unwrap()));
    let six = parse("default 3; proxy_for 2 [::1]:80;").unwrap();
    let joined = one.joined(&six);
    assert_eq!((joined.targets(2).len(), joined.default_cluster()), (3, Some(3)));
}

const REQ_PQ: u32 = 0x6046_9778;

// spec: proxy 3.2
#[test]
fn packet_is_forwarded_at_the_limits_and_rejected_beyond() {
    let length = |len: usize| check_forwardable(&vec![1; len], 1000);
    for (len, fits) in [(24, false), (28, true), (30, false), (1000, true), (1004, false)] {
        let expected = if fits { Ok(()) } else { Err(NotForwardable::Length { len }) };
        assert_eq!(length(len), expected);
    }
    let unencrypted = |inner: u32, constructor: u32, len: usize| {
        let mut packet = vec![0; len];
        packet[16..20].copy_from_slice(&inner.to_le_bytes());
        packet[20..24].copy_from_slice(&constructor.to_le_bytes());
        check_forwardable(&packet, 1000)
    };
    assert_eq!(unencrypted(20, REQ_PQ, 40), Ok(()));
    assert_eq!(unencrypted(24, REQ_PQ, 40), Err(NotForwardable::InnerLength { len: 24 }));
    assert_eq!(unencrypted(16, REQ_PQ, 40), Err(NotForwardable::InnerLength { len: 16 }));
    for id in [0xbe7e_8ef1, 0xd712_e4be, 0xf504_5f1f] {
        assert_eq!(unencrypted(20, id, 40), Ok(()));
    }
    assert_eq!(unencrypted(20, 7, 40), Err(NotForwardable::Constructor { id: 7 }));
}

// spec: transport 2.3
#[test]
fn tails_of_both_kinds_of_packets_are_cut() {
    for tail in [0, 4, 8, 12] {
        let encrypted = vec![1; 24 + 32 + tail];
        assert_eq!(without_tail(&encrypted).len(), 24 + 32);
        let mut plain = vec![0; 40 + tail];
        plain[16] = 20;
        assert_eq!(without_tail(&plain).len(), 40);
    }
    // A length that does not fit is for the data center to refuse.
    let mut plain = vec![0; 40];
    plain[16] = 24;
    assert_eq!(without_tail(&plain).len(), 40);
    assert_eq!(without_tail(&[1; 3]), [1; 3]);
}
