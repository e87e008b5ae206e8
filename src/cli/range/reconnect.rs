//! The connection to the service while a job is followed. A service that restarts, or a gateway without a service behind it, is
//! tried again for some time; the job continues meanwhile, or when the service runs again.

use std::time::{Duration, Instant};

use super::failure::Failure;

/// The first pause, which doubles each time up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
/// How long a lost connection is tried again.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_mins(10);

/// Whether the service answers.
#[derive(Debug, Default)]
pub(super) struct Connectivity {
    /// Since when it doesn't, and the next pause.
    lost: Option<(Instant, Duration)>,
}

impl Connectivity {
    /// How long to wait before the next request.
    pub(super) fn pause(&self) -> Duration {
        self.lost.map_or(Duration::ZERO, |(_, pause)| pause)
    }

    /// Records a reply. Returns whether the connection was lost before.
    pub(super) const fn answered(&mut self) -> bool {
        self.lost.take().is_some()
    }

    /// Records a failure. Returns whether the connection was not lost before.
    ///
    /// # Errors
    /// The failure, if another request would not help, or was tried for too long.
    pub(super) fn failed(&mut self, failure: Failure) -> Result<bool, Failure> {
        if !failure.is_transient() {
            return Err(failure);
        }
        match self.lost {
            Some((since, _)) if since.elapsed() > GIVE_UP_AFTER => Err(failure),
            Some((since, pause)) => {
                self.lost = Some((since, LONGEST.min(pause * 2)));
                Ok(false)
            }
            None => {
                self.lost = Some((Instant::now(), FIRST));
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(status: u16) -> Failure {
        Failure::Unexpected { url: String::new(), status, text: String::new() }
    }

    #[test]
    fn pauses_grow_until_an_answer_arrives() {
        let mut connection = Connectivity::default();
        assert_eq!(connection.pause(), Duration::ZERO);
        assert!(connection.failed(away(502)).expect("it is tried again"), "it is reported once");
        let mut pauses = vec![connection.pause()];
        for _ in 0..6 {
            assert!(!connection.failed(away(503)).expect("it is tried again"));
            pauses.push(connection.pause());
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000].map(Duration::from_millis));
        assert!(connection.answered());
        assert!(!connection.answered());
        assert_eq!(connection.pause(), Duration::ZERO);
    }

    #[test]
    fn what_another_request_would_not_change_is_a_failure() {
        assert!(Connectivity::default().failed(away(404)).is_err());
        assert!(Connectivity::default().failed(Failure::Usage("no".to_owned())).is_err());
    }
}
