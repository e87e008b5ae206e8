//! The bundles for Ubuntu and Debian change a real host as documented, and change nothing when repeated.
//!
//! Every test has a separate guest; see [`testkit::Guest`]. All of them on a machine of a range: `ranges/guests/bundles.rs`.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Guest, Job, Setup, TestApp, copy, generated_secret, quoted, repository};

/// How long a bundle may take, in seconds: it downloads packages.
const WAIT_S: u64 = 300;

/// A service with the bundled playbooks, and with the guest's inventory.
fn app(guest: &Guest) -> TestApp {
    let setup = Setup::new();
    copy(&repository("playbooks"), &setup.home().join("playbooks"));
    setup.write("inventory/guest.yml", &guest.inventory());
    setup.start()
}

/// Runs a bundle to its end. Returns the job.
pub(crate) async fn run(app: &TestApp, inventory: &str, bundle: &str, variables: &Value) -> Job {
    let request = json!({
        "bundle": format!("core/linux/ubuntu/{bundle}"), "inventory": inventory, "limit": "guest-1", "extra_vars": variables,
    });
    app.job(&app.post(&format!("/v1/jobs?wait={WAIT_S}"), &request, 200).await)
}

/// Runs a bundle, which must succeed. Returns the number of changes and its only result.
#[expect(clippy::print_stderr, reason = "how long it took is worth knowing")]
pub(crate) async fn succeed(app: &TestApp, inventory: &str, bundle: &str, variables: &Value) -> (u64, Value) {
    let begun = Instant::now();
    let job = run(app, inventory, bundle, variables).await;
    if job["state"] != "succeeded" {
        panic!("{bundle}: {job:#}\n{}", job.log().await);
    }
    let changed = job["stats"]["guest-1"]["changed"].as_u64().expect("a number");
    eprintln!("{bundle}: {:.1} s, {changed} changes", begun.elapsed().as_secs_f32());
    let results = job.results().await;
    let (_, values) = results.as_object().and_then(|results| results.iter().next()).expect("a result");
    (changed, values[0].clone())
}

/// Runs a bundle twice: the first run changes something, the second nothing. Returns the result.
pub(crate) async fn succeed_twice(app: &TestApp, inventory: &str, bundle: &str, variables: &Value) -> Value {
    let (changed, first) = succeed(app, inventory, bundle, variables).await;
    assert!(changed > 0, "{bundle} with {variables} changed nothing");
    let (changed, second) = succeed(app, inventory, bundle, variables).await;
    assert_eq!(changed, 0, "{bundle} with {variables} changed something the second time");
    assert_eq!(first, second, "{bundle}");
    second
}

/// Whether the account has this password, checked by a user other than root with `su`.
async fn accepts_password(guest: &Guest, user: &str, password: &str) -> bool {
    let as_trainer = format!("su trainer -c {}", quoted(&format!("su {user} -c id")));
    let (succeeded, output) =
        guest.attempt(&format!("printf '%s\\n' {} | {as_trainer}", quoted(password))).await;
    succeeded && output.contains(&format!("({user})"))
}

/// The fields of the account's line in `/etc/shadow`.
async fn shadow(guest: &Guest, user: &str) -> Vec<String> {
    guest.run(&format!("getent shadow {user}")).await.split(':').map(str::to_owned).collect()
}

#[tokio::test]
async fn an_account_gets_what_was_requested_and_is_not_changed_again() {
    let Some(guest) = Guest::boot("accounts") else { return };
    let app = app(&guest);
    // Nothing in a text is evaluated, neither by Jinja nor by a shell.
    let secret = generated_secret();
    let password = format!("{secret}{{{{ 7 * 7 }}}}$HOME'\"\\ ü");
    let mut variables = json!({
        "TARGET_USER": "student-1", "TARGET_PASSWORD": password, "TARGET_SHELL_PATH": "/bin/sh", "CHANGE_PWD_AT_LOGON": false,
    });
    let job = run(&app, "guest", "configure/add-user", &variables).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let hash = shadow(&guest, "student-1").await[1].clone();
    assert!(hash.starts_with("$6$"), "{hash}");
    let visible = format!("{}{}{}", Value::from(job.events().await), job.log().await, app.log());
    assert!(!visible.contains(&secret) && !visible.contains(&hash), "{visible}");

    let (changed, result) = succeed(&app, "guest", "configure/add-user", &variables).await;
    assert_eq!(changed, 0, "the second time");
    assert_eq!((&result["password"], &result["change_at_logon"]), (&json!("set"), &json!(false)));
    let entry = guest.run("getent passwd student-1").await;
    assert!(entry.ends_with(":/home/student-1:/bin/sh"), "{entry}");
    assert_eq!(guest.run("stat -c %U /home/student-1").await, "student-1");
    assert!(accepts_password(&guest, "student-1", &password).await);
    assert!(!accepts_password(&guest, "student-1", &secret).await);

    variables["CHANGE_PWD_AT_LOGON"] = json!(true);
    variables["TARGET_SHELL_PATH"] = json!("/bin/bash");
    succeed_twice(&app, "guest", "configure/add-user", &variables).await;
    assert!(guest.run("getent passwd student-1").await.ends_with(":/bin/bash"));
    assert_eq!(shadow(&guest, "student-1").await[2], "0", "the password must be changed");
}

#[tokio::test]
async fn the_password_of_an_account_can_be_changed_kept_locked_and_unlocked() {
    let Some(guest) = Guest::boot("passwords") else { return };
    let app = app(&guest);
    let password = generated_secret();
    // It must be changed, until a run disables that.
    guest.run("useradd student && echo student:x | chpasswd && chage -d 0 student").await;
    let mut variables = json!({"TARGET_USER": "student", "TARGET_PASSWORD": password});
    succeed(&app, "guest", "configure/add-user", &variables).await;
    assert!(accepts_password(&guest, "student", &password).await);

    let keep = json!({"TARGET_USER": "student", "TARGET_PASSWORD": generated_secret(), "UPDATE_PASSWORD": "on_create"});
    let (changed, result) = succeed(&app, "guest", "configure/add-user", &keep).await;
    assert_eq!((changed, &result["password"]), (0, &json!("kept")));
    assert!(accepts_password(&guest, "student", &password).await);

    // Without a password the account is locked, and no password has to be changed.
    let locked = json!({"TARGET_USER": "student", "TARGET_PASSWORD": "", "CHANGE_PWD_AT_LOGON": true});
    let result = succeed_twice(&app, "guest", "configure/add-user", &locked).await;
    assert_eq!((&result["password"], &result["change_at_logon"]), (&json!("locked"), &json!(false)));
    assert!(!accepts_password(&guest, "student", &password).await);

    let (changed, _) = succeed(&app, "guest", "configure/add-user", &variables).await;
    assert_eq!(changed, 1, "the lock is taken off");
    assert!(accepts_password(&guest, "student", &password).await);

    variables["TARGET_USER"] = json!("student-2");
    variables["TARGET_PASSWORD"] = json!("");
    succeed(&app, "guest", "configure/add-user", &variables).await;
    assert!(shadow(&guest, "student-2").await[1].starts_with('!'));
    assert!(guest.run("getent passwd student-2").await.ends_with(":/bin/bash"));
}

#[tokio::test]
async fn accounts_get_dot_files_and_keep_what_they_had() {
    let Some(guest) = Guest::boot("dot-files") else { return };
    let app = app(&guest);
    guest.run("useradd -m student && echo old >/home/student/.vimrc").await;
    let mut variables = json!({
        "hosts": "guest-1", "OPERATOR_USER": "student", "APPLY_FOR_ROOT": false,
        "INSTALL_VIM_DOTFILES": true, "INSTALL_ZSH_DOTFILES": false,
    });
    let result = succeed_twice(&app, "guest", "install/dot-files", &variables).await;
    assert_eq!(result["files"], json!(["/home/student/.vimrc"]));
    assert_eq!(guest.run("stat -c '%U %G %a' /home/student/.vimrc").await, "student student 644");
    assert_eq!(guest.run("cat /home/student/.vimrc.*~").await, "old");
    assert_eq!(
        guest.run("ls -A /root /home/student | grep -cE '^.(vimrc|zshrc)$'").await,
        "1",
        "only what was chosen"
    );

    variables["INSTALL_ZSH_DOTFILES"] = json!(true);
    variables["APPLY_FOR_ROOT"] = json!(true);
    let result = succeed_twice(&app, "guest", "install/dot-files", &variables).await;
    assert_eq!(result["accounts"], json!(["student", "root"]));
    guest.run("cmp /root/.vimrc /home/student/.vimrc && cmp /root/.zshrc /home/student/.zshrc").await;
    assert_eq!(guest.run("stat -c '%U %a' /root/.zshrc").await, "root 644");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words_and_changes_nothing() {
    let Some(guest) = Guest::boot("refusals") else { return };
    let app = app(&guest);
    let before = guest.run("cat /etc/passwd /etc/shadow").await;
    let jinja = "{{ lookup('pipe', 'echo eval; echo uated') }}";
    let cases = [
        ("configure/add-user", json!({}), "TARGET_USER is needed"),
        ("configure/add-user", json!({"TARGET_USER": jinja}), "TARGET_USER is needed"),
        (
            "configure/add-user",
            json!({"TARGET_USER": "a", "TARGET_SHELL_PATH": "/no/shell"}),
            "has no shell `/no/shell`",
        ),
        (
            "install/dot-files",
            json!({"OPERATOR_USER": "absent-user", "INSTALL_VIM_DOTFILES": true}),
            "no account `absent-user`",
        ),
        (
            "install/dot-files",
            json!({"OPERATOR_USER": jinja, "INSTALL_VIM_DOTFILES": true}),
            "no account's name",
        ),
    ];
    for (bundle, variables, words) in cases {
        let job = run(&app, "guest", bundle, &variables).await;
        assert_eq!(job["state"], "failed", "{bundle} with {variables}: {job:#}");
        let message = job["reason"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{bundle} with {variables}: {job:#}");
    }
    assert_eq!(guest.run("cat /etc/passwd /etc/shadow").await, before);
}
