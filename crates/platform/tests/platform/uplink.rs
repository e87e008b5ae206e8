//! The way of a range on this machine to the outside.

use std::process::Command;

use platform::{Change, local::Local};

use crate::{
    conformance::{Site, assert_gone},
    drive::{Drive, expand},
    lab::{sh, with_lab, within},
};

#[test]
fn a_range_with_an_uplink_reaches_outside_and_is_not_reached_from_there() {
    with_lab(|lab| async move {
        // The network outside: a namespace that knows only the address of this machine.
        let outside =
            format!("{}-o", lab.options.run.parent().unwrap().file_name().unwrap().to_str().unwrap());
        sh(&format!(
            "ip netns add {outside} && ip link add up0 type veth peer name eth0 netns {outside} && \
             ip address add 192.0.2.1/24 dev up0 && ip link set up0 up && \
             ip -n {outside} address add 192.0.2.9/24 dev eth0 && ip -n {outside} link set eth0 up"
        ));
        let before = lab.foreign();
        let options = platform::local::Options {
            uplink: Some("100.64.0.0/16".parse().unwrap()),
            ..lab.options.clone()
        };
        let local = Local::new(options);
        let desired = expand(
            "name: r\nplatform: p\nnetworks:\n  dmz: {cidr: 10.62.1.0/24}\n  shut: {cidr: 10.62.2.0/24, isolated: true}\n\
             machines:\n  gw: {kind: namespace, role: router, networks: [dmz, shut, uplink]}\n  \
             web: {kind: namespace, networks: [dmz]}\n  db: {kind: namespace, networks: [shut]}\n\
             rules: [{from: any, to: uplink, allow: [any]}]\n",
        );
        let (one, two) = (Drive::new(&local, "out"), Drive::new(&local, "out2"));
        one.up(&desired).await.unwrap();
        two.up(&desired).await.unwrap();
        assert!(one.up(&desired).await.unwrap().iter().all(|change| *change == Change::Adopted));
        let (gw, web, db) = (lab.net("out", "gw"), lab.net("out", "web"), lab.net("out", "db"));
        assert!(within(&gw, "ping -c 1 -W 2 192.0.2.9"), "the router, by the translation of this machine");
        assert!(within(&web, "ping -c 1 -W 2 192.0.2.9"), "a machine behind it");
        assert!(!within(&db, "ping -c 1 -W 1 192.0.2.9"), "an isolated network");
        let uplinks: Vec<_> = [&one, &two]
            .map(|drive| async move {
                let observed = drive.observe().await;
                observed.machine("gw").unwrap().nics[2].known_addresses()[0]
            })
            .into();
        let mut addresses = Vec::new();
        for uplink in uplinks {
            addresses.push(uplink.await);
        }
        assert_ne!(addresses[0].trunc(), addresses[1].trunc(), "each range has a subnet of its own");
        assert!(
            !within(&gw, &format!("ping -c 1 -W 1 {}", addresses[1].addr())),
            "ranges do not reach each other"
        );
        sh(&format!("ip -n {outside} route add default via 192.0.2.1"));
        let inward = Command::new("ip")
            .args(["netns", "exec", &outside, "ping", "-c", "1", "-W", "1"])
            .arg(addresses[0].addr().to_string())
            .output()
            .unwrap();
        assert!(!inward.status.success(), "connections from outside are refused");
        one.down(&desired).await.unwrap();
        two.down(&desired).await.unwrap();
        assert_gone(&one.observe().await);
        sh(&format!("ip -n {outside} route delete default"));
        assert_eq!(lab.foreign(), before);
        sh(&format!("ip link delete up0 && ip netns delete {outside}"));
    });
}
