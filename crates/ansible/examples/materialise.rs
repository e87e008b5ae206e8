//! What a run's own copy of its playbooks costs: `cargo run --release -p ansible --example materialise`.
//!
//! Builds a tree of small files below the temporary directory (`TMPDIR`) and copies it in three ways: as a run does
//! it, with `cp -r`, and with hard links (`cp -rl`), which a run does not use. All ways take part in every round,
//! each round begins with another one, and the first round does not count. Before each copy the disk is given what
//! was written so far, so that no way pays for the one before it.
//!
//! It does so twice: with the copies kept to the end, and with each copy removed at once. On ext4 that makes a great
//! difference, because the numbers of files that were just removed are not used again for a while and are passed
//! over one by one. For the same reason wait some minutes before it is started again.
//!
//! `FILES` and `ROUNDS` can be given, in this order.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ansible::snapshot::copy_tree;

const FILES: usize = 5000;
const ROUNDS: usize = 9;
const FILES_PER_DIRECTORY: usize = 20;
const FILE_BYTES: usize = 1500;
/// How far down the directories are spread.
const LEVELS: usize = 4;

/// A way to copy a tree.
struct Way {
    name: &'static str,
    copy: fn(&Path, &Path) -> io::Result<()>,
}

const WAYS: [Way; 3] = [
    Way { name: "a run's copy (copy_tree)", copy: |from, to| copy_tree(from, to, &[], None).map(drop) },
    Way { name: "cp -r", copy: |from, to| cp("-r", from, to) },
    Way { name: "cp -rl, hard links", copy: |from, to| cp("-rl", from, to) },
];

/// What becomes of a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Keep,
    Remove,
}

/// How long each round of a way took.
#[derive(Default)]
struct Times {
    copying: Vec<Duration>,
    removing: Vec<Duration>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse());
    let files = arguments.next().transpose()?.unwrap_or(FILES);
    let rounds = arguments.next().transpose()?.unwrap_or(ROUNDS).max(1);

    let scratch = tempfile::tempdir()?;
    let source = scratch.path().join("source");
    build(&source, files)?;
    let kept = measure(&source, scratch.path(), rounds, Then::Keep)?;
    let removed = measure(&source, scratch.path(), rounds, Then::Remove)?;
    let shares = if shares_blocks(scratch.path())? { "yes" } else { "no" };
    print(files, rounds, shares, [("copies kept to the end", kept), ("each copy removed at once", removed)]);
    Ok(())
}

fn measure(source: &Path, scratch: &Path, rounds: usize, then: Then) -> io::Result<[Times; WAYS.len()]> {
    let mut times: [Times; WAYS.len()] = Default::default();
    let mut copies: Vec<(usize, usize, PathBuf)> = Vec::new();
    for round in 0..=rounds {
        for turn in 0..WAYS.len() {
            let which = (round + turn) % WAYS.len();
            let target = scratch.join(format!("copy-{round}-{which}"));
            rustix::fs::sync();
            let copying = timed(|| (WAYS[which].copy)(source, &target))?;
            if round > 0 {
                times[which].copying.push(copying);
            }
            copies.push((round, which, target));
            if then == Then::Remove {
                remove(&mut copies, &mut times)?;
            }
        }
    }
    remove(&mut copies, &mut times)?;
    Ok(times)
}

fn remove(copies: &mut Vec<(usize, usize, PathBuf)>, times: &mut [Times; WAYS.len()]) -> io::Result<()> {
    for (round, which, copy) in copies.drain(..) {
        let removing = timed(|| fs::remove_dir_all(copy))?;
        if round > 0 {
            times[which].removing.push(removing);
        }
    }
    Ok(())
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

fn cp(option: &str, from: &Path, to: &Path) -> io::Result<()> {
    let status = Command::new("cp").arg(option).arg(from).arg(to).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("cp ended with {status}"))) }
}

/// Directories of [`FILES_PER_DIRECTORY`] files, spread over [`LEVELS`] levels.
fn build(source: &Path, files: usize) -> io::Result<()> {
    let text = "- name: Set a parameter\n".repeat(FILE_BYTES).into_bytes();
    for first in (0..files).step_by(FILES_PER_DIRECTORY) {
        let number = first / FILES_PER_DIRECTORY;
        let mut directory = source.to_owned();
        (0..number % LEVELS).for_each(|level| directory.push(format!("level{level}")));
        directory.push(format!("directory{number}"));
        fs::create_dir_all(&directory)?;
        for file in first..files.min(first + FILES_PER_DIRECTORY) {
            fs::write(directory.join(format!("file{file}.yml")), &text[..FILE_BYTES])?;
        }
    }
    Ok(())
}

fn shares_blocks(directory: &Path) -> io::Result<bool> {
    let (from, to) = (directory.join("original"), directory.join("clone"));
    fs::write(&from, "x")?;
    Ok(rustix::fs::ioctl_ficlone(File::create(to)?, File::open(from)?).is_ok())
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn print(files: usize, rounds: usize, shares_blocks: &str, tables: [(&str, [Times; WAYS.len()]); 2]) {
    let directories = files.div_ceil(FILES_PER_DIRECTORY);
    println!(
        "{files} files of {FILE_BYTES} bytes in {directories} directories, {rounds} rounds; the file system shares \
         blocks: {shares_blocks}"
    );
    for (title, times) in tables {
        println!("{title:26} {:>9} {:>17} {:>9} {:>15}", "copy ms", "min - max", "remove ms", "min - max");
        for (way, times) in WAYS.iter().zip(times) {
            println!("{:26} {} {}", way.name, figures(times.copying, 17), figures(times.removing, 15));
        }
    }
}

/// The median and the spread.
fn figures(mut times: Vec<Duration>, width: usize) -> String {
    times.sort_unstable();
    let milliseconds = |at: usize| times[at].as_secs_f64() * 1000.0;
    let spread = format!("{:.1} - {:.1}", milliseconds(0), milliseconds(times.len() - 1));
    format!("{:>9.1} {spread:>width$}", milliseconds(times.len() / 2))
}
