//! `rangehand range` follows a job through a restart of the service, on a terminal and without one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use testkit::{Setup, TestApp, until};

use super::{TWO_MACHINES, destroyed};

/// A service that has the same address after a restart, with a platform whose calls take this many milliseconds.
fn service(ms: u32) -> TestApp {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let app = Setup::without_ansible()
        .set("RANGEHAND__SERVER__PORT", port.to_string())
        .set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", format!("all_ms={ms}"))
        .start();
    app.write("lab.yaml", TWO_MACHINES);
    app
}

/// What a command prints, as it arrives.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<String>>);

impl Printed {
    /// Collects everything that comes from here.
    fn from(mut source: impl Read + Send + 'static) -> Self {
        let printed = Self::default();
        let all = printed.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                all.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        printed
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn has(&self, wanted: &str) {
        until(&format!("`{wanted}` is printed"), || self.text().contains(wanted)).await;
    }
}

/// Starts a command on a pseudo-terminal, whose keys are the standard input of the process.
fn on_a_terminal(app: &TestApp, arguments: &str) -> Child {
    let plain = app.command();
    let line = format!("{} range {arguments}", plain.get_program().display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env_clear();
    for (name, value) in plain.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    command.env("RANGEHAND_URL", app.address()).env("TERM", "xterm").current_dir(app.home());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program `script`")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_live_progress_and_a_lost_connection_and_asks_after_ctrl_c() {
    let mut app = service(700);
    let mut terminal = on_a_terminal(&app, "apply lab.yaml");
    let printed = Printed::from(terminal.stdout.take().expect("a pipe"));
    let mut keys = terminal.stdin.take().expect("a pipe");
    printed.has("/7 steps, ").await;
    // A picture is drawn over the one before.
    printed.has("A\u{1b}[2K[").await;
    app.kill();
    printed.has("connection to the service lost, trying again").await;
    app.start_again();
    printed.has("connected again").await;
    keys.write_all(b"\x03").expect("it runs");
    printed.has("[c]ancel it, [d]etach from it, or continue watching [Enter]?").await;
    keys.write_all(b"d\n").expect("it runs");
    let status = terminal.wait().expect("it was started here");
    let text = printed.text();
    assert_eq!(status.code(), Some(130), "{text}");
    printed.has("follows it, `rangehand range cancel lab` cancels it.").await;
    assert!(text.contains("\u{1b}["), "colors and pictures: {text}");
    let job = app.get("/v1/jobs", 200).await["items"][0].clone();
    app.job(&job).until_state("succeeded").await;
    destroyed(&app, "lab").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_plan_survives_a_restart_of_its_service_and_prints_plain_lines() {
    let mut app = service(400);
    let mut command = app.command();
    command.args(["range", "apply", "lab.yaml"]).env("RANGEHAND_URL", app.address());
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let errors = Printed::from(child.stderr.take().expect("a pipe"));
    let mut text = String::new();
    while !text.contains("] ") {
        assert_ne!(output.read_line(&mut text).expect("text"), 0, "the command ended");
    }
    app.kill();
    errors.has("connection to the service lost, trying again").await;
    app.start_again();
    output.read_to_string(&mut text).expect("text");
    let status = child.wait().expect("it was started here");
    assert_eq!(status.code(), Some(0), "{text}\n{}", errors.text());
    assert!(text.contains("done      wait for machine b") && text.contains("Done in "), "{text}");
    assert!(!text.contains('\u{1b}'), "no picture and no colors: {text}");
    errors.has("connected again").await;
    assert_eq!(errors.text().matches("lost").count(), 1, "{}", errors.text());
    // `cancel` ends a plan at the next safe point.
    let mut command = app.command();
    command.args(["range", "destroy", "lab", "--yes", "--detach"]).env("RANGEHAND_URL", app.address());
    assert!(command.output().expect("the program starts").status.success());
    let mut command = app.command();
    command.args(["range", "cancel", "lab"]).env("RANGEHAND_URL", app.address());
    let canceled = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&canceled.stdout);
    assert!(
        canceled.status.success() && text.contains("Canceling: ") && text.contains("is canceled after"),
        "{text}"
    );
    destroyed(&app, "lab").await;
}
