//! `[platforms.NAME]` in files and in the environment.

use std::path::Path;

use rangehand::settings::{PlatformKind, TasksWithoutMachine};

use crate::project::Project;

#[test]
fn without_a_setting_there_are_two_platforms_with_files_below_the_state() {
    let project = Project::new().with("RANGEHAND__PATHS__RUNTIME", "run");
    let settings = project.loaded().settings;
    let names: Vec<_> = settings.platforms.keys().map(String::as_str).collect();
    assert_eq!(names, ["local", "simulated"]);
    let (local, simulated) = (&settings.platforms["local"], &settings.platforms["simulated"]);
    assert_eq!((local.kind, simulated.kind), (Some(PlatformKind::Local), Some(PlatformKind::Simulated)));
    let options = settings.local_options("local", local, Some(Path::new("/usr/bin/rangehand")));
    assert_eq!(options.run, project.path("run/platform-local"));
    assert_eq!(options.templates_dir(), project.path("var/platforms/local/templates"));
    assert_eq!(options.program, ["/usr/bin/rangehand"]);
    assert!(options.hidden.contains(&project.path("var")), "machines don't see the state of the service");
    assert!(options.hidden.contains(&project.path("run")), "nor secrets of runs");
    let options = settings.simulated_options("simulated", simulated);
    assert_eq!(options.file, Some(project.path("var/platforms/simulated.jsonl")));
    assert_eq!(options.rules.name, "simulated");
    assert_eq!(simulated.price_list(), None);
    assert_eq!(project.shown("platforms.local.kind"), ("local".to_owned(), "default".to_owned()));
}

#[test]
fn a_platform_is_set_by_a_file_and_by_the_environment() {
    let project = Project::new().with_settings(
        "[platforms.lab]\nkind = \"simulated\"\npool = [\"10.10.0.0/16\", \"fd00::/48\"]\nmachines_max = 100\n\
         memory_max_bytes = 17179869184\nprices = { currency = \"EUR\", core = 0.02, memory_gb = \"0.005\" }\n\
         latencies = { all_ms = 0, boot_ms = 2000 }\ntasks = \"local\"\nstate_file = \"lab.jsonl\"\n\
         faults = '[{\"call\": \"power\", \"times\": 1, \"effect\": \"fail\"}]'\n\
         [platforms.here]\nkind = \"local\"\ntemplates = { \"ubuntu-24.04\" = \"roots/noble.tar.xz\" }\nhidden = \"/srv/secret\"\n\
         [platforms.simulated]\nenabled = false\n",
    );
    let project = project
        .with("RANGEHAND__PLATFORMS__LAB__LATENCIES", "all_ms=5,boot_ms=7")
        .with("RANGEHAND__PLATFORMS__HERE__UPLINK", "10.255.0.0/16")
        .with("RANGEHAND__PLATFORMS__OTHER__KIND", "simulated")
        .with("RANGEHAND__PLATFORMS__OTHER__MAX_CONCURRENT_CALLS", "3");
    let settings = project.loaded().settings;
    let lab = &settings.platforms["lab"];
    let options = settings.simulated_options("lab", lab);
    assert_eq!((options.latencies.call_ms, options.latencies.boot_ms), (5, 7), "the environment wins");
    assert_eq!(options.faults.len(), 1);
    assert_eq!(options.file, Some(project.path("lab.jsonl")));
    assert_eq!(options.rules.pool.subnets.len(), 2);
    assert_eq!((options.rules.limits.machines, options.rules.limits.memory_mb), (Some(100), Some(16_384)));
    assert_eq!(options.rules.limits.cores, None);
    assert_eq!(lab.tasks, Some(TasksWithoutMachine::Local));
    let prices = lab.price_list().unwrap();
    assert_eq!(
        (prices.currency.as_str(), prices.core, prices.memory_gb, prices.disk_gb),
        ("EUR", 20_000, 5_000, 0)
    );
    let here = settings.local_options("here", &settings.platforms["here"], None);
    assert_eq!(here.uplink, Some("10.255.0.0/16".parse().unwrap()));
    assert_eq!(
        here.templates["ubuntu-24.04"],
        project.path("roots/noble.tar.xz"),
        "relative to the project root"
    );
    assert!(here.hidden.contains(&Path::new("/srv/secret").to_owned()));
    assert!(!settings.platforms["simulated"].enabled);
    assert_eq!(settings.platforms["other"].max_concurrent_calls, 3);
    let (shown, origin) = project.shown("platforms.lab.latencies");
    assert_eq!(
        (shown.as_str(), origin.as_str()),
        ("all_ms=5, boot_ms=7", "environment RANGEHAND__PLATFORMS__LAB__LATENCIES")
    );
}

#[test]
fn what_a_platform_cannot_be_is_refused_with_its_place() {
    let simulated = "[platforms.a]\nkind = \"simulated\"\n";
    let local = "[platforms.a]\nkind = \"local\"\n";
    for (text, parts) in [
        (
            format!("{simulated}latencis = {{}}\n"),
            &["line 3", "unknown setting `platforms.a.latencis`", "did you mean `platforms.a.latencies`?"][..],
        ),
        ("[platforms.A]\nkind = \"local\"\n".to_owned(), &["platforms.A", "lower-case letters"]),
        ("[platforms.a]\nenabled = true\n".to_owned(), &["the platform `a` has no kind", "platforms.a.kind"]),
        ("[platforms.a]\nkind = \"vmware\"\n".to_owned(), &["simulated or local or proxmox"]),
        (
            "[platforms.a]\nkind = \"proxmox\"\napi_host = \"pve:8006\"\n".to_owned(),
            &["the platform `a` has no `token_id`", "platforms.a.token_id"],
        ),
        (format!("{local}zone = \"lab\"\n"), &["requires a platform of kind `proxmox`", "of kind `local`"]),
        (
            format!("{simulated}uplink = \"10.0.0.0/16\"\n"),
            &["line 3", "`platforms.a.uplink` requires a platform of kind `local`", "of kind `simulated`"],
        ),
        (format!("{local}tasks = \"skip\"\n"), &["requires a platform of kind `simulated`"]),
        (format!("{simulated}latencies = {{ bot_ms = 3 }}\n"), &["a table {bot_ms = 3}", "`boot_ms`"]),
        (format!("{simulated}latencies = {{ boot_ms = -3 }}\n"), &["boot_ms = -3", "milliseconds"]),
        (
            format!("{simulated}prices = {{ core = \"2 EUR\" }}\n"),
            &["platforms.a.prices", "six decimal places"],
        ),
        (format!("{simulated}faults = \"[3]\"\n"), &["a JSON array of faults"]),
        (format!("{simulated}pool = [\"10.0.0.0\"]\n"), &["platforms.a.pool", "10.64.0.0/10"]),
        (format!("{local}uplink = \"10.0.0.0/28\"\n"), &["at least a /24"]),
        (format!("{local}templates = {{ \"../x\" = \"/srv\" }}\n"), &["names of templates"]),
        ("[platforms]\nkind = \"local\"\n".to_owned(), &["unknown setting `platforms.kind`"]),
    ] {
        let refusal = Project::new().with_settings(&text).refusal();
        for part in parts {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
    let refusal = Project::new().with("RANGEHAND__PLATFORMS__LAB__KND", "local").refusal();
    assert!(refusal.contains("RANGEHAND__PLATFORMS__LAB__KIND"), "{refusal}");
    let refusal = Project::new().with("RANGEHAND_PLATFORMS_LAB_KIND", "local").refusal();
    assert!(refusal.ends_with("hint: the variable is RANGEHAND__PLATFORMS__LAB__KIND"), "{refusal}");
}
