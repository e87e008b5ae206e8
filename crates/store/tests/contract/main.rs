//! The contract of the store: facts that must hold on both SQLite and PostgreSQL.
//!
//! Each fact is one function over an open database, and runs once for each of the two. PostgreSQL is the server
//! of `RANGEHAND_TEST_POSTGRES_URL`, whose user must be allowed to create databases. Without it those runs are skipped with a
//! message.
mod audit;
mod children;
mod claims;
mod database;
mod earlier;
mod events;
mod files;
mod history;
mod idempotency;
mod identity;
mod jobs;
mod journal;
mod leases;
mod listening;
mod locks;
mod opening;
mod owners;
mod queue;
mod range_leases;
mod range_samples;
mod ranges;
mod requeue;
mod retention;
mod samples;
mod secrets;
mod step_times;
mod stream;
mod tokens;
mod turns;

/// Declares the table of facts. Those that get the URL of an empty database are listed separately.
macro_rules! contract {
    (empty { $($of_empty:ident),+ $(,)? } $($noun:ident { $($fact:ident),+ $(,)? })+) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $of_empty() {
                    crate::database::on_empty_sqlite(crate::earlier::$of_empty).await;
                }
            )+
            $($(
                #[tokio::test(flavor = "multi_thread")]
                async fn $fact() {
                    crate::database::on_sqlite(crate::$noun::$fact).await;
                }
            )+)+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $of_empty() {
                    crate::database::on_empty_postgres(crate::earlier::$of_empty).await;
                }
            )+
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
    empty {
        jobs_of_an_earlier_version_read_back_to_the_byte,
        resources_of_an_earlier_version_stay_locked_and_waited_for,
    }
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
        an_outcome_stays_with_its_attempt_when_the_job_is_queued_again,
    }
    idempotency {
        one_idempotency_key_gives_one_job_under_concurrency,
        a_key_with_another_body_conflicts_and_stores_nothing,
        a_key_goes_with_its_job,
    }
    identity {
        the_first_identity_stays,
    }
    claims {
        the_oldest_queued_job_is_claimed_first,
        two_claimers_never_get_the_same_job,
        a_write_with_an_old_fence_is_refused,
        unfinished_jobs_are_those_with_an_active_run,
    }
    queue {
        priority_goes_before_age,
        age_beats_priority_in_the_end,
        a_retried_job_waits_from_its_retry_on,
        the_queue_shows_which_job_waits_for_which,
    }
    requeue {
        a_job_that_never_began_is_as_it_was_before_its_claim,
        a_job_that_never_began_keeps_its_place_before_those_that_came_later,
        only_the_claim_that_never_began_is_undone,
        a_job_that_never_begins_is_queued_again_so_often_and_no_more,
    }
    locks {
        a_job_waits_while_another_holds_its_resource,
        a_job_that_is_queued_again_gives_up_its_resources_and_waits_for_them,
        a_job_that_waits_for_two_resources_is_not_starved,
        a_claim_that_comes_second_to_a_resource_is_undone,
        two_jobs_with_one_resource_never_run_together,
    }
    children {
        children_are_listed_by_their_parent,
        only_a_job_that_runs_under_its_claim_has_children,
        a_child_has_its_turns_with_the_caller_of_its_parent_and_is_not_counted,
    }
    owners {
        jobs_that_share_a_resource_run_together,
        a_job_that_needs_a_resource_alone_is_not_passed_by_later_ones_that_share_it,
        what_an_owner_holds_is_kept_from_jobs_that_do_not_act_for_it,
        an_owner_takes_all_or_nothing_and_from_under_its_own_job,
        jobs_and_owners_never_have_a_resource_against_each_other,
    }
    leases {
        a_beat_keeps_a_lease_from_running_out,
        an_expired_lease_is_taken_over_once,
        a_node_takes_its_own_jobs_up_again_at_once,
        no_node_holds_a_job_that_waits_or_has_ended,
        the_shared_clock_goes_forward,
    }
    ranges {
        a_range_and_its_plan_read_back_as_they_were_written,
        a_name_is_given_to_one_range_and_a_refused_plan_stores_nothing,
        a_range_has_one_plan_at_a_time,
        only_a_range_of_which_nothing_exists_is_deleted,
        a_plan_that_ended_is_taken_up_by_one_job,
        the_lifetime_of_a_range_changes_and_its_end_is_found,
        a_plan_whose_job_was_never_submitted_is_found_and_a_destroyed_range_deleted,
    }
    range_leases {
        twenty_ranges_created_at_once_never_share_a_lease,
        subnets_of_one_pool_never_overlap,
        a_lease_is_given_back_exactly_once,
        a_plan_that_ends_gives_its_leases_back_with_its_records,
    }
    step_times {
        the_latest_times_of_steps_outlive_their_range,
    }
    journal {
        a_journal_reads_back_as_it_was_written,
        a_write_of_the_journal_is_whole_or_nothing,
        a_former_holder_does_not_write_the_journal,
        a_plan_is_taken_by_another_job_once_its_job_has_ended,
        a_takeover_reads_all_that_the_former_holder_wrote,
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
    stream {
        positions_over_all_jobs_have_no_gap,
        filters_select_the_requested_events,
        a_line_is_found_by_its_number,
    }
    history {
        jobs_are_listed_newest_first_page_by_page,
        filters_select_the_requested_jobs,
        the_last_successes_are_those_of_the_whole_content,
    }
    secrets {
        secrets_are_kept_until_a_move_wipes_them,
        secrets_are_found_by_their_key_and_reencrypted,
        secrets_of_a_range_are_stored_with_a_plan_and_deleted_with_the_range,
    }
    retention {
        pruning_takes_only_finished_jobs,
        a_deleted_job_leaves_nothing,
        a_job_that_goes_is_seen_whole_or_not_at_all,
        a_deletion_that_was_broken_off_is_finished_later,
    }
    turns {
        callers_have_turns_and_their_own_jobs_stay_in_order,
        jobs_of_no_known_caller_stay_in_the_order_in_which_they_came,
        only_so_many_jobs_may_wait,
    }
    tokens {
        a_token_reads_back_as_it_was_written,
        a_token_is_revoked_once_and_stays,
    }
    audit {
        records_read_back_as_they_were_written,
        many_writers_make_one_chain,
        a_record_that_was_changed_is_found,
        records_in_another_order_are_found_and_a_clock_that_goes_back_breaks_nothing,
        what_cannot_be_added_leaves_no_trace,
        the_oldest_records_go_and_the_rest_is_one_chain,
        what_is_broken_is_not_removed,
    }
    listening {
        a_listener_hears_of_another_connections_job,
        a_listener_says_when_it_may_have_missed_something,
    }
}
