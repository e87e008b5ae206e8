//! Ranges of a service that an ordinary user runs: the same, through the holder of the platform.

use testkit::{processes_with, until};

use super::{
    Range,
    connections::{expected, reached},
    lab, service,
};
use crate::isolation::{
    can_sandbox_through,
    ordinary::{as_another_user, can_change_user, through},
};

#[tokio::test]
async fn jobs_of_an_ordinary_user_reach_the_machines_of_a_range_in_every_isolation() {
    if !can_change_user() || !can_sandbox_through(&through()) {
        return;
    }
    let app =
        as_another_user(service("process", "warm").set("RANGEHAND__RUNS__SANDBOX_NETWORK", "false")).start();
    let range = Range::create(&app, &lab("lab", 100)).await;
    for isolation in ["process", "sandbox"] {
        assert_eq!(reached(&app, &range.inventory(), isolation).await, expected(100), "{isolation}");
    }
    range.destroy().await;
    let holders = || {
        let home = app.home().to_string_lossy().into_owned();
        processes_with(&home).into_iter().filter(|process| process.contains("hold ")).count()
    };
    until("the holder has ended", || holders() == 0).await;
}
