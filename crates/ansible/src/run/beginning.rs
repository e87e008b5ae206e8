//! Records whether Ansible may have been executed for a run: one name in its directory, which is taken once and never released.
//!
//! ```text
//! supervisor:  everything prepared --> takes the name as "began" --> executes Ansible
//! service:     lock is free --> takes the name as "never" --> queues the job again --> removes the directory
//! ```
//! The name is a symbolic link, because creating one is atomic: it succeeds only if there is none, and the target is part of
//! it. The second process to create it finds the target of the first. So either the run began, and the service does not
//! queue its job again, or it never began, and its supervisor can't execute Ansible any more.
//!
//! No sequence of failures makes a job begin twice:
//!
//! - **A supervisor that still lives** holds the lock of the directory, and the service checks nothing else. The lock belongs
//!   to an open file. Before the supervisor gets it, the service has it; while it is being sent to an idle supervisor, it is
//!   in the message, in the kernel. So a free lock means that no process is left that could begin the run, and none can
//!   appear: only [`RunDirectory::create`] takes the lock, of a directory that it has created.
//! - **An idle supervisor that dies with the message unread** releases the message, and the lock in it.
//! - **An idle supervisor whose service dies during the specification** reads the end of the pipe. An incomplete specification
//!   is invalid. The supervisor exits without taking the name.
//! - **A service that dies after it took the name** finds it at its next start, and continues from there.
//! - **A removed directory** no longer has the name, and no later run has the same directory: each claim creates a new ID.
//! - **A wrong lock**, for example because its file was removed: the name still decides. The supervisor finds "never", or no
//!   directory, and exits.
//! - **A power failure:** the name is not made durable, because each run would wait for the disk. The lock file contains the
//!   boot ID at its creation, and after another boot a missing name proves nothing.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::run::directory::RunDirectory;

/// More than a boot's id has.
const LONGEST_BOOT_ID: u64 = 128;
/// What the name says when the run began.
const BEGAN: &str = "began";
/// What it says when the run will never begin.
const NEVER: &str = "never";

impl RunDirectory {
    fn beginning(&self) -> PathBuf {
        self.path().join("begun")
    }

    /// Ansible is about to be executed. Afterwards the run counts as one that may have done something.
    ///
    /// # Errors
    /// When the run may not begin anymore, or that cannot be recorded.
    pub(crate) fn begin(&self) -> io::Result<()> {
        symlink(BEGAN, self.beginning())
    }

    /// Did the run never begin? If so, it can't begin anymore.
    ///
    /// For a run without an outcome whose lock no process holds. `is_same_boot` says that the run was claimed since the machine was
    /// started; it is needed only as long as the directory does not say so itself. What can't be proven is not so.
    ///
    /// # Errors
    /// When this cannot be determined now, for example because this process has no descriptor left.
    pub fn rule_out_beginning(&self, is_same_boot: bool) -> io::Result<bool> {
        // The lock first: when it is free, nothing changes anymore.
        if self.is_held()? || self.has_outcome()? {
            return Ok(false);
        }
        if !self.path().try_exists()? {
            return Ok(is_same_boot);
        }
        let is_provable = self.is_of_this_boot() || (is_same_boot && self.is_before_launch()?);
        if !is_provable {
            return Ok(false);
        }
        match symlink(NEVER, self.beginning()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(fs::read_link(self.beginning())? == Path::new(NEVER))
            }
            made => made.map(|()| true),
        }
    }

    /// Directories of versions that took no name do not say in which boot they were made.
    fn is_of_this_boot(&self) -> bool {
        let mut said = String::new();
        // A run without a sandbox can put anything in its place.
        let read = self.open_lock().and_then(|lock| lock.take(LONGEST_BOOT_ID).read_to_string(&mut said));
        read.is_ok() && process::boot_id().is_some_and(|boot| boot == said)
    }

    /// The log is made before a supervisor is started or given the run.
    fn is_before_launch(&self) -> io::Result<bool> {
        Ok(!self.log().try_exists()?)
    }
}

#[cfg(test)]
mod tests {
    use model::RunId;

    use super::*;

    fn directory(home: &Path) -> RunDirectory {
        numbered(home, 0)
    }

    fn numbered(home: &Path, number: u32) -> RunDirectory {
        let run: RunId = format!("018f0000-0000-7000-8000-{number:012}").parse().expect("an id");
        RunDirectory::new(home, run)
    }

    #[test]
    fn a_run_that_began_is_never_ruled_out() {
        let home = tempfile::tempdir().expect("writable");
        let run = directory(home.path());
        let lock = run.create().expect("new");
        run.begin().expect("nothing is in the way");
        drop(lock);
        assert!(!run.rule_out_beginning(true).expect("readable"));
        assert!(run.begin().is_err(), "it began twice");
    }

    #[test]
    fn a_run_that_is_ruled_out_never_begins() {
        let home = tempfile::tempdir().expect("writable");
        let run = directory(home.path());
        let lock = run.create().expect("new");
        assert!(!run.rule_out_beginning(true).expect("readable"), "its supervisor may still begin it");
        drop(lock);
        assert!(run.rule_out_beginning(false).expect("readable"));
        assert!(run.begin().is_err(), "it began");
        assert!(run.rule_out_beginning(false).expect("readable"), "what was said stays");
        run.remove().expect("removed");
        assert!(run.begin().is_err(), "it began");
    }

    #[test]
    fn of_two_that_take_the_name_at_once_one_has_it() {
        let home = tempfile::tempdir().expect("writable");
        for number in 0..200 {
            let run = numbered(home.path(), number);
            drop(run.create().expect("new"));
            let (began, ruled_out) = std::thread::scope(|scope| {
                let began = scope.spawn(|| run.begin().is_ok());
                let ruled_out = scope.spawn(|| run.rule_out_beginning(true).expect("readable"));
                (began.join().expect("no panic"), ruled_out.join().expect("no panic"))
            });
            assert_ne!(began, ruled_out);
        }
    }

    #[test]
    fn nothing_is_proven_by_files_of_another_boot_or_of_an_older_version() {
        let home = tempfile::tempdir().expect("writable");
        for said in ["", "6fd3ae50-e5a4-4a83-9a4c-3d2e4f1a0c11"] {
            let run = directory(home.path());
            drop(run.create().expect("new"));
            fs::write(run.log(), "").expect("writable");
            fs::write(run.path().join("lock"), said).expect("writable");
            assert!(!run.rule_out_beginning(true).expect("readable"), "{said}");
            run.remove().expect("removed");
        }
    }

    #[test]
    fn a_run_that_was_never_launched_never_began_unless_the_machine_was_restarted() {
        let home = tempfile::tempdir().expect("writable");
        for is_same_boot in [false, true] {
            let run = directory(home.path());
            assert_eq!(run.rule_out_beginning(is_same_boot).expect("readable"), is_same_boot);
            fs::create_dir(run.path()).expect("writable");
            assert_eq!(run.rule_out_beginning(is_same_boot).expect("readable"), is_same_boot);
            run.remove().expect("removed");
        }
    }
}
