//! The canary proof: every kind of secret gets a unique value, jobs that print them in every way succeed, fail, are canceled,
//! and are killed, and then every byte that the service wrote or sent is searched.
//!
//! What must be zero is asserted. What cannot be zero is counted and printed with its reason: the environment that the
//! service was started with is the starter's doing, and what the service must know for its next job is in its memory.

mod ledger;
mod memory;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::SystemTime};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use self::ledger::{Canary, Ledger};
use testkit::{Gate, Job, Postgres, Setup, TestApp, WAIT_LIMIT, generated_secret, until};

use super::encrypt;
use crate::restart::{signal, supervisor};

/// Prints all that it knows, in the clear and encoded, as results, output and errors.
const LEAKY: &str = include_str!("leaky.yml");
/// The playbook in place of the one that v0 runs.
const ADD_USER: &str = include_str!("add-user.yml");

/// Kinds that only one job has: none of them may be in the service's memory when the jobs have ended.
const OF_JOBS: [&str; 4] = ["secret_vars text", "secret_vars awkward", "secret_vars key", "v0 password"];

fn canaries() -> Vec<Canary> {
    let hex = generated_secret;
    let key = || {
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n{}\n-----END OPENSSH PRIVATE KEY-----",
            hex(),
            hex()
        )
    };
    [
        ("vault password", hex()),
        ("vault file token", hex()),
        ("vault file key", key()),
        ("inventory password", hex()),
        ("secret_vars text", hex()),
        ("secret_vars awkward", format!("{}'\" \\ é&<{}", hex(), hex())),
        ("secret_vars key", key()),
        ("v0 password", hex()),
        ("cloud token of the environment", hex()),
        ("passed environment token", hex()),
    ]
    .map(|(kind, value)| Canary { kind, value })
    .into()
}

/// A service that has them all, and the ledger.
struct Cage {
    app: TestApp,
    canaries: Vec<Canary>,
    ledger: Ledger,
    database: Option<Postgres>,
    begun: SystemTime,
}

impl Cage {
    fn start(database: Option<Postgres>) -> Self {
        let mut canaries = canaries();
        if let Some(database) = &database {
            // The server's own: a test cannot choose it.
            canaries.push(Canary { kind: "database password", value: database.password() });
        }
        let value = |kind: &str| value_of(&canaries, kind).to_owned();
        let setup = Setup::new();
        let indented = value("vault file key").replace('\n', "\n  ");
        let vars = format!(
            "canary_api_token: {}\ncanary_ssh_private_key: |\n  {indented}\n",
            value("vault file token")
        );
        setup.write("vault.yml", &encrypt(setup.home(), &value("vault password"), &vars));
        setup.write("password", &value("vault password"));
        fs::set_permissions(setup.home().join("password"), fs::Permissions::from_mode(0o600)).expect("owned");
        let host_vars = format!("canary_become_password: {}\n", value("inventory password"));
        setup.write("inventory/host_vars/localhost/canary.yml", &host_vars);
        setup.write("playbooks/bundles/leaky/main.yml", LEAKY);
        setup.write("playbooks/bundles/core/linux/ubuntu/configure/add-user/main.yml", ADD_USER);
        fs::create_dir(setup.home().join("tmp")).expect("writable");
        let in_home = |name: &str| setup.home().join(name).to_string_lossy().into_owned();
        let (password, vault, tmp) = (in_home("password"), in_home("vault.yml"), in_home("tmp"));
        let mut setup = setup
            .set("VAULT_PASSWORD_FILE", password)
            .set("API_BACKEND_VAULT_FILE", vault)
            .set("TMPDIR", tmp)
            .set("RANGEHAND__LOG__FILTER", "trace")
            .set("RANGEHAND__RUNS__MAX_CONCURRENT", "1")
            .set("CANARY_CLOUD_TOKEN", value("cloud token of the environment"))
            .set("PROXMOX_CANARY_TOKEN", value("passed environment token"));
        if let Some(database) = &database {
            setup = setup.set("RANGEHAND__STORE__URL", database.url());
        }
        let (ledger, begun) = (Ledger::new(&canaries), SystemTime::now());
        Self { app: setup.start(), canaries, ledger, database, begun }
    }

    fn value(&self, kind: &str) -> &str {
        value_of(&self.canaries, kind)
    }

    /// The request of the leaky bundle.
    fn leaky(&self, more: &Value) -> Value {
        let mut vars = json!({"gate": "", "fails": false});
        vars.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"bundle": "leaky", "limit": "localhost", "verbosity": 5, "diff": true, "extra_vars": vars,
               "secret_vars": {"canary_text": self.value("secret_vars text"),
                               "canary_awkward": {"deep": [self.value("secret_vars awkward")]},
                               "canary_key": self.value("secret_vars key")}})
    }

    /// Sends a request and searches the reply, head and body. Returns the body where it is JSON.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let response = self.app.send(method, path, body).await;
        let head = format!("{:?}", response.headers());
        let bytes = response.bytes().await.expect("a whole reply");
        self.ledger.search("replies", head.as_bytes());
        self.ledger.search("replies", &bytes);
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    async fn submit(&mut self, request: &Value) -> Job {
        let job = self.ask(Method::POST, "/v1/jobs", Some(request)).await;
        assert!(job["id"].is_string(), "{job:#}");
        self.app.job(&job)
    }

    /// Requests everything about a job.
    async fn ask_all_about(&mut self, job: &Value) {
        let id = job["id"].as_str().expect("a job has an id").to_owned();
        for path in [
            "",
            "/result",
            "/log",
            "/log?format=html",
            "/timing",
            "/events?limit=1000",
            "/events?format=ndjson",
            "/events?format=sse",
        ] {
            self.ask(Method::GET, &format!("/v1/jobs/{id}{path}"), None).await;
        }
        self.ask(Method::POST, &format!("/v1/jobs/{id}/resume?dry_run=true"), None).await;
        self.ask(Method::POST, &format!("/v1/jobs/{id}/retry"), None).await;
        for path in ["/v1/jobs", "/v1/queue", "/metrics", "/readyz", "/v1/catalog/bundles/leaky"] {
            self.ask(Method::GET, path, None).await;
        }
    }

    /// Searches all that is outside of the runtime directory, at any moment.
    fn look(&mut self) {
        let home = self.app.home().to_owned();
        for entry in fs::read_dir(home.join("var")).into_iter().flatten().flatten() {
            let place = if entry.file_name() == "snapshots" { SNAPSHOTS } else { STATE };
            self.ledger.search_files(place, &entry.path());
            self.ledger.search_file(place, &entry.path());
        }
        self.ledger.search_files("temporary directory", &home.join("tmp"));
        // Ansible reads the user's home from the user database, not from the environment.
        let real = std::env::var_os("HOME").map(std::path::PathBuf::from).unwrap_or_default();
        for entry in
            [&home, &real].into_iter().flat_map(|home| fs::read_dir(home.join(".ansible/tmp"))).flatten()
        {
            let Ok(entry) = entry else { continue };
            // Older files there belong to other tests.
            if entry.metadata().and_then(|found| found.modified()).is_ok_and(|time| time >= self.begun) {
                self.ledger.search_files("temporary directory of Ansible", &entry.path());
            }
        }
        let log = self.app.log();
        self.ledger.search("log of the service", log.as_bytes());
        // Searching takes longer than the service keeps a connection that is not used.
        self.app.hang_up();
    }

    /// During a run: searches what every user can see of processes, and what is private but on tmpfs.
    fn look_at_the_run(&mut self) {
        let shown = self.ledger.search_processes(self.app.pid());
        for (place, path, kinds) in shown {
            // What the service's starter put into its environment, what a setting passes on to runs, and what other tests
            // use as well.
            let allowed: &[&str] = match place {
                ledger::SERVICE => {
                    &["cloud token of the environment", "passed environment token", "database password"]
                }
                ledger::RUNS => &["passed environment token"],
                _ => &["database password"],
            };
            let is_environment = path.ends_with("environ") || place == ledger::OTHERS;
            assert!(
                is_environment && kinds.iter().all(|kind| allowed.contains(kind)),
                "{path} shows {kinds:?}"
            );
        }
        assert_private(self.app.runtime());
        self.ledger.search_files("runtime directory, during a run", self.app.runtime());
        self.look();
    }

    fn look_into_memory(&mut self) {
        let ledger = &mut self.ledger;
        memory::each_part(self.app.pid(), |name, bytes| {
            let place = if name == "[stack]" { "memory: first stack" } else { "memory" };
            ledger.search(place, bytes);
        });
    }

    fn look_into_tables(&mut self) {
        let Some(database) = &self.database else { return };
        let text = database.query(&every_row());
        self.ledger.search("tables of PostgreSQL", text.as_bytes());
        self.app.hang_up();
    }
}

/// A statement that returns every row of every table with data of jobs as text.
fn every_row() -> String {
    let tables = [
        "jobs",
        "job_labels",
        "waits",
        "resource_locks",
        "resource_holders",
        "resource_owners",
        "idempotency",
        "runs",
        "events",
        "deletions",
    ];
    tables.map(|table| format!("SELECT t::text FROM {table} AS t")).join(" UNION ALL ")
}

fn value_of<'a>(canaries: &'a [Canary], kind: &str) -> &'a str {
    &canaries.iter().find(|canary| canary.kind == kind).expect("a kind").value
}

/// Every directory and file of the runtime directory is its owner's alone, at its top.
fn assert_private(runtime: &Path) {
    for run in fs::read_dir(runtime).expect("it is there").flatten() {
        let mode = |path: &Path| path.metadata().map_or(0, |found| found.permissions().mode() & 0o077);
        assert_eq!(mode(&run.path()), 0, "{}", run.path().display());
    }
}

/// Every byte of a stream up to its end, or to a silence after the job's end.
async fn drain(address: &str, path: &str, upgrade: &str) -> Vec<u8> {
    let host = address.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).await.expect("the service listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{upgrade}\r\n");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut all = Vec::new();
    let mut part = vec![0; 1 << 16];
    // The end of the connection, of a chunked body, or a frame that closes.
    while let Ok(Ok(read @ 1..)) = timeout(WAIT_LIMIT, stream.read(&mut part)).await {
        all.extend_from_slice(&part[..read]);
        let is_over = if upgrade.is_empty() { all.ends_with(b"0\r\n\r\n") } else { ends_with_close(&all) };
        if is_over {
            break;
        }
    }
    all
}

/// Is the last frame one that closes (RFC 6455)?
fn ends_with_close(frames: &[u8]) -> bool {
    (0..=125).any(|length: u8| {
        let begin = frames.len().checked_sub(usize::from(length) + 2);
        begin.is_some_and(|begin| frames[begin] == 0x88 && frames[begin + 1] == length)
    })
}

const WEBSOCKET: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// All jobs, one after the other.
async fn run_all(cage: &mut Cage) {
    // Succeeds, with watchers of every kind.
    let gate = Gate::new(&cage.app);
    let request = cage.leaky(&json!({"gate": gate.path()}));
    let job = cage.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let id = job["id"].as_str().expect("an id").to_owned();
    let streams = [
        (format!("/v1/jobs/{id}/events?format=sse"), "stream: SSE", ""),
        (format!("/v1/jobs/{id}/events?format=ndjson"), "stream: NDJSON", ""),
        (format!("/v1/jobs/{id}/log?follow=true"), "stream: log", ""),
        (format!("/ws/{id}"), "stream: WebSocket", WEBSOCKET),
    ];
    let address = cage.app.address().to_owned();
    let watchers: Vec<_> = streams
        .into_iter()
        .map(|(path, place, upgrade)| {
            let address = address.clone();
            (place, tokio::spawn(async move { drain(&address, &path, upgrade).await }))
        })
        .collect();
    // A job that waits meanwhile, with encrypted secrets.
    let request = cage.leaky(&json!({"fails": true}));
    let waiting = cage.submit(&request).await;
    cage.look_at_the_run();
    cage.look_into_tables();
    gate.open();
    job.until_state("succeeded").await;
    for (place, watcher) in watchers {
        let bytes = watcher.await.expect("it ends");
        cage.ledger.search(place, &bytes);
    }
    cage.ask_all_about(&job).await;

    // Fails.
    let failed = waiting.until_state("failed").await;
    assert_eq!(failed["reason"]["code"], "task_failed", "{failed:#}");
    cage.ask_all_about(&failed).await;
    fs::remove_file(gate.path()).expect("it is there");

    // Is canceled.
    let job = at_the_gate(cage, &gate).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    cage.ask(Method::POST, &format!("/v1/jobs/{id}/cancel?wait=60"), None).await;
    let job = job.until_state("canceled").await;
    cage.ask_all_about(&job).await;

    // Its supervisor is killed.
    let job = at_the_gate(cage, &gate).await;
    let run = cage.app.run_directories().pop().expect("the run's");
    signal(supervisor(&run), Signal::KILL);
    let job = job.until_state("lost").await;
    cage.ask_all_about(&job).await;

    // The service is killed, and a job of v0 comes after it.
    let job = at_the_gate(cage, &gate).await;
    cage.app.kill();
    cage.look();
    cage.app.start_again();
    gate.open();
    let job = job.until_state("succeeded").await;
    cage.ask_all_about(&job).await;
    let password = cage.value("v0 password").to_owned();
    let user = json!({"proxmox_node": "pve01", "hosts": "localhost", "user": "trainee", "password": password, "shell_path": "/bin/bash",
                      "change_pwd_at_logon": false});
    let path = "/v0/admin/run/bundles/core/linux/ubuntu/configure/add-user";
    let reply = cage.ask(Method::POST, path, Some(&user)).await;
    assert_eq!(reply["rc"], 0, "{reply:#}");
    // Refused, with the password in the body.
    let mut wrong = user.clone();
    wrong["shell_path"] = json!("no shell");
    wrong["password"] = json!(format!("{password} not allowed"));
    cage.ask(Method::POST, path, Some(&wrong)).await;
    let mut wrong = cage.leaky(&json!({"canary_text": 1}));
    wrong["secret_vars"]["ansible_password"] = json!(cage.value("secret_vars text"));
    cage.ask(Method::POST, "/v1/jobs", Some(&wrong)).await;
}

const STATE: &str = "state directory (database, spools)";
const SNAPSHOTS: &str = "state directory: snapshots of the content";

async fn at_the_gate(cage: &mut Cage, gate: &Gate) -> Job {
    let request = cage.leaky(&json!({"gate": gate.path()}));
    let job = cage.submit(&request).await;
    job.until_task("Wait for the gate").await;
    job
}

#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
async fn prove(database: Option<Postgres>) {
    let mut cage = Cage::start(database);
    run_all(&mut cage).await;
    until("no run is left", || cage.app.run_directories().is_empty()).await;
    let runtime = cage.app.runtime().to_owned();
    cage.ledger.search_files("runtime directory, after all runs", &runtime);
    cage.look();
    cage.look_into_tables();
    // Buffers go with their connections, in the thread that closes one.
    cage.app.hang_up();
    let address = cage.app.address().strip_prefix("http://").expect("an address").to_owned();
    let connection = std::net::TcpStream::connect(address).expect("the service listens");
    assert!(memory::has_connections(&cage.app), "one that is there is seen");
    drop(connection);
    until("no connection is left", || !memory::has_connections(&cage.app)).await;
    until("the service is at rest", || memory::is_at_rest(cage.app.pid())).await;
    cage.look_into_memory();
    println!("{:#}", cage.ledger);

    let ledger = &cage.ledger;
    assert!(ledger.all_hits("runtime directory, during a run") > 0, "the runs had their secrets");
    // Reported above or below.
    let others = [
        "runtime directory, during a run",
        SNAPSHOTS,
        ledger::SERVICE,
        ledger::RUNS,
        ledger::OTHERS,
        "memory",
        "memory: first stack",
    ];
    for place in ledger.places().filter(|place| !others.contains(place)) {
        assert_eq!(ledger.all_hits(place), 0, "{place}\n{ledger:#}");
    }
    // They are copies of the owner's files, accessible only to the service's user, and contain the same plaintext.
    assert_eq!(ledger.all_hits(SNAPSHOTS), ledger.hits(SNAPSHOTS, "inventory password"), "{ledger:#}");
    for place in
        ["replies", "stream: SSE", "stream: NDJSON", "stream: log", "stream: WebSocket", "log of the service"]
    {
        assert!(ledger.bytes(place) > 10_000, "{place} was hardly searched\n{ledger}");
    }
    for kind in OF_JOBS {
        assert_eq!(
            ledger.hits("memory", kind) + ledger.hits("memory: first stack", kind),
            0,
            "{kind}\n{ledger:#}"
        );
    }
}

#[tokio::test]
async fn no_secret_is_found_in_anything_that_the_service_wrote_or_sent() {
    prove(None).await;
}

#[tokio::test]
async fn no_secret_is_found_with_postgresql_either() {
    let Some(database) = Postgres::create() else { return };
    prove(Some(database)).await;
}
