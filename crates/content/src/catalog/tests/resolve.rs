//! A name resolves to its file, and never to a file outside of its root.

use std::{
    fs::File,
    io::Read,
    os::{fd::AsRawFd, unix::fs::symlink},
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use proptest::prelude::*;

use super::*;
use crate::catalog::{BeneathError, Error, Root, beneath::Opening};

fn leaving(catalog: &Catalog, content: &ContentRef) -> Option<String> {
    match catalog.resolve(content) {
        Err(Error::LeavesRoot { link, .. }) => Some(link.display().to_string()),
        _ => None,
    }
}

#[test]
fn odd_bundles_resolve_or_are_refused_for_the_reason_they_have() {
    let site = Site::with_odd_bundles();
    for opening in OPENINGS {
        let catalog = site.catalog_by(opening);
        for good in ["ping", "tools/v1.2-beta", "linkfile", "abslink", "dangling", "badyaml"] {
            let located = catalog.resolve(&bundle(good)).unwrap();
            assert_eq!(located.path, Path::new("bundles").join(good).join("main.yml"));
            assert_eq!(located.root, site.path("public"));
        }
        for (bad, link) in [
            ("linkdir", "bundles/linkdir"),
            ("evilfile", "bundles/evilfile/main.yml"),
            ("innerlink", "bundles/innerlink/linked.txt"),
            ("deeplink", "bundles/deeplink/files/more"),
        ] {
            assert_eq!(leaving(&catalog, &bundle(bad)).as_deref(), Some(link), "{opening:?}");
        }
        for absent in ["nomain", "dirmain", "gone", "loop", "nothing", "ping/main.yml/x"] {
            let refusal = catalog.resolve(&bundle(absent)).unwrap_err();
            assert!(matches!(refusal, Error::NotFound { .. }), "{absent}: {refusal}");
        }
    }
}

#[test]
fn a_playbook_is_found_with_and_without_its_extension_and_inside_a_bundle() {
    let site = Site::new();
    site.write("local/ping.yml", PLAY);
    site.write("local/sub/site.yaml", PLAY);
    site.write("local/bundles/x/init.yml", PLAY);
    site.write("local/secrets/pass.txt", "secret");
    site.write("local/scenarios/s/main.yml", PLAY);
    let catalog = site.catalog();
    for (name, path) in [
        ("ping", "ping.yml"),
        ("ping.yml", "ping.yml"),
        ("sub/site", "sub/site.yaml"),
        ("bundles/x/init", "bundles/x/init.yml"),
        ("bundles/x/init.yml", "bundles/x/init.yml"),
    ] {
        assert_eq!(catalog.resolve(&playbook(name)).unwrap().path, Path::new(path));
    }
    assert_eq!(catalog.resolve(&scenario("s")).unwrap().path, Path::new("scenarios/s/main.yml"));
    for none in ["secrets/pass.txt", "secrets", "bundles/x"] {
        assert!(catalog.resolve(&playbook(none)).is_err());
    }
}

#[test]
fn asking_for_the_file_of_a_bundle_by_name_is_no_way_around_its_links() {
    let site = Site::with_odd_bundles();
    site.write("public/bundles/innerlink/stage_00/a.yml", PLAY);
    let catalog = site.catalog();
    for playbook_name in ["bundles/innerlink/main", "bundles/innerlink/stage_00/a", "bundles/linkdir/main"] {
        assert!(leaving(&catalog, &playbook(playbook_name)).is_some(), "{playbook_name}");
    }
    assert!(catalog.resolve(&playbook("bundles/ping/main")).is_ok());
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_ones() {
    let site = Site::new();
    site.write("local/bundles/ping/main.yml", PLAY);
    site.write("local/bundles/core/linux/install/docker/main.yml", PLAY);
    let text = |wanted| site.catalog().resolve(&bundle(wanted)).unwrap_err().to_string();
    assert_eq!(text("pnig"), "unknown bundle `pnig`\nhint: there is `ping`");
    assert_eq!(text("docker"), "unknown bundle `docker`\nhint: there is `core/linux/install/docker`");
    assert_eq!(text("something-else"), "unknown bundle `something-else`");
}

/// A tree in which every kind of link leads out, comes back, or goes nowhere.
static TREE: LazyLock<Site> = LazyLock::new(|| {
    let site = Site::with_odd_bundles();
    for root in ["local", "public", "inventory"] {
        site.write(&format!("{root}/a/a.yml"), PLAY);
        site.write(&format!("{root}/a/bundles/a/main.yml"), PLAY);
        site.write(&format!("{root}/bundles/a/main.yml"), PLAY);
        site.link(&format!("{root}/in"), "a");
        site.link(&format!("{root}/a/up"), "..");
        site.link(&format!("{root}/a/out"), "../../outside");
        site.link(&format!("{root}/out"), site.path("outside"));
        site.link(&format!("{root}/abs"), site.path(root));
        site.link(&format!("{root}/slash"), "/");
        site.link(&format!("{root}/proc"), "/proc/self/root");
        site.link(&format!("{root}/out.yml"), site.path("outside/main.yml"));
        site.link(&format!("{root}/round"), format!("../{root}/a"));
    }
    site
});

/// Segments of names that climb, hide, lead out or are written in some encoding.
const SEGMENTS: &[&str] = &[
    "..",
    ".",
    "",
    "a",
    "in",
    "up",
    "out",
    "abs",
    "slash",
    "proc",
    "round",
    "bundles",
    "main.yml",
    "main",
    "a.yml",
    "out.yml",
    "etc",
    "passwd",
    "linkdir",
    "linkfile",
    "evilfile",
    "ping",
    "public",
    "outside",
    "secret.txt",
    "\0",
    "a\0",
    "\\",
    "..\\",
    "%2e%2e",
    "%2f",
    "..%2f..",
    "%252e",
    "\u{ff0e}\u{ff0e}",
    "\u{2025}",
    "....",
    "...",
    "-a",
    "~",
    "~root",
    "{{ x }}",
    "$HOME",
    "*",
    "a\n",
];

/// Names made of them.
fn raw_names() -> impl Strategy<Value = String> {
    let separators = prop_oneof![8 => Just("/"), 1 => Just("//"), 1 => Just("\\"), 1 => Just("%2f")];
    let pairs = prop::collection::vec((prop::sample::select(SEGMENTS), separators), 1..7);
    (pairs, prop::bool::weighted(0.1)).prop_map(|(pairs, absolute)| {
        let last = pairs.len() - 1;
        let parts = pairs.into_iter().enumerate();
        let text: String =
            parts.flat_map(|(at, (segment, by))| [segment, if at == last { "" } else { by }]).collect();
        if absolute { format!("/{text}") } else { text }
    })
}

fn opened_path(file: &impl AsRawFd) -> PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_name_resolves_to_a_file_outside_of_its_root(raw in raw_names()) {
        let Ok(name) = raw.parse::<ContentName>() else { return Ok(()) };
        for opening in OPENINGS {
            let catalog = TREE.catalog_by(opening);
            let located = [
                catalog.resolve(&ContentRef::Playbook(name.clone())),
                catalog.resolve(&ContentRef::Bundle(name.clone())),
                catalog.resolve(&ContentRef::Scenario(name.clone())),
                catalog.resolve_inventory(&name),
            ];
            for (kind, located) in ContentKind::ALL.iter().zip(located) {
                let Ok(located) = located else { continue };
                let real = located.root.join(&located.path).canonicalize().unwrap();
                prop_assert!(real.starts_with(located.root.canonicalize().unwrap()), "{real:?}");
                prop_assert!(real.is_file() || *kind == ContentKind::Inventory, "{real:?}");
                prop_assert!(!located.path.is_absolute());
            }
        }
    }

    #[test]
    fn no_raw_path_opens_a_file_outside_of_its_root(raw in raw_names()) {
        for opening in OPENINGS {
            let root = Root::open_by(&TREE.path("public"), opening).unwrap();
            if let Ok(file) = root.open_beneath(Path::new(&raw)) {
                prop_assert!(opened_path(&file).starts_with(root.path()), "{raw:?}");
            }
        }
    }
}

#[test]
fn both_ways_of_opening_agree() {
    let outcome = |path: &str, opening| {
        let root = Root::open_by(&TREE.path("public"), opening).unwrap();
        match root.open_beneath(Path::new(path)) {
            Ok(file) => format!("{}", opened_path(&file).display()),
            Err(BeneathError::Leaves(_)) => "leaves".to_owned(),
            Err(error) if error.is_absent() => "absent".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    };
    for path in [
        "",
        ".",
        "a/a.yml",
        "a/../a/a.yml",
        "a/up/in/a.yml",
        "abs/a/a.yml",
        "round/a.yml",
        "..",
        "../public/a",
        "out",
        "slash/etc",
        "proc",
        "bundles/gone",
        "bundles/loop/main.yml",
        "a/a.yml/b",
        "/etc/passwd",
        "none",
    ] {
        let [kernel, canonical] = OPENINGS.map(|opening| outcome(path, opening));
        // Climbing out and back in by `..` in the path itself is refused or not, but never leads elsewhere.
        assert_eq!(kernel, canonical, "{path}");
    }
    assert_eq!(outcome("abs/a/a.yml", Opening::Kernel), TREE.path("public/a/a.yml").display().to_string());
}

#[test]
fn a_directory_swapped_for_a_link_never_lets_outside_text_in() {
    const TURNS: usize = 2_000;
    let site = Site::new();
    site.write("local/bundles/x/main.yml", "INSIDE");
    site.write("outside/main.yml", "OUTSIDE");
    symlink(site.path("outside"), site.path("evil")).unwrap();
    let (good, aside) = (site.path("local/bundles/x"), site.path("aside"));
    let evil = site.path("evil");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::fs::rename(&good, &aside).unwrap();
                std::fs::rename(&evil, &good).unwrap();
                std::fs::rename(&good, &evil).unwrap();
                std::fs::rename(&aside, &good).unwrap();
            }
        });
        let mut seen = [0_usize; 2];
        for turn in 0..TURNS {
            let opening = OPENINGS[turn % 2];
            let catalog = site.catalog_by(opening);
            let root = Root::open_by(&site.path("local"), opening).unwrap();
            let path =
                catalog.resolve(&bundle("x")).map_or("bundles/x/main.yml".into(), |located| located.path);
            let mut text = String::new();
            if let Ok(file) = root.open_beneath(&path) {
                File::from(file).read_to_string(&mut text).unwrap();
                seen[0] += 1;
            } else {
                seen[1] += 1;
            }
            if text == "OUTSIDE" {
                done.store(true, Ordering::Relaxed);
                panic!("turn {turn} read the file outside by {opening:?}");
            }
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(seen[0] + seen[1], TURNS);
    });
}

#[test]
fn links_lead_to_the_directories_that_a_setting_names_and_to_no_others() {
    let site = Site::new();
    site.write("local/scenarios/demo_lab/main.yml", PLAY);
    site.write("elsewhere/secrets/vault.yml", "a: 1\n");
    site.write("elsewhere/more/x.yml", "a: 1\n");
    site.link("local/scenarios/demo_lab/secrets", site.path("elsewhere/secrets"));
    let refusal = site.catalog().resolve(&scenario("demo_lab")).unwrap_err().to_string();
    for part in ["`scenarios/demo_lab/secrets`", "elsewhere/secrets`", "`paths.link_targets`"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    assert_eq!(listed(&site.catalog(), ContentKind::Scenario), Vec::<String>::new());
    for opening in OPENINGS {
        let options = Options { link_targets: vec![site.path("elsewhere/secrets")], ..site.options() };
        let catalog = Catalog { opening, ..Catalog::new(options.clone()) };
        assert!(catalog.resolve(&scenario("demo_lab")).is_ok());
        assert_eq!(listed(&catalog, ContentKind::Scenario), ["demo_lab"]);
        let root = Root::open_by(&site.path("local"), opening).unwrap().with_targets(&options.link_targets);
        assert!(root.open_beneath(Path::new("scenarios/demo_lab/secrets/vault.yml")).is_ok());
        assert!(root.open_beneath(Path::new("scenarios/demo_lab/secrets/../more/x.yml")).is_err());
    }
    site.link("local/scenarios/demo_lab/more", site.path("elsewhere/more"));
    let options = Options { link_targets: vec![site.path("elsewhere/secrets")], ..site.options() };
    let refusal = Catalog::new(options).resolve(&scenario("demo_lab")).unwrap_err().to_string();
    assert!(refusal.contains("`scenarios/demo_lab/more`"), "{refusal}");
}

#[test]
fn a_repository_has_its_content_at_its_top_and_in_its_directory_of_playbooks() {
    let site = Site::new();
    for (file, text) in [
        ("site.yml", PLAY),
        ("playbooks/site.yml", PLAY),
        ("playbooks/nightly.yml", PLAY),
        ("playbooks/bundles/sweep/main.yml", PLAY),
        ("bundles/top/main.yml", PLAY),
        ("scenarios/lab/main.yml", PLAY),
        ("contrib/other.yml", PLAY),
        ("galaxy.yml", "namespace: a\n"),
        ("hosts.ini", "[web]\na\n"),
        ("inventory/local/hosts.yaml", "all:\n  hosts: {a: }\n"),
        ("inventory/local/group_vars/all.yml", "a: 1\n"),
        ("ad/GOAD/data/inventory", "[default]\ndc01 ansible_host=10.0.0.1\n"),
        ("ad/GOAD/data/config.json", "{\"lab\": {}}"),
        ("roles/x/inventory/hosts.yml", "all:\n"),
    ] {
        site.write(&format!("local/{file}"), text);
    }
    let catalog = Catalog::new(Options {
        playbooks_roots: vec![site.path("local")],
        inventory_root: site.path("local"),
        places: Places::of_repository(),
        ..site.options()
    });
    assert_eq!(listed(&catalog, ContentKind::Playbook), ["playbooks/nightly", "playbooks/site", "site"]);
    assert_eq!(listed(&catalog, ContentKind::Bundle), ["sweep", "top"]);
    assert_eq!(listed(&catalog, ContentKind::Scenario), ["lab"]);
    let inventories = ["ad/GOAD/data/inventory", "hosts", "inventory/local", "inventory/local/hosts"];
    assert_eq!(listed(&catalog, ContentKind::Inventory), inventories);
    for (name, path) in
        [("nightly", "playbooks/nightly.yml"), ("site", "site.yml"), ("contrib/other", "contrib/other.yml")]
    {
        assert_eq!(catalog.resolve(&playbook(name)).unwrap().path, Path::new(path));
    }
    assert_eq!(
        catalog.resolve(&bundle("sweep")).unwrap().path,
        Path::new("playbooks/bundles/sweep/main.yml")
    );
    assert_eq!(catalog.resolve_inventory(&name("local")).unwrap().path, Path::new("inventory/local"));
    let refusal = catalog.resolve_inventory(&name("zzz")).unwrap_err().to_string();
    assert!(refusal.contains("\nhint: there is `ad/GOAD/data/inventory`"), "{refusal}");
}
