//! The contract of the store: facts that must hold on SQLite and on PostgreSQL alike.
//!
//! Each fact is one function over an open database, and runs once for each of the two. PostgreSQL is the server
//! of `RANGEHAND_TEST_POSTGRES_URL`, whose user may create databases; without it those runs say so and pass.

mod claims;
mod database;
mod events;
mod files;
mod jobs;
mod opening;
mod samples;

/// Declares the table of facts.
macro_rules! contract {
    ($($noun:ident { $($fact:ident),+ $(,)? })+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $fact() {
                    crate::database::on_sqlite(crate::$noun::$fact).await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $fact() {
                    crate::database::on_postgres(crate::$noun::$fact).await;
                }
            )+)+
        }
    };
}

contract! {
    opening {
        migrations_run_twice_change_nothing,
        many_may_open_a_new_database_at_once,
        a_closed_store_answers_no_more,
    }
    jobs {
        a_job_reads_back_as_it_was_written,
        an_id_is_stored_once,
        a_move_needs_the_expected_state,
        a_move_and_its_event_are_stored_together_or_not_at_all,
        an_outcome_is_kept_with_its_attempt_and_through_a_retry,
        jobs_are_listed_newest_first_page_by_page,
        a_deleted_job_leaves_nothing,
    }
    claims {
        the_oldest_queued_job_is_claimed_first,
        two_claimers_never_get_the_same_job,
        a_write_with_an_old_fence_is_refused,
        unfinished_jobs_are_those_with_a_run_at_work,
    }
    events {
        events_read_back_as_they_were_written,
        events_are_numbered_without_gap_or_repeat_under_concurrent_writers,
        ingesting_the_same_events_twice_changes_nothing,
        a_batch_is_stored_whole_or_not_at_all,
        a_batch_of_any_size_is_stored_in_order,
        unicode_is_kept_and_nul_is_replaced,
        lines_are_the_events_that_printed_something,
        numbers_past_the_end_find_nothing,
    }
}
