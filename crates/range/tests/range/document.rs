//! The form of documents: every fault at once, bounds, units, and texts made to do harm.

use range::{
    Document, FaultCode,
    document::text::{Format, MAX_BYTES, parse},
};
use serde_json::json;

use crate::{faults, read, with};

fn codes(text: &str, format: Format) -> Vec<(String, FaultCode)> {
    parse(text, format).map_or_else(
        |faults| faults.list().iter().map(|fault| (fault.path.clone(), fault.code)).collect(),
        |_| Vec::new(),
    )
}

#[test]
fn all_faults_are_reported_at_once_with_their_paths() {
    let found = faults(
        "name: -x\nplatform: 7\nnmae: y\ninstances: 0\nmachines:\n  web: {template: t, cores: 0, networks: [dmz, {name: lan, adress: x}]}\n  \
         bad: 3\ntasks: [{name: t, playbook: ../x}, {bundle: b}]\nttl: soon\non_failure: explode\nlinks: [[a]]",
    );
    let wanted = [
        ("nmae", FaultCode::UnknownField),
        ("name", FaultCode::Invalid),
        ("platform", FaultCode::WrongType),
        ("instances", FaultCode::OutOfRange),
        ("machines.web.networks[1].adress", FaultCode::UnknownField),
        ("machines.web.cores", FaultCode::OutOfRange),
        ("machines.bad", FaultCode::WrongType),
        ("links[0]", FaultCode::Invalid),
        ("tasks[0].playbook", FaultCode::Invalid),
        ("tasks[1].name", FaultCode::Missing),
        ("ttl", FaultCode::Invalid),
        ("on_failure", FaultCode::Invalid),
    ];
    assert_eq!(found, wanted.map(|(path, code)| (path.to_owned(), code)));
}

#[test]
fn checks_run_on_what_is_left_of_a_document_with_faults_of_its_form() {
    let found = faults(&with("machines:\n  web: {template: t, cores: none, networks: [dmz], needs: [gw]}"));
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["machines.web.cores", "machines.web.networks[0]", "machines.web.needs[0]"]);
}

#[test]
fn hints_name_the_nearest_known_name() {
    let faults = read(&with("machines: {}\nmachnies: {}\non_failure: keep")).unwrap_err();
    assert_eq!(
        faults.list()[0].to_string(),
        "`machnies`: unknown field `machnies`\nhint: did you mean `machines`?"
    );
    let faults = read(&with("machines: {web: {template: t, needs: [bd]}, db: {template: t}}")).unwrap_err();
    assert_eq!(faults.list()[0].hint.as_deref(), Some("did you mean `db`?"));
    let faults =
        read(&with("machines: {web: {template: t, needs: [db.redy]}, db: {template: t}}")).unwrap_err();
    assert_eq!(faults.list()[0].message, "the machine `db` has no stage `redy`");
}

#[test]
fn sizes_durations_and_instances_have_several_forms() {
    let machine = |field: &str| {
        let document = read(&with(&format!("machines: {{m: {{template: t, {field}}}}}")))
            .unwrap_or_else(|faults| panic!("{faults}"));
        serde_json::to_value(&document.machines["m"]).unwrap()
    };
    for (field, wanted) in [
        ("memory_mb: 512", json!(512)),
        ("memory_mb: 512MiB", json!(512)),
        ("memory_mb: 2 GB", json!(2048)),
        ("memory_mb: 1T", json!(1_048_576)),
        ("memory_mb: 2.0", json!(2)),
    ] {
        if field.ends_with("2.0") {
            assert_eq!(
                faults(&with(&format!("machines: {{m: {{template: t, {field}}}}}")))[0].1,
                FaultCode::OutOfRange
            );
        } else {
            assert_eq!(machine(field)["memory_mb"], wanted, "{field}");
        }
    }
    assert_eq!(machine("disk_gb: 1T")["disk_gb"], 1024);
    for (field, code) in [
        ("memory_mb: 15", FaultCode::OutOfRange),
        ("memory_mb: 1.5", FaultCode::WrongType),
        ("memory_mb: 5000T", FaultCode::OutOfRange),
        ("memory_mb: 1500KiB", FaultCode::OutOfRange),
        ("memory_mb: much", FaultCode::Invalid),
        ("disk_gb: 512MiB", FaultCode::OutOfRange),
        ("cores: 2GiB", FaultCode::WrongType),
        ("cores: 99999999999999999999", FaultCode::WrongType),
        ("cores: -1", FaultCode::OutOfRange),
        ("cores: null", FaultCode::WrongType),
    ] {
        let found = faults(&with(&format!("machines: {{m: {{template: t, {field}}}}}")));
        assert_eq!(found.iter().map(|(_, code)| *code).collect::<Vec<_>>(), [code], "{field}");
    }
    for (ttl, seconds) in
        [("8h", Some(28_800)), ("1h30m", Some(5_400)), ("7d", Some(604_800)), ("45s", Some(45))]
            .into_iter()
            .chain(
                ["", "8", "h", "1h1h", "30m1h", "0s", "367d", "1.5h", "8 h", "9999999999s", "-1h"]
                    .map(|bad| (bad, None)),
            )
    {
        let document = read(&with(&format!("machines: {{}}\nttl: \"{ttl}\"")));
        assert_eq!(document.ok().and_then(|document| document.ttl).map(|ttl| ttl.seconds), seconds, "{ttl}");
    }
    for (instances, names) in [
        ("1", vec![None]),
        ("2", vec![Some("i01"), Some("i02")]),
        ("{count: 1, name: \"team{n}\"}", vec![Some("team1")]),
        ("{count: 2, name: \"t{n:03}-x\"}", vec![Some("t001-x"), Some("t002-x")]),
    ] {
        let document = read(&with(&format!("machines: {{}}\ninstances: {instances}"))).unwrap();
        let found: Vec<_> = (1..=document.instances.count.0).map(|n| document.instances.name_of(n)).collect();
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), names, "{instances}");
    }
    for bad in [
        "{count: 2, name: team}",
        "{count: 2, name: \"{n}{n}\"}",
        "{count: 2, name: \"{n:2}\"}",
        "1001",
        "\"2\"",
        "{name: \"{n}\"}",
    ] {
        assert_eq!(faults(&with(&format!("machines: {{}}\ninstances: {bad}"))).len(), 1, "{bad}");
    }
}

#[test]
fn subnets_addresses_and_permissions_are_exact() {
    for (cidr, is_good) in [
        ("10.0.1.0/24", true),
        ("fd00:1::/64", true),
        ("10.0.1.1/24", false),
        ("10.0.1.0/31", false),
        ("10.0.1.0", false),
        ("10.0.1.0/255.255.255.0", false),
        ("fd00::/16", false),
        ("10.0.1.0/33", false),
        ("010.0.1.0/24", false),
    ] {
        let found = faults(&with(&format!("machines: {{}}\nnetworks: {{n: {{cidr: \"{cidr}\"}}}}")));
        assert_eq!(found.is_empty(), is_good, "{cidr}: {found:?}");
    }
    for (allow, is_good) in [
        ("any", true),
        ("icmp", true),
        ("tcp", true),
        ("tcp/22", true),
        ("udp/5000-5010", true),
        ("tcp/0", false),
        ("tcp/65536", false),
        ("tcp/20-10", false),
        ("icmp/8", false),
        ("sctp/1", false),
        ("tcp/+22", false),
        ("TCP/22", false),
    ] {
        let found =
            faults(&with(&format!("machines: {{}}\nrules: [{{from: any, to: any, allow: [{allow}]}}]")));
        assert_eq!(found.is_empty(), is_good, "{allow}: {found:?}");
    }
}

#[test]
fn repeated_keys_are_refused_in_yaml_and_in_json() {
    let yaml = "name: r\nname: s\nmachines:\n  web: {cores: 1, cores: 2}\n  web: {}";
    let json = r#"{"name": "r", "name": "s", "machines": {"web": {"cores": 1, "cores": 2}, "web": {}}}"#;
    let wanted =
        ["name", "machines.web.cores", "machines.web"].map(|path| (path.to_owned(), FaultCode::Duplicate));
    assert_eq!(codes(yaml, Format::Yaml), wanted);
    assert_eq!(codes(json, Format::Json), wanted);
}

#[test]
fn words_that_old_yaml_reads_as_booleans_stay_words() {
    let document = read(&with("machines: {no: {template: t, role: jumpbox}, off: {template: \"on\"}}\ntasks: [{name: y, playbook: p, on: no}]")).unwrap();
    assert_eq!(document.machines.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["no", "off"]);
    assert_eq!(document.tasks[0].on.0[0].to_string(), "no");
}

#[test]
fn texts_made_to_do_harm_are_refused_quickly() {
    let bomb = (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        text + &format!("a{}: &a{} [*a{level}, *a{level}]\n", level + 1, level + 1)
    });
    let many_aliases = format!("a: &a 1\nb: [{}]", "*a, ".repeat(20_000));
    let deep_yaml = format!("a: {}1{}", "[".repeat(60), "]".repeat(60));
    let very_deep = "[".repeat(200_000);
    let deep_json = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let large = format!("name: {}", "x".repeat(MAX_BYTES));
    for (text, format) in [
        (&bomb, Format::Yaml),
        (&many_aliases, Format::Yaml),
        (&deep_yaml, Format::Yaml),
        (&very_deep, Format::Yaml),
        (&very_deep, Format::Json),
        (&deep_json, Format::Json),
        (&large, Format::Yaml),
        (&large, Format::Json),
        (&"a: *unknown".to_owned(), Format::Yaml),
        (&"a: 1\n---\nb: 2".to_owned(), Format::Yaml),
        (&"{\"a\": 1} x".to_owned(), Format::Json),
        (&"a: [".to_owned(), Format::Yaml),
        (&"? [a]\n: 1".to_owned(), Format::Yaml),
        (&String::new(), Format::Json),
    ] {
        let begin = std::time::Instant::now();
        let found = codes(text, format);
        let shown = &text[..text.len().min(40)];
        assert!(
            matches!(found.as_slice(), [(_, FaultCode::TooLarge | FaultCode::Malformed)]),
            "{shown}: {found:?}"
        );
        assert!(begin.elapsed().as_secs() < 5, "{shown}: {:?}", begin.elapsed());
    }
    assert_eq!(codes("", Format::Yaml), [], "an empty text is null");
    assert!(Document::from_value(&parse("", Format::Yaml).unwrap()).is_err());
}

#[test]
fn no_more_than_a_thousand_faults_are_kept() {
    let many: String = (0..3_000).map(|n| format!("x{n}: 1\n")).collect();
    let faults = read(&with(&format!("machines: {{}}\n{many}"))).unwrap_err();
    assert_eq!((faults.list().len(), faults.more()), (1_000, 2_000));
}
