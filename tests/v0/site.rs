//! The sites of the cases: the files that a service finds on disk, and the settings that it starts with.
//!
//! `stub` has playbooks that show their inputs, `real` those of the repository, with bundles for the fake Proxmox. Each of
//! the others lacks or has something that `real` does not. The names are those of the cases.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use testkit::{bin_dir, copy, repository};

/// Below `core/linux/ubuntu/` of the stub site.
const UBUNTU: &[&str] = &[
    "install/docker",
    "install/docker-compose",
    "install/basic-packages",
    "install/dot-files",
    "configure/add-user",
];
/// The kinds of default machines and the names of theirs.
const MACHINES: &[(&str, &[&str])] = &[
    (
        "admin",
        &[
            "admin-wazuh",
            "admin-web-api-kong",
            "admin-web-builder-api",
            "admin-web-deployer-ui",
            "admin-web-emp",
        ],
    ),
    ("vuln", &["vuln-box-00", "vuln-box-01", "vuln-box-02", "vuln-box-03", "vuln-box-04"]),
    ("student", &["student-box-01"]),
];
/// The bundles of each kind.
const MACHINE_BUNDLES: &[&str] = &[
    "start-stop-pause-resume-vms-{}",
    "delete-vms-{}",
    "snapshot/create-vms-{}",
    "snapshot/revert-vms-{}",
    "create-vms-{}",
];

/// A directory for the sites of one test, and their secrets.
pub(crate) struct Sites {
    directory: tempfile::TempDir,
    proxmox: String,
    /// Generated: nothing but a leak can bring them into an answer.
    token: String,
    vault_password: String,
}

/// A site on disk.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The project's root and the service's working directory.
    pub root: PathBuf,
    /// All settings that name something of the site.
    pub settings: BTreeMap<String, String>,
}

impl Sites {
    /// Makes the vault; `proxmox` is the fake's `host:port`.
    pub(crate) fn new(proxmox: &str) -> Self {
        let directory =
            tempfile::Builder::new().prefix("rangehand-v0-").tempdir().expect("a temporary directory");
        let (token, vault_password) = (generated_secret(), generated_secret());
        let sites = Self { directory, proxmox: proxmox.to_owned(), token, vault_password };
        sites.make_vault();
        sites
    }

    /// Strings that must never be visible, by kind.
    pub(crate) fn secrets(&self) -> [(&'static str, &str); 2] {
        [("API token", &self.token), ("vault password", &self.vault_password)]
    }

    /// A name that no other test's directory has.
    pub(crate) fn name(&self) -> &str {
        self.directory.path().file_name().and_then(|name| name.to_str()).expect("UTF-8")
    }

    /// Lays a site out.
    pub(crate) fn lay_out(&self, name: &str) -> Site {
        let site =
            Site { root: self.directory.path().join(name).join("root"), settings: self.settings(name) };
        make(&site.root);
        make(&self.public(name).join("bundles"));
        make(&self.public(name).join("scenarios"));
        self.inventory(name, &site.root);
        match name {
            "real" => copy(&repository("playbooks"), &site.root.join("playbooks")),
            "no-playbooks" => {}
            _ => {
                write(&site.root.join("playbooks/generic.yml"), &stub("generic", "px-testing"));
                write(&site.root.join("playbooks/ping.yml"), &fixture("ping.yml"));
            }
        }
        if name == "stub" || name == "real" {
            self.content(name);
        }
        site
    }

    /// Replaces the inventory of a site by one of `tests/fixtures/v0/sites`.
    pub(crate) fn replace_inventory(&self, site: &Site, name: &str) {
        write(&site.root.join("inventory/hosts.yml"), &self.filled(name));
    }

    fn settings(&self, name: &str) -> BTreeMap<String, String> {
        let (site, vault) = (self.directory.path().join(name), self.directory.path().join("vault"));
        let mut settings = BTreeMap::from([
            ("PROJECT_ROOT_DIR", site.join("root")),
            ("API_BACKEND_WWWAPP_PLAYBOOKS_DIR", site.join("root/")),
            ("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", self.public(name)),
            ("API_BACKEND_INVENTORY_DIR", site.join("root/inventory/")),
            ("API_BACKEND_VAULT_FILE", vault.join("vault.yml")),
            ("VAULT_PASSWORD_FILE", vault.join("password")),
        ]);
        match name {
            "no-public-dir" => {
                drop(settings.insert("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "/nonexistent".into()))
            }
            "no-vault-password" => drop(settings.insert("VAULT_PASSWORD_FILE", "/nonexistent".into())),
            "no-public-setting" => drop(settings.remove("API_BACKEND_PUBLIC_PLAYBOOKS_DIR")),
            "no-project-root" => drop(settings.remove("PROJECT_ROOT_DIR")),
            "ws-empty" | "ws-no-group" | "ws-vault" => drop(settings.remove("API_BACKEND_VAULT_FILE")),
            _ => {}
        }
        let texts = settings.into_iter();
        texts.map(|(name, path)| (name.to_owned(), path.to_str().expect("UTF-8").to_owned())).collect()
    }

    fn public(&self, name: &str) -> PathBuf {
        self.directory.path().join(name).join("public")
    }

    fn inventory(&self, name: &str, root: &Path) {
        let usual = self.filled("inventory.yml");
        let text = match name {
            "no-inventory-dir" => return,
            "no-inventory-file" => return make(&root.join("inventory")),
            "other-host" => usual.replace("px-testing:", "pve01:"),
            "ws-empty" => String::new(),
            "ws-no-group" => "all: {children: {other: {hosts: {}}}}\n".to_owned(),
            // What Ansible would decrypt; these digits are no ciphertext.
            "ws-vault" => usual.replace(
                &format!("\"{}\"", self.token),
                "!vault |\n                $ANSIBLE_VAULT;1.1;AES256\n                6162",
            ),
            _ => usual,
        };
        write(&root.join("inventory/hosts.yml"), &text);
    }

    /// Bundles and scenarios.
    fn content(&self, name: &str) {
        let public = self.public(name);
        copy(&fixture_path(&format!("{name}/public")), &public);
        copy(&fixture_path("scenarios"), &public.join("scenarios"));
        let demo_lab = public.join("scenarios/demo_lab/main.yml");
        let more = fs::read_to_string(&demo_lab).expect("readable");
        write(&demo_lab, &(stub("scenario demo_lab", "all") + &more));
        if name == "stub" {
            copy(&fixture_path("outside"), &self.directory.path().join("outside"));
            stub_bundles(&public.join("bundles"));
        }
    }

    fn filled(&self, name: &str) -> String {
        fixture(name).replace("@PVE@", &self.proxmox).replace("@TOKEN@", &self.token)
    }

    fn make_vault(&self) {
        let vault = self.directory.path().join("vault");
        write(&vault.join("password"), &format!("{}\n", self.vault_password));
        fs::set_permissions(vault.join("password"), fs::Permissions::from_mode(0o600))
            .expect("the test owns it");
        write(&vault.join("vault.yml"), &self.filled("variables.yml"));
        let status = Command::new(bin_dir().join("ansible-vault"))
            .args(["encrypt", "--vault-password-file", "password", "vault.yml"])
            .current_dir(&vault)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("the venv has ansible-vault").success(), "the vault could not be encrypted");
    }
}

fn stub_bundles(bundles: &Path) {
    let bundle = |name: &str, hosts| {
        write(&bundles.join(name).join("main.yml"), &stub(&format!("bundle {name}"), hosts))
    };
    bundle("ping", "all");
    for name in UBUNTU {
        bundle(&format!("core/linux/ubuntu/{name}"), "all");
    }
    for (kind, machines) in MACHINES {
        for name in MACHINE_BUNDLES {
            bundle(&format!("core/proxmox/configure/default/vms/{}", name.replace("{}", kind)), "proxmox");
        }
        let plays: Vec<_> =
            machines.iter().map(|machine| fixture("note.yml").replace("@NAME@", machine)).collect();
        let init = format!("core/proxmox/configure/default/vms/create-vms-{kind}/init.yml");
        write(&bundles.join(init), &plays.concat());
    }
}

/// A playbook that shows its inputs.
fn stub(name: &str, hosts: &str) -> String {
    fixture("stub.yml").replace("@NAME@", name).replace("@HOSTS@", hosts)
}

fn fixture_path(name: &str) -> PathBuf {
    repository("tests/fixtures/v0/sites").join(name)
}

fn fixture(name: &str) -> String {
    fs::read_to_string(fixture_path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn make(directory: &Path) {
    fs::create_dir_all(directory).expect("writable");
}

fn write(path: &Path, text: &str) {
    make(path.parent().expect("it is in a directory"));
    fs::write(path, text).expect("writable");
}

/// A random secret: 32 hexadecimal digits.
pub(crate) fn generated_secret() -> String {
    let mut bytes = [0; 16];
    let read = fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The entries of a directory that may be missing.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.expect("readable").path()).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", directory.display()),
    }
}
