//! The messages to watchers, and when they are sent.

use proptest::prelude::*;

use super::*;

fn vm(id: u32, more: Value) -> Value {
    let mut vm = json!({
        "vmid": id, "name": format!("vm-{id}"), "status": "running", "cpu": 0.125, "mem": 10, "maxmem": 20,
        "uptime": 30, "tags": "web", "disk": 7,
    });
    vm.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    vm
}

/// What a watcher is sent of these polls, one each `seconds`.
fn sent(seconds: u64, polls: &[Vec<Value>]) -> Vec<String> {
    let mut sent = Sent::default();
    let times = (0..).map(|poll| Duration::from_secs(1000 + poll * seconds));
    let frames = polls.iter().zip(times).map(|(poll, now)| sent.frame(&machines(poll), now));
    frames.map(|frame| frame.map_or(String::new(), |frame| serde_json::to_string(&frame).unwrap())).collect()
}

fn changed(id: u32, name: &str, cpu: f64, mem: u32, uptime: u32) -> String {
    format!(
        r#"{{"type":"diff","changes":{{"{id}":{{"type":"changed","vmid":{id},"name":"{name}","status":"running","cpu":{cpu:?},"mem":{mem},"maxmem":20,"uptime":{uptime},"template":0,"tags":"web"}}}}}}"#
    )
}

#[test]
fn everything_first_then_what_is_new_changed_and_gone() {
    let frames = sent(
        5,
        &[
            vec![vm(2, json!({})), vm(1, json!({ "name": "é" })), vm(9, json!({ "template": 1 }))],
            vec![vm(2, json!({})), vm(1, json!({ "name": "é" }))],
            vec![vm(3, json!({ "cpu": 0 })), vm(1, json!({ "name": "é", "template": 1 }))],
        ],
    );
    let fields =
        r#""status":"running","cpu":12.5,"mem":10,"maxmem":20,"uptime":30,"template":0,"tags":"web"}"#;
    assert_eq!(
        frames[0],
        format!(
            r#"{{"type":"full","vms":[{{"vmid":2,"name":"vm-2",{fields},{{"vmid":1,"name":"é",{fields}]}}"#
        )
    );
    assert_eq!(frames[1], "");
    let added = fields.replace("12.5", "0");
    assert_eq!(
        frames[2],
        format!(
            r#"{{"type":"diff","changes":{{"3":{{"type":"added","vmid":3,"name":"vm-3",{added},"2":{{"type":"removed","vmid":2}},"1":{{"type":"removed","vmid":1}}}}}}"#
        )
    );
}

#[test]
fn an_empty_node_is_sent_in_full_each_time() {
    let full = r#"{"type":"full","vms":[]}"#;
    let frames = sent(5, &[vec![], vec![], vec![vm(1, json!({}))], vec![], vec![]]);
    assert_eq!([&frames[0], &frames[1]], [full, full]);
    assert!(frames[2].starts_with(r#"{"type":"full","vms":[{"#));
    assert_eq!(frames[3], r#"{"type":"diff","changes":{"1":{"type":"removed","vmid":1}}}"#);
    assert_eq!(frames[4], full);
}

#[test]
fn missing_values_and_null_are_their_defaults() {
    let list =
        [json!({ "vmid": 1 }), json!({ "vmid": "2", "cpu": null, "name": null }), json!({ "name": "x" })];
    let vms = serde_json::to_string(&machines(&list)).unwrap();
    let rest =
        r#""name":"","status":"unknown","cpu":0,"mem":0,"maxmem":0,"uptime":0,"template":0,"tags":""}"#;
    assert_eq!(vms, format!(r#"[{{"vmid":1,{rest},{{"vmid":"2",{rest}]"#));
}

/// The expected values are those of Python's `round(share * 100, 1)`.
#[test]
fn percentages_are_rounded_as_the_reference_does() {
    for (share, shown) in [
        ("0", "0"),
        ("1", "100"),
        ("0.0", "0.0"),
        ("0.125", "12.5"),
        ("0.0025", "0.2"),
        ("0.0035", "0.4"),
        ("0.0075", "0.8"),
        ("0.1225", "12.2"),
        ("0.1235", "12.3"),
        ("0.10449999", "10.4"),
        ("1.0", "100.0"),
        ("0.00628930817610063", "0.6"),
        ("null", "0"),
        ("\"x\"", "0"),
    ] {
        let share: Value = serde_json::from_str(share).unwrap();
        assert_eq!(percent(&share).to_string(), shown, "{share}");
    }
}

#[test]
fn cpu_is_compared_with_what_was_sent() {
    let cpu = |share: f64| vec![vm(1, json!({ "cpu": share }))];
    let frames = sent(5, &[cpu(0.125), cpu(0.145), cpu(0.14), cpu(0.146), cpu(0.155), cpu(0.12)]);
    assert_eq!(&frames[1..3], ["", ""]);
    assert_eq!(frames[3], changed(1, "vm-1", 14.6, 10, 30));
    assert_eq!(frames[4], "");
    assert_eq!(frames[5], changed(1, "vm-1", 12.0, 10, 30));
}

#[test]
fn memory_and_uptime_are_sent_periodically_and_with_other_changes() {
    let poll = |mem: u32| vec![vm(1, json!({ "mem": mem, "uptime": 30 + mem }))];
    let mut polls: Vec<_> = (0..9).map(poll).collect();
    polls.push(vec![vm(1, json!({ "name": "new", "mem": 99 }))]);
    polls.push(poll(100));
    let frames = sent(5, &polls);
    let expected = |poll: usize| match poll {
        1 => changed(1, "vm-1", 12.5, 1, 31),
        7 => changed(1, "vm-1", 12.5, 7, 37),
        9 => changed(1, "new", 12.5, 99, 30),
        10 => changed(1, "vm-1", 12.5, 100, 130),
        _ => String::new(),
    };
    for (poll, frame) in frames.iter().enumerate().skip(1) {
        assert_eq!(*frame, expected(poll), "poll {poll}");
    }
    // What is not in the list of sent fields stays quiet.
    let frames = sent(5, &[vec![vm(1, json!({}))], vec![vm(1, json!({ "maxmem": 21, "disk": 8 }))]]);
    assert_eq!(frames[1], "");
}

/// What a client holds after a frame, as the deployer web page does it.
fn apply(held: &mut HashMap<String, Value>, frame: &Value) {
    if frame["type"] == "full" {
        held.clear();
        let vms = frame["vms"].as_array().unwrap();
        held.extend(vms.iter().map(|vm| (vm["vmid"].to_string(), vm.clone())));
    }
    for (id, change) in frame["changes"].as_object().into_iter().flatten() {
        let known = if change["type"] == "added" { held.get(id).is_none() } else { held.contains_key(id) };
        assert!(known, "{change}");
        if change["type"] == "removed" {
            held.remove(id)
        } else {
            held.insert(id.clone(), change.clone())
        };
    }
}

proptest! {
    #[test]
    fn a_client_that_applies_every_frame_has_the_current_machines(
        polls in prop::collection::vec(
            prop::collection::btree_map(0_u32..6, (0_u32..3, 0.0_f64..0.2, 0_u32..3, 0_u32..2), 0..6),
            1..12,
        ),
    ) {
        let (mut sent, mut held) = (Sent::default(), HashMap::new());
        for (now, poll) in (0..).step_by(5).zip(polls) {
            let list: Vec<Value> = poll
                .iter()
                .map(|(id, (status, cpu, mem, template))| {
                    vm(*id, json!({ "status": status, "cpu": cpu, "mem": mem, "template": template }))
                })
                .collect();
            let vms = machines(&list);
            if let Some(frame) = sent.frame(&vms, Duration::from_secs(now)) {
                apply(&mut held, &serde_json::to_value(&frame).unwrap());
            }
            prop_assert_eq!(held.len(), vms.len());
            for vm in &vms {
                let held = &held[&vm.id()];
                prop_assert_eq!(&held["status"], &vm.status);
                let away = held["cpu"].as_f64().unwrap() - vm.cpu.as_f64().unwrap();
                prop_assert!(away.abs() <= CPU_POINTS, "{} points", away);
            }
        }
    }
}
