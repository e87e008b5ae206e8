//! What Ansible printed, as text for people.

use ansible::log_text::plain;
use model::JobId;

use crate::{Engine, jobs::Error};

/// How many events one page of a log covers at most.
const PAGE: u32 = 1000;

/// A piece of a log.
#[derive(Debug)]
pub struct LogPage {
    /// Whole lines, each with its end.
    pub text: String,
    /// Where the next page begins.
    pub after: u64,
}

impl Engine {
    /// The next piece of a job's log, colours taken out; `None` when there is no more for now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_page(&self, id: JobId, after: u64) -> Result<Option<LogPage>, Error> {
        let lines = self.store().event_lines(id, after, PAGE).await?;
        let Some(&(last, _)) = lines.last() else { return Ok(None) };
        let text = lines.iter().map(|(_, stdout)| plain(stdout) + "\n").collect();
        Ok(Some(LogPage { text, after: last }))
    }

    /// The whole log of a job, for callers that must have it in one piece.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn whole_log(&self, id: JobId) -> Result<String, Error> {
        let (mut text, mut after) = (String::new(), 0);
        while let Some(page) = self.log_page(id, after).await? {
            text.push_str(&page.text);
            after = page.after;
        }
        Ok(text)
    }
}
