//! A page in a real Chromium that a test operates: it evaluates scripts in the page, as the tools for developers do, and
//! collects what the browser complains about.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::{browser::Browser, processes::pid_of, wait::until_async};

/// An open page.
pub struct Inspected {
    process: Child,
    requests: File,
    replies: BufReader<File>,
    session: String,
    last: u64,
    complaints: Vec<String>,
    _browser: Browser,
}

impl Browser {
    /// Opens an empty page of this size that a test operates.
    ///
    /// # Panics
    ///
    /// If the browser does not start.
    #[must_use]
    pub fn inspect(self, width: u32, height: u32) -> Inspected {
        let plain = self.command("MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
        let pipes = ["requests", "replies"].map(|name| self.profile().join(name));
        let made = Command::new("mkfifo").args(&pipes).status().expect("mkfifo");
        assert!(made.success(), "the pipes can be created");
        // The browser reads from descriptor 3 and writes to 4.
        let process = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<\"$REQUESTS\" 4>\"$REPLIES\"", "sh"])
            .arg(plain.get_program())
            .args(plain.get_args())
            .args(["--remote-debugging-pipe", &format!("--window-size={width},{height}")])
            .env("HOME", self.profile())
            .envs([("REQUESTS", &pipes[0]), ("REPLIES", &pipes[1])])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let requests = OpenOptions::new().write(true).open(&pipes[0]).expect("a pipe");
        let replies = BufReader::new(File::open(&pipes[1]).expect("a pipe"));
        let (session, last, complaints) = (String::new(), 0, Vec::new());
        let mut page = Inspected { process, requests, replies, session, last, complaints, _browser: self };
        let target = page.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = page.call("Target.attachToTarget", &target);
        page.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, &json!({}));
        }
        page
    }
}

impl Inspected {
    /// Calls the browser, and returns its result. What it reports meanwhile is searched for complaints.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_empty() {
            request["sessionId"] = self.session.clone().into();
        }
        write!(self.requests, "{request}\0").expect("the browser runs");
        loop {
            let mut message = Vec::new();
            self.replies.read_until(0, &mut message).expect("the browser runs");
            assert_eq!(message.pop(), Some(0), "the browser ended");
            let message: Value = serde_json::from_slice(&message).expect("JSON");
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn note(&mut self, message: &Value) {
        let about = &message["params"];
        let is_complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => about["type"] == "error" || about["type"] == "warning",
            Some("Log.entryAdded") => about["entry"]["level"] == "error",
            _ => false,
        };
        if is_complaint {
            self.complaints.push(about.to_string());
        }
    }

    /// Opens an address.
    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", &json!({"url": address}));
    }

    /// The value of an expression in the page. Of a promise, the value that it resolves to.
    ///
    /// # Panics
    ///
    /// If it throws.
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result:#}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        until_async(expression, async || self.value(expression) == true).await;
    }

    /// Waits until the page shows a text.
    pub async fn shows(&mut self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text))).await;
    }

    /// Waits for an element whose text is this, and clicks it.
    pub async fn click(&mut self, selector: &str, text: &str) {
        let find = format!(
            "[...document.querySelectorAll({})].find((one) => one.innerText.trim() === {} && !one.disabled)",
            json!(selector),
            json!(text)
        );
        self.until(&format!("{find} !== undefined")).await;
        self.value(&format!("{find}.click()"));
    }

    /// Types a text into the focused element.
    pub fn type_in(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// What the browser has complained about: errors of scripts, failed requests, and violations of policies.
    #[must_use]
    pub fn complaints(&mut self) -> &[String] {
        // What was reported before the reply of a call is read with it.
        self.value("1");
        &self.complaints
    }
}

impl Drop for Inspected {
    fn drop(&mut self) {
        // Its other processes end with it.
        let _ = kill_process(pid_of(&self.process), Signal::TERM);
        let _ = self.process.wait();
    }
}
