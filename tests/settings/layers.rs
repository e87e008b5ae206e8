//! The layers of settings: their precedence, and rejected values.

use std::path::Path;

use rangehand::settings::{CommandLine, Inputs, Settings};

use crate::project::Project;

#[test]
fn the_defaults_are_settings_and_paths_are_below_the_working_directory() {
    let project = Project::new();
    let settings = project.loaded().settings;
    assert_eq!((settings.server.host.as_str(), settings.server.port), ("127.0.0.1", 8000));
    assert_eq!(settings.paths.project_root, project.directory.path());
    assert_eq!(settings.paths.playbooks, project.path("playbooks"));
    assert_eq!(settings.paths.inventory, project.path("inventory"));
    assert_eq!(settings.paths.public_playbooks, None);
    assert_eq!(settings.store.url.file(), Some(project.path("var/rangehand.db")));
    assert_eq!(settings.runs.idle_timeout, None);
    assert_eq!((settings.server.workers, settings.runs.max_concurrent), (3, 3), "0 takes the cores");
    assert!(settings.server.cors_origins.allows("http://localhost:5173"));
    assert!(!settings.server.cors_origins.allows("http://localhost.evil.org"));
}

#[test]
fn the_key_table_and_the_types_agree() {
    let loaded = Project::new().loaded();
    let json = serde_json::to_value(&loaded.settings).unwrap();
    let in_types: Vec<String> = json
        .as_object()
        .unwrap()
        .iter()
        // Tables that users name are compared with their documentation.
        .filter(|(section, _)| *section != "platforms")
        .flat_map(|(section, keys)| {
            keys.as_object().unwrap().keys().map(move |key| format!("{section}.{key}"))
        })
        .collect();
    let in_table = loaded.rows().into_iter().map(|row| row.key);
    let in_table: Vec<String> = in_table.filter(|key| !key.starts_with("platforms.")).collect();
    assert_eq!(in_types, in_table);
}

#[test]
fn each_old_name_sets_its_key() {
    for (variable, value, key, shown) in [
        ("HOST", "0.0.0.0", "server.host", "0.0.0.0"),
        ("PORT", "8101", "server.port", "8101"),
        ("CORS_ORIGIN_REGEX", "https://x", "server.cors_origin_regex", "https://x"),
        ("PROJECT_ROOT_DIR", "/srv/lab", "paths.project_root", "/srv/lab"),
        ("API_BACKEND_WWWAPP_PLAYBOOKS_DIR", "/a", "paths.playbooks", "/a"),
        ("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "/b", "paths.public_playbooks", "/b"),
        ("API_BACKEND_INVENTORY_DIR", "/c", "paths.inventory", "/c"),
        ("ANSIBLE_ROLES_PATH", "/r:/s", "ansible.roles_path", "/r, /s"),
        ("ANSIBLE_COLLECTIONS_PATH", "/t", "ansible.collections_path", "/t"),
        ("ANSIBLE_LIBRARY", "/u", "ansible.library", "/u"),
        ("ANSIBLE_FILTER_PLUGINS", "/v", "ansible.filter_plugins", "/v"),
        ("ANSIBLE_CONFIG", "/w/ansible.cfg", "ansible.config", "/w/ansible.cfg"),
        ("VAULT_PASSWORD_FILE", "/p", "vault.password_file", "/p"),
        ("VAULT_PASSWORD", "geheim", "vault.password", "***"),
        ("API_BACKEND_VAULT_FILE", "/x.yml", "vault.file", "/x.yml"),
        ("DEBUG", "1", "log.filter", "debug"),
        ("DEBUG", "Yes", "log.filter", "debug"),
    ] {
        let expected = (shown.to_owned(), format!("environment {variable}"));
        assert_eq!(Project::new().with(variable, value).shown(key), expected, "{variable}");
        let (_, origin) = Project::new().with(variable, "").shown(key);
        assert_eq!(origin, "default", "{variable} that is empty is not set");
    }
    assert_eq!(Project::new().with("DEBUG", "0").shown("log.filter").0, "info");
    assert!(Project::new().with("DEBUG", "perhaps").refusal().contains("log.filter"));
}

#[test]
fn later_layers_win_and_each_value_knows_its_origin() {
    let mut project = Project::new();
    assert_eq!(project.shown("server.port"), ("8000".into(), "default".into()));

    project = project.with_settings("[server]\nport = 8001\nhost = \"::\"\n");
    let file = format!("file {}", project.path("rangehand.toml").display());
    assert_eq!(project.shown("server.port"), ("8001".into(), file.clone()));

    project = project.with("PORT", "8002");
    assert_eq!(project.shown("server.port"), ("8002".into(), "environment PORT".into()));

    project = project.with("RANGEHAND__SERVER__PORT", "8003");
    assert_eq!(project.shown("server.port"), ("8003".into(), "environment RANGEHAND__SERVER__PORT".into()));

    project.command_line.port = Some(0);
    assert_eq!(project.shown("server.port"), ("0".into(), "command line".into()));
    assert_eq!(project.shown("server.host"), ("::".into(), file), "what later layers leave alone stays");
}

#[test]
fn the_settings_file_is_named_or_found_in_the_project_root() {
    let project = Project::new()
        .with_file("lab/rangehand.toml", "[server]\nport = 1\n")
        .with_file("a.toml", "[server]\nport = 2\n")
        .with_file("b.toml", "[server]\nport = 3\n");
    assert_eq!(project.shown("server.port").0, "8000");
    let mut project = project.with("PROJECT_ROOT_DIR", "lab");
    assert_eq!(project.shown("server.port").0, "1");
    project = project.with("RANGEHAND_CONFIG", "a.toml");
    assert_eq!(project.shown("server.port").0, "2");
    project.command_line.config = Some("b.toml".into());
    assert_eq!(project.shown("server.port").0, "3");
    project.command_line.config = Some("c.toml".into());
    let refusal = project.refusal();
    assert!(refusal.contains(&project.path("c.toml").display().to_string()), "{refusal}");
}

#[test]
fn relative_paths_start_at_the_project_root_and_tilde_at_the_home_directory() {
    let project = Project::new()
        .with_settings(
            "[paths]\npublic_playbooks = \"~/public\"\n[ansible]\nroles_path = [\"roles\", \"/r\"]\n",
        )
        .with("PROJECT_ROOT_DIR", "/srv/lab")
        .with("HOME", "/home/ann")
        .with("API_BACKEND_VAULT_FILE", "secrets/vault.yml")
        .with("RANGEHAND__STORE__URL", "sqlite://db/x.db");
    // The file is in the working directory, which is not the project root now.
    let project = project.with("RANGEHAND_CONFIG", "rangehand.toml");
    let settings = project.loaded().settings;
    assert_eq!(settings.paths.playbooks, Path::new("/srv/lab/playbooks"));
    assert_eq!(settings.paths.public_playbooks.as_deref(), Some(Path::new("/home/ann/public")));
    assert_eq!(settings.ansible.roles_path, [Path::new("/srv/lab/roles"), Path::new("/r")]);
    assert_eq!(settings.vault.file.as_deref(), Some(Path::new("/srv/lab/secrets/vault.yml")));
    assert_eq!(settings.store.url.file().as_deref(), Some(Path::new("/srv/lab/db/x.db")));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    let project = Project::new().with_settings("# mine\n[server]\nprot = 8101\n");
    let file = project.path("rangehand.toml");
    assert_eq!(
        project.refusal(),
        format!(
            "file {}, line 3: unknown setting `server.prot`: did you mean `server.port`?",
            file.display()
        )
    );
    let refusal = Project::new().with_settings("port = 8101\n").refusal();
    assert!(refusal.contains("unknown setting `port`: did you mean `server.port`?"), "{refusal}");
    let refusal = Project::new().with_settings("[vualt]\npassword = \"geheim\"\n").refusal();
    assert!(refusal.contains("did you mean `vault.password`?") && !refusal.contains("geheim"), "{refusal}");
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        Project::new().with("RANGEHAND__SERVER__PROT", "8101").refusal(),
        "environment RANGEHAND__SERVER__PROT: unknown setting `server.prot`: did you mean `server.port`?\n\
         hint: the variable is RANGEHAND__SERVER__PORT"
    );
    assert!(Project::new().with("RANGEHAND_OTHER", "1").load().is_ok(), "a variable of another program");
}

#[test]
fn a_variable_that_differs_in_underscores_or_case_is_not_ignored() {
    for variable in [
        "RANGEHAND_ACCESS_MODES",
        "RANGEHAND_ACCESS__MODES",
        "RANGEHAND___ACCESS__MODES",
        "rangehand__access__modes",
        "Rangehand__Access__Modes",
    ] {
        let refusal = Project::new().with(variable, "token").refusal();
        assert!(refusal.contains(variable) && refusal.contains("`access.modes`"), "{refusal}");
        assert!(refusal.ends_with("hint: the variable is RANGEHAND__ACCESS__MODES"), "{refusal}");
    }
    // Set by Kubernetes for a service that is called `rangehand-server`, and of other programs.
    for (variable, value) in [
        ("RANGEHAND_SERVER_PORT", "tcp://10.0.0.1:8000"),
        ("RANGEHAND_SERVER_SERVICE_HOST", "10.0.0.1"),
        ("RANGEHAND_RUN", "x"),
        ("MY_RANGEHAND_ACCESS_MODES", "token"),
    ] {
        assert!(Project::new().with(variable, value).load().is_ok(), "{variable}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_key_value_origin_and_what_is_allowed() {
    for (variable, value, parts) in [
        ("PORT", "http", ["environment PORT", "`server.port`", "`http`", "0 to 65535"]),
        (
            "RANGEHAND__SERVER__PORT",
            "65536",
            ["RANGEHAND__SERVER__PORT", "`server.port`", "65536", "0 to 65535"],
        ),
        ("RANGEHAND__SERVER__PORT", "", ["RANGEHAND__SERVER__PORT", "`server.port`", "``", "0 to 65535"]),
        (
            "CORS_ORIGIN_REGEX",
            "(",
            ["CORS_ORIGIN_REGEX", "`server.cors_origin_regex`", "`(`", "regular expression"],
        ),
        (
            "RANGEHAND__LOG__FORMAT",
            "xml",
            ["RANGEHAND__LOG__FORMAT", "`log.format`", "`xml`", "text or json"],
        ),
        (
            "RANGEHAND__ANSIBLE__PASS_ENVIRONMENT",
            "LANG,VAULT_*",
            ["PASS_ENVIRONMENT", "`ansible.pass_environment`", "VAULT_*", "VAULT_PASSWORD"],
        ),
        (
            "RANGEHAND__RUNS__ALLOW_CONNECTION_VARS",
            "maybe",
            ["ALLOW_CONNECTION_VARS", "`runs.allow_connection_vars`", "`maybe`", "true or false"],
        ),
    ] {
        let refusal = Project::new().with(variable, value).refusal();
        for part in parts {
            assert!(refusal.contains(part), "{part} is missing: {refusal}");
        }
    }
    let project = Project::new().with_settings("[runs]\n\ntimeout_s = \"1h\"\n");
    let file = project.path("rangehand.toml");
    assert_eq!(
        project.refusal(),
        format!(
            "file {}, line 3: setting `runs.timeout_s` is `1h`: use a whole number from 1 to 604800",
            file.display()
        )
    );
    let refusal = Project::new().with_settings("[runs]\ntimeout_s = 1.5\n").refusal();
    assert!(refusal.contains("is 1.5: use a whole number"), "{refusal}");
}

#[test]
fn a_value_that_is_not_text_is_refused_not_dropped() {
    use std::os::unix::ffi::OsStringExt;
    let value = std::ffi::OsString::from_vec(vec![b'/', 0xff]);
    let inputs = Inputs {
        environment: [("VAULT_PASSWORD_FILE", value)].into_iter().collect(),
        directory: "/".into(),
        executable: None,
        cores: 1,
        memory: None,
        command_line: CommandLine::default(),
    };
    let refusal = Settings::load(&inputs).unwrap_err().to_string();
    assert_eq!(refusal, "environment VAULT_PASSWORD_FILE: its value is not UTF-8 text");
}

#[test]
fn runs_are_given_only_what_settings_pass_on() {
    let project = Project::new()
        .with_settings("[ansible.environment]\nRANGE42_B = \"mine\"\nExtra = \"1\"\n")
        .with("VAULT_PASSWORD", "geheim")
        .with("AWS_SECRET_ACCESS_KEY", "geheim")
        .with("HOME", "/home/ann")
        .with("LANG", "")
        .with("RANGE42_A", "a")
        .with("RANGE42_B", "b")
        .with("ANSIBLE_ROLES_PATH", "roles:/r")
        .with("ANSIBLE_LIBRARY", "")
        .with("PATH", "/usr/bin");
    let toolchain = project.loaded().settings.toolchain(&project.environment());
    let roles = format!("{}:/r", project.path("roles").display());
    let given: Vec<(&str, &str)> =
        toolchain.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        given,
        [
            ("ANSIBLE_PIPELINING", "True"),
            ("ANSIBLE_ROLES_PATH", roles.as_str()),
            ("Extra", "1"),
            ("HOME", "/home/ann"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C.UTF-8"),
            ("RANGE42_A", "a"),
            ("RANGE42_B", "mine"),
        ]
    );
    assert_eq!(toolchain.path, "/usr/bin");
}

#[test]
fn settings_of_ansible_are_passed_to_runs() {
    let given = |settings: &str| {
        let project = Project::new().with_settings(settings);
        let toolchain = project.loaded().settings.toolchain(&project.environment());
        ["ANSIBLE_FORKS", "ANSIBLE_STRATEGY", "ANSIBLE_PIPELINING", "RANGEHAND_COMPILED_MODULES"]
            .map(|name| toolchain.environment.get(name).cloned().unwrap_or_default())
    };
    assert_eq!(given("[ansible]\n"), ["", "", "True", ""]);
    let all = "[ansible]\nforks = 20\nstrategy = \"free\"\npipelining = false\ncompiled_modules = false\n";
    assert_eq!(given(all), ["20", "free", "", "False"]);
    let own = "[ansible.environment]\nANSIBLE_PIPELINING = \"False\"\n";
    assert_eq!(given(own)[2], "False", "an explicit setting wins");
}

#[test]
fn a_runs_variable_may_neither_be_path_nor_that_of_a_secret() {
    for name in ["PATH", "VAULT_PASSWORD", "1A", "A-B", ""] {
        let variable = format!("RANGEHAND__ANSIBLE__ENVIRONMENT__{name}");
        let refusal = Project::new().with(&variable, "x").refusal();
        assert!(refusal.contains("ansible.environment"), "{refusal}");
    }
}
