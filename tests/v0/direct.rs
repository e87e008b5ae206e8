//! Reads that query Proxmox directly: the same bytes as through Ansible, and how much faster.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use testkit::{http::Endpoint, pve::Pve};

use crate::{service::Service, site::Sites};

const ROUTES: &[(&str, &str)] = &[
    ("vms/list", ""),
    ("vms/list_usage", ""),
    ("vms/vm_id/config/vm_get_config", "vm_id"),
    ("vms/vm_id/config/vm_get_config_cdrom", "vm_id"),
    ("vms/vm_id/config/vm_get_config_cpu", "vm_id"),
    ("vms/vm_id/config/vm_get_config_ram", "vm_id"),
    ("vms/vm_id/snapshot/list", "vm_id"),
    ("storage/list", "storage_name"),
    ("storage/storage_name/list_iso", "storage_name"),
    ("storage/storage_name/list_template", "storage_name"),
    ("firewall/vm/alias/list", "vm_id"),
    ("firewall/vm/rules/list", "vm_id"),
    ("network/vm/list", "vm_id"),
    ("network/node/list", ""),
    ("lxc/list", ""),
];

fn service(sites: &Sites, name: &str, direct: &str) -> Service {
    let mut site = sites.lay_out("real");
    site.settings.insert("RANGEHAND__PROXMOX__DIRECT_READS".into(), direct.into());
    site.settings.insert("RANGEHAND__PATHS__STATE".into(), format!("var-{name}"));
    Service::start(sites, &site).unwrap_or_else(|log| panic!("it does not start: {log}"))
}

/// Status, body and job of a call.
fn ask(service: &Endpoint, route: &str, field: &str) -> (u16, String, String) {
    let mut body = json!({ "proxmox_node": "px-testing" });
    match field {
        "vm_id" => body["vm_id"] = json!("1000"),
        "storage_name" => body["storage_name"] = json!("local"),
        _ => {}
    }
    let headers = Map::from_iter([("content-type".to_owned(), Value::from("application/json"))]);
    let path = format!("/v0/admin/proxmox/{route}");
    let answer = service.send("POST", &path, &headers, Some(&body.to_string())).expect("an answer");
    let job = answer.headers.iter().find(|(name, _)| name == "x-rangehand-job").map(|(_, job)| job.clone());
    (answer.status, answer.body, job.expect("every call is a job"))
}

fn changes() -> Vec<(String, String, Value)> {
    let change = |path: &str, body: Value| ("POST".to_owned(), path.to_owned(), body);
    vec![
        change(
            "/__vm/1000",
            json!({ "cpu": 0.00001234, "maxdisk": 34359738368_u64, "tags": null, "name": "w\u{e4}hl" }),
        ),
        change("/__vm/77", json!({ "status": "stopped", "uptime": null, "mem": 1.5e12 })),
        change(
            "/__vm/1000",
            json!({ "config": { "net1": "model=e1000,macaddr=AA:BB,bridge=vmbr1,firewall=1" } }),
        ),
        change("/__lxc/200", json!({ "name": "ct", "tags": "a;b" })),
        change(
            "/__vm/1000",
            json!({ "config": { "cipassword": "**********", "description": "ftp://bob:hidden@wiki/" } }),
        ),
        change(
            "/__snapshot/1000",
            json!({ "name": "S1", "description": "a\nb \"c\" ftp://bob:hidden@wiki/" }),
        ),
        change("/__alias/1000", json!({ "name": "office", "cidr": "10.0.0.0/8" })),
        change("/__rule/1000", json!({ "action": "ACCEPT", "type": "in", "enable": 1, "pos": 0 })),
    ]
}

#[test]
#[expect(clippy::print_stdout, reason = "the measured value is printed with --nocapture")]
fn reads_answer_the_same_bytes_with_and_without_ansible() {
    let pve = Pve::start();
    pve.prepare(&changes());
    let sites = Sites::new(pve.host());
    let (direct, ansible) = (service(&sites, "direct", "auto"), service(&sites, "ansible", "never"));
    let (mut quick, mut slow) = (Vec::new(), Vec::new());
    for (route, field) in ROUTES {
        let begun = Instant::now();
        let (status, body, job) = ask(&direct.endpoint, route, field);
        quick.push(begun.elapsed());
        let begun = Instant::now();
        let (_, wanted, _) = ask(&ansible.endpoint, route, field);
        slow.push(begun.elapsed());
        assert_eq!((status, &body), (200, &wanted), "{route}");
        assert!(!body.contains("hidden"), "{route}: {body}");
        let job =
            direct.endpoint.send("GET", &format!("/v1/jobs/{job}"), &Map::new(), None).expect("an answer");
        let job: Value = serde_json::from_str(&job.body).expect("JSON");
        assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(0)), "{route}: {job:#}");
    }
    println!(
        "figure: a read of v0 | {:.1} ms from Proxmox itself, {:.0} ms through Ansible (medians of {} routes, side by side)",
        median(quick).as_secs_f64() * 1e3,
        median(slow).as_secs_f64() * 1e3,
        ROUTES.len(),
    );
    assert_eq!([direct.stop(), ansible.stop()].concat(), Vec::<String>::new());
}

#[test]
fn reads_that_proxmox_does_not_answer_are_done_by_ansible() {
    let pve = Pve::start();
    pve.prepare(&[]);
    let sites = Sites::new(pve.host());
    let service = service(&sites, "direct", "auto");
    pve.control(&("POST".into(), "/__fail".into(), json!({ "code": 503, "path": "/qemu$" })));
    let (status, body, job) = ask(&service.endpoint, "vms/list", "");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &body["rc"], &body["result"]), (500, &json!(2), &json!([])), "{body:#}");
    let job = service.endpoint.send("GET", &format!("/v1/jobs/{job}"), &Map::new(), None).expect("an answer");
    let job: Value = serde_json::from_str(&job.body).expect("JSON");
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(1)));
    assert_eq!(service.stop(), Vec::<String>::new());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
