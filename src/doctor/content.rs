//! How runs see their content here, and why not in a better way.

use content::snapshots::{Choice, Way, view};

use super::check::Check;
use crate::settings::Settings;

/// Mounts an overlay like a run, in a separate process.
pub(super) fn check(settings: &Settings) -> Check {
    let name = "content of runs";
    let (paths, runs) = (&settings.paths, &settings.runs);
    let (state, runtime) = (&paths.state, paths.runtime());
    if !state.is_dir() || !runtime.is_dir() {
        return Check::ok(name, "is tried out when the service has been started once");
    }
    match view::offered(runs.content, state, &runtime, runs.no_new_privileges) {
        (Way::Overlay, _) => Check::ok(name, "an overlay over a snapshot, at the owner's path"),
        (Way::UserOverlay, _) => {
            Check::ok(name, "an overlay over a snapshot, at the owner's path, in a user namespace")
        }
        (Way::Copy, why) => {
            let by = if view::shares_blocks(state) { "a copy that shares blocks" } else { "a copy" };
            let detail = format!("{by} for each run: {}", why.unwrap_or_default());
            match runs.content {
                Choice::Copy => Check::ok(name, detail),
                Choice::Auto | Choice::Overlay => Check::warn(
                    name,
                    detail,
                    "permit the service to mount: as root CAP_SYS_ADMIN, otherwise user namespaces; see docs/content.md",
                ),
            }
        }
    }
}
