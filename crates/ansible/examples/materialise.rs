//! What a run's own copy of its playbooks costs: `cargo run --release -p ansible --example materialise`.
//!
//! Builds a tree of small files below the temporary directory (`TMPDIR`) and copies it in three ways, each followed
//! by the removal of the copy: as a run does it, with `cp -r`, and with hard links (`cp -rl`), which a run does not
//! use. All ways take part in every round, each round begins with another one, and the first round does not count.
//! `FILES` and `ROUNDS` can be given, in this order.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use ansible::snapshot::copy_tree;

const FILES: usize = 5000;
const ROUNDS: usize = 15;
const FILES_PER_DIRECTORY: usize = 20;
const FILE_BYTES: usize = 1500;
/// Levels of directories, as deep as real bundles go.
const LEVELS: usize = 4;

/// A way to copy a tree.
struct Way {
    name: &'static str,
    copy: fn(&Path, &Path) -> io::Result<()>,
}

const WAYS: [Way; 3] = [
    Way { name: "a run's copy (copy_tree)", copy: |from, to| copy_tree(from, to, &[]).map(drop) },
    Way { name: "cp -r", copy: |from, to| cp("-r", from, to) },
    Way { name: "cp -rl, hard links", copy: |from, to| cp("-rl", from, to) },
];

/// How long each round of a way took.
#[derive(Default)]
struct Times {
    copying: Vec<Duration>,
    removing: Vec<Duration>,
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse());
    let files = arguments.next().transpose()?.unwrap_or(FILES);
    let rounds = arguments.next().transpose()?.unwrap_or(ROUNDS).max(1);

    let scratch = tempfile::tempdir()?;
    let source = scratch.path().join("source");
    build(&source, files)?;
    println!(
        "{files} files of {FILE_BYTES} bytes in {} directories, {rounds} rounds; the file system shares blocks: {}",
        files.div_ceil(FILES_PER_DIRECTORY),
        if shares_blocks(scratch.path())? { "yes" } else { "no" },
    );
    let times = measure(&source, &scratch.path().join("copy"), rounds)?;

    println!("{:26} {:>9} {:>15} {:>9} {:>15}", "", "copy ms", "min - max", "remove ms", "min - max");
    for (way, times) in WAYS.iter().zip(times) {
        println!("{:26} {} {}", way.name, figures(times.copying), figures(times.removing));
    }
    Ok(())
}

fn measure(source: &Path, target: &Path, rounds: usize) -> io::Result<[Times; WAYS.len()]> {
    let mut times: [Times; WAYS.len()] = Default::default();
    for round in 0..=rounds {
        for turn in 0..WAYS.len() {
            let which = (round + turn) % WAYS.len();
            let copying = timed(|| (WAYS[which].copy)(source, target))?;
            let removing = timed(|| fs::remove_dir_all(target))?;
            if round > 0 {
                times[which].copying.push(copying);
                times[which].removing.push(removing);
            }
        }
    }
    Ok(times)
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

/// The median and the spread.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let milliseconds = |at: usize| times[at].as_secs_f64() * 1000.0;
    let spread = format!("{:.1} - {:.1}", milliseconds(0), milliseconds(times.len() - 1));
    format!("{:>9.1} {spread:>15}", milliseconds(times.len() / 2))
}
