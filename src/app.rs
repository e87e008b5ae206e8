//! Composes, starts, and stops the service, with the HTTP API or as a worker without it.

mod error;
mod guard;
mod options;
mod platforms;
mod signals;
mod state;

use std::{fs::File, io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn};
use ansible::runtime::own_directory;
use content::snapshots::{Choice, view};
use engine::{Engine, Keyring, Scheduler, Shutdown, Trigger};
use secrecy::{ExposeSecret, SecretString};
use store::Store;
use tokio::task::{JoinHandle, spawn_blocking};

pub use self::error::Error;
use self::{
    options::{StartupFacts, engine_options, http_options},
    signals::Signals,
};
use crate::{
    http::{self, Api},
    settings::{Environment, Settings},
    telemetry,
};

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The components that `serve` and `worker` share: the store, the engine, and the lock of the state directory.
struct Node {
    engine: Engine,
    store: Store,
    signals: Signals,
    /// Held as long as the node lives: one node per state directory.
    _lock: File,
}

/// The running scheduler of a node.
struct Work {
    scheduler: JoinHandle<()>,
    trigger: Trigger,
}

/// A service that listens, with its running scheduler.
pub struct Application {
    server: Server,
    address: SocketAddr,
    node: Node,
    work: Work,
    auditing: guard::Auditing,
}

/// A node that runs jobs of a shared store, without the HTTP API.
pub struct Worker {
    node: Node,
    work: Work,
}

impl Node {
    /// Opens the store and checks the vault password and the directories. The scheduler is not started.
    async fn build(settings: &Settings, environment: &Environment) -> Result<(Self, Scheduler), Error> {
        let signals = Signals::listen()?;
        let vault_password = vault_password(settings)?;
        let lock = state::lock(&settings.paths.state)?;
        let state = &settings.paths.state;
        let unusable = |source| Error::State { path: state.display().to_string(), source };
        let name = state::node_name(state).map_err(unusable)?;
        let is_same_boot = state::is_same_boot(state).map_err(unusable)?;
        let runtime = settings.paths.runtime();
        own_directory(&runtime)
            .map_err(|source| Error::Runtime { path: runtime.display().to_string(), source })?;
        let url = settings.store.url.as_secret().expose_secret().to_owned();
        let options = store::Options { url, max_connections: settings.store.max_connections };
        telemetry::hide(known_secrets(settings, environment, vault_password.as_ref()));
        let keys = Keyring::open(&settings.secrets.key_file(&settings.paths))?;
        let store = Store::open(options).await?;
        let toolchain = settings.toolchain(environment);
        let isolation = settings.runs.isolation_options(&toolchain, settings.proxmox.ca_file.as_deref())?;
        warn_of_missing_keys(&keys, &store).await;
        let (choice, no_new) = (settings.runs.content, settings.runs.no_new_privileges);
        let state = state.clone();
        let offered = spawn_blocking(move || view::offered(choice, &state, &runtime, no_new)).await;
        let (way, why) = offered.map_err(io::Error::other)?;
        if let Some(why) = why.filter(|_| choice != Choice::Copy) {
            tracing::warn!(why, "each run gets a copy of its content, which is slower than an overlay");
        }
        let bundled = content::bundled::install(&settings.paths.state.join("bundled")).map_err(unusable)?;
        let bundled = (engine::BUNDLED_PROJECT.parse().map_err(io::Error::other)?, bundled);
        let platforms = platforms::open(settings, &store).await?;
        let own = StartupFacts {
            toolchain,
            isolation,
            way,
            vault_password,
            node: name,
            is_same_boot,
            keys,
            platforms,
            bundled,
        };
        let (engine, scheduler) = engine::compose(store.clone(), engine_options(settings, own));
        Ok((Self { engine, store, signals, _lock: lock }, scheduler))
    }
}

impl Work {
    /// Starts to claim jobs.
    fn begin(scheduler: Scheduler, trigger: Trigger, shutdown: Shutdown) -> Self {
        Self { scheduler: tokio::spawn(scheduler.run(shutdown)), trigger }
    }
}

impl Application {
    /// Opens the store, checks the vault password, and starts to listen and to claim jobs.
    ///
    /// # Errors
    /// Problems that would make every job fail are reported at the start.
    pub async fn build(settings: &Settings, environment: &Environment) -> Result<Self, Error> {
        // Checked before anything is opened.
        settings.access.check(&settings.server.host)?;
        let (node, scheduler) = Node::build(settings, environment).await?;
        // Listen before claiming jobs, so that a service that cannot listen runs none.
        let (trigger, shutdown) = engine::shutdown();
        let (access, auditing) = guard::build(settings, &node.store, node.engine.tokens().clone()).await?;
        let api = Api::new(node.engine.clone(), access, http_options(settings), shutdown.clone());
        let (server, address) = listen(settings, &api)?;
        let work = Work::begin(scheduler, trigger, shutdown);
        Ok(Self { server, address, node, work, auditing })
    }

    /// The address on which the service listens, with the actual port even if the setting is 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until SIGTERM or SIGINT. Active runs continue under their supervisors.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run_until_stopped(mut self) -> Result<(), Error> {
        let handle = self.server.handle();
        let mut serving = tokio::spawn(self.server);
        let failure = tokio::select! {
            () = self.node.signals.next() => None,
            ended = &mut serving => Some(format!("the HTTP server ended: {ended:?}")),
            ended = &mut self.work.scheduler => Some(format!("the scheduler ended: {ended:?}")),
        };
        tracing::info!("stopping");
        self.work.trigger.pull();
        // Wait for the scheduler first: its last writes may use connections that the server's threads opened.
        if failure.is_none() {
            self.work.scheduler.await.map_err(io::Error::other)?;
        }
        handle.stop(true).await;
        self.auditing.end().await;
        self.node.store.close().await;
        failure.map_or(Ok(()), |failure| Err(io::Error::other(failure).into()))
    }
}

impl Worker {
    /// Opens the store, checks the vault password, and starts to claim jobs.
    ///
    /// # Errors
    /// When the worker cannot start, in particular when the store cannot be shared.
    pub async fn build(settings: &Settings, environment: &Environment) -> Result<Self, Error> {
        if settings.store.url.as_secret().expose_secret().starts_with("sqlite:") {
            return Err(Error::NothingToShare);
        }
        let (node, scheduler) = Node::build(settings, environment).await?;
        let (trigger, shutdown) = engine::shutdown();
        let work = Work::begin(scheduler, trigger, shutdown);
        Ok(Self { node, work })
    }

    /// The name of the node among those that share the store.
    #[must_use]
    pub fn name(&self) -> &str {
        self.node.engine.node()
    }

    /// Runs jobs until SIGTERM or SIGINT. Active runs continue under their supervisors.
    ///
    /// # Errors
    /// When the scheduler fails.
    pub async fn run_until_stopped(mut self) -> Result<(), Error> {
        let failure = tokio::select! {
            () = self.node.signals.next() => None,
            ended = &mut self.work.scheduler => Some(format!("the scheduler ended: {ended:?}")),
        };
        tracing::info!("stopping");
        self.work.trigger.pull();
        if failure.is_none() {
            self.work.scheduler.await.map_err(io::Error::other)?;
        }
        self.node.store.close().await;
        failure.map_or(Ok(()), |failure| Err(io::Error::other(failure).into()))
    }
}

/// The vault password, after checking that it decrypts the vault file.
fn vault_password(settings: &Settings) -> Result<Option<SecretString>, Error> {
    let password = settings.vault.read_password()?;
    if let Some(mode) = settings.vault.open_mode() {
        let mode = format!("{mode:04o}");
        tracing::warn!(
            mode,
            "users other than the owner have access to the vault password file; set its mode to 0600"
        );
    }
    if let Some(file) = &settings.vault.file {
        let path = file.display().to_string();
        let unreadable = |source| Error::VaultUnreadable { path: path.clone(), source };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        match password.as_ref().map(|password| content::vault::check(&text, password)) {
            Some(Ok(())) => {}
            // Ansible accepts plaintext variables as well; `rangehand doctor` warns that the file is not encrypted.
            _ if !text.trim_start().starts_with("$ANSIBLE_VAULT") => {
                tracing::warn!(path, "the vault file is not encrypted");
            }
            Some(Err(source)) => return Err(Error::VaultLocked { path, source }),
            None => return Err(Error::NoPassword),
        }
    }
    Ok(password)
}

/// Values to redact in the log. The service does not log them, but errors of libraries may quote their input.
fn known_secrets(
    settings: &Settings,
    environment: &Environment,
    vault_password: Option<&SecretString>,
) -> Vec<SecretString> {
    let own = settings.store.url.password().into_iter().chain(vault_password.cloned());
    let tokens = settings.platforms.values().filter_map(|platform| platform.token_secret.as_ref());
    let own = own.chain(tokens.map(|token| token.as_secret().clone()));
    own.chain(environment.secrets()).collect()
}

/// Logs it at the start if jobs or ranges have secrets that this node cannot decrypt: they would fail when they are claimed.
async fn warn_of_missing_keys(keys: &Keyring, store: &Store) {
    match keys.uses(store).await {
        Ok(uses) => {
            for lost in uses.iter().filter(|key| key.made_at.is_none()) {
                let (key, jobs, ranges) = (&lost.id, lost.jobs, lost.ranges);
                tracing::warn!(key.id = %key, jobs, ranges, "jobs or ranges have secrets under a key that is not in the key file");
            }
        }
        Err(error) => tracing::warn!(%error, "the keys of stored secrets cannot be looked at"),
    }
}

/// Closes the connection of a client that does not read, or has disappeared: data that waits for it takes memory.
fn give_up_on_silence(connection: &dyn std::any::Any, unread: Duration) {
    if let Some(stream) = connection.downcast_ref::<tokio::net::TcpStream>() {
        let limit = u32::try_from(unread.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, limit) {
            tracing::debug!(%error, "a connection has no limit for unread data");
        }
    }
}

fn listen(settings: &Settings, api: &Api) -> Result<(Server, SocketAddr), Error> {
    let server = &settings.server;
    let (host, port, unread) = (server.host.clone(), server.port, settings.limits.unread);
    let origins = Arc::new(server.cors_origins.clone());
    let (api, guard) = (api.clone(), api.guard());
    let factory = move || {
        App::new()
            .configure(http::configure(api.clone()))
            .wrap(from_fn({
                let guard = guard.clone();
                move |request, next| http::guard(guard.clone(), request, next)
            }))
            .wrap(from_fn({
                let origins = origins.clone();
                move |request, next| http::cors(origins.clone(), request, next)
            }))
            .wrap(from_fn(http::with_isolated_replies))
            .wrap(from_fn(http::with_request_id))
            .wrap(from_fn(http::with_own_headers))
    };
    let bound = HttpServer::new(factory)
        .workers(server.workers)
        .shutdown_timeout(server.shutdown_grace.as_secs())
        .disable_signals()
        // Longer than gateways keep an idle connection (a minute for Kong and nginx): if the service closed it first, a
        // request could arrive on a connection that is being closed.
        .keep_alive(KEEP_ALIVE)
        .on_connect(move |connection, _| give_up_on_silence(connection, unread))
        // A client that closes its side of the connection has disconnected: its request ends, but not necessarily
        // its job.
        .h1_allow_half_closed(false)
        .bind((host.as_str(), port))
        .map_err(|source| Error::Listen { host: host.clone(), port, source })?;
    let Some(&address) = bound.addrs().first() else {
        let source = io::Error::other("the host name has no address");
        return Err(Error::Listen { host, port, source });
    };
    Ok((bound.run(), address))
}
