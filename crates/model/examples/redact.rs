//! How the time of redacting grows: with the text, and not with the number of secrets.
//!
//! `cargo run --release -p model --example redact` prints megabytes per second for texts that double in length and for
//! more and more secrets; a ratio near 2 from one length to the next is linear time.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]
#![expect(clippy::disallowed_methods, reason = "a program that measures uses the clock")]

use std::{hint::black_box, time::Instant};

use model::Redactor;

fn main() {
    println!("secrets  text MiB     ms  MiB/s  ratio");
    for secrets in [0, 1, 10, 100, 1000] {
        let redactor =
            Redactor::new((0..secrets).map(|number| format!("secret value number {number}: p\"ä'{number}")));
        let mut last = None;
        for mebibytes in [1_u32, 2, 4, 8] {
            let text = text(mebibytes as usize * (1 << 20));
            let best = (0..3).map(|_| milliseconds(&redactor, &text)).fold(f64::INFINITY, f64::min);
            let ratio = last.map_or_else(String::new, |last: f64| format!("{:.2}", best / last));
            println!(
                "{secrets:7}  {mebibytes:8}  {best:5.0}  {:5.0}  {ratio:>5}",
                f64::from(mebibytes) * 1000.0 / best
            );
            last = Some(best);
        }
    }
}

fn milliseconds(redactor: &Redactor, text: &str) -> f64 {
    let begun = Instant::now();
    black_box(redactor.text(black_box(text)));
    begun.elapsed().as_secs_f64() * 1000.0
}

/// What Ansible prints, with something that looks like the beginning of a secret on every line.
fn text(bytes: usize) -> String {
    let line =
        "ok: [web-01] => {\"changed\": false, \"msg\": \"secret value number: authorization: none\"}\n";
    line.repeat(bytes / line.len())
}
