//! What an event costs on its way, piece by piece: `cargo bench -p bench`.

use ansible::events::{
    event::Translator,
    extract::Extractor,
    stream::{Line, parse},
};
use bench::sample;
use divan::{Bencher, black_box, counter::ItemsCount};
use jiff::Timestamp;
use model::{Draft, Redactor};

fn main() {
    divan::main();
}

/// Lines of ansible-runner as they were recorded, and the identifier of their run.
const EVENTS: &str = include_str!("../../../tests/fixtures/events/vm_list.events.jsonl");

fn lines() -> (Vec<Vec<u8>>, String) {
    let lines: Vec<Vec<u8>> = EVENTS.lines().map(|line| line.as_bytes().to_vec()).collect();
    let first: serde_json::Value = serde_json::from_slice(&lines[0]).expect("recorded JSON");
    let ident = first["runner_ident"].as_str().unwrap_or_default().to_owned();
    (lines, ident)
}

fn redactor(secrets: usize) -> Redactor {
    Redactor::new((0..secrets).map(|number| format!("a secret of some length, number {number}")))
}

fn drafts() -> Vec<Draft> {
    let (lines, ident) = lines();
    let mut translator = Translator::new(redactor(10), "/private/".to_owned());
    let parsed = lines.into_iter().map(|line| parse(Line::Whole(line), &ident));
    parsed.map(|item| translator.draft(item, Timestamp::UNIX_EPOCH)).collect()
}

#[divan::bench]
fn event_parsed(bencher: Bencher<'_, '_>) {
    let (lines, ident) = lines();
    bencher.counter(ItemsCount::new(lines.len())).with_inputs(|| lines.clone()).bench_values(|lines| {
        for line in lines {
            black_box(parse(Line::Whole(line), &ident));
        }
    });
}

#[divan::bench(args = [0, 10, 1000])]
fn event_translated(bencher: Bencher<'_, '_>, secrets: usize) {
    let (lines, ident) = lines();
    let mut translator = Translator::new(redactor(secrets), "/private/".to_owned());
    let count = ItemsCount::new(lines.len());
    let items = || lines.iter().map(|line| parse(Line::Whole(line.clone()), &ident)).collect::<Vec<_>>();
    bencher.counter(count).with_inputs(items).bench_local_values(|items| {
        for item in items {
            black_box(translator.draft(item, Timestamp::UNIX_EPOCH));
        }
    });
}

#[divan::bench]
fn event_extracted(bencher: Bencher<'_, '_>) {
    let drafts = drafts();
    bencher.counter(ItemsCount::new(drafts.len())).bench_local(|| {
        let mut extractor = Extractor::new(8 << 20);
        drafts.iter().for_each(|draft| extractor.take(draft));
        black_box(extractor.finish())
    });
}

#[divan::bench]
fn event_as_json(bencher: Bencher<'_, '_>) {
    let draft = sample::event(1);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| serde_json::to_vec(black_box(&draft)));
}

#[divan::bench]
fn event_from_json(bencher: Bencher<'_, '_>) {
    let text = serde_json::to_vec(&sample::event(1)).expect("JSON");
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| serde_json::from_slice::<Draft>(black_box(&text)).expect("an event"));
}

#[divan::bench(args = [0, 10, 1000])]
fn line_redacted(bencher: Bencher<'_, '_>, secrets: usize) {
    let redactor = redactor(secrets);
    let line = "ok: [web-01] => {\"changed\": false, \"msg\": \"authorization: none, a secret of\"}";
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| redactor.text(black_box(line)).len());
}
