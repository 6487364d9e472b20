"""All mutants, station by station."""

from typing import Final

from .mutant import Mutant

_SIMULATOR: Final = (
    Mutant(
        "receipt-of-one-hour",
        "A receipt counts one hour only.",
        3,
        "simulator/receipts.py",
        "            tally.reset()\n",
        "",
        ("tests/simulator/test_digest.py::test_every_receipt_of_a_run_has_the_digest_of_its_events_and_of_itself",),
    ),
    Mutant(
        "hour-closed-in-time",
        "An event at the full hour is counted in the hour that begins.",
        3,
        "simulator/receipts.py",
        "self.hour_end = self.hour_start + HOUR_US",
        "self.hour_end = self.hour_start + HOUR_US + 1",
        ("tests/simulator/test_receipts.py::test_an_event_at_the_full_hour_belongs_to_the_hour_that_begins",),
    ),
    Mutant(
        "final-receipts",
        "A venue's last receipts are marked final.",
        3,
        "simulator/journal.py",
        "self._close_hour(final=True)",
        "self._close_hour(final=False)",
        ("tests/simulator/test_receipts.py::test_a_run_that_ends_on_the_full_hour_opens_no_further_hour",),
    ),
    Mutant(
        "digest-of-each-field",
        "The digest's definition has every field.",
        3,
        "simulator/digest.py",
        "if field.name not in {*KEYS, DIGEST})",
        'if field.name not in {*KEYS, DIGEST, "channel"})',
        ("tests/simulator/test_digest.py::test_every_field_of_every_type_is_part_of_the_digest",),
    ),
    Mutant(
        "receipts-of-a-stopped-run",
        "A run that is told to stop sends the receipts of its open hour.",
        3,
        "ticketsim/commands/simulate.py",
        "stopped=lambda: bool(signals),",
        "stopped=lambda: False,",
        ("tests/simulator/test_run.py::test_a_stopped_process_sends_the_receipts_of_its_open_hour_and_ends_well",),
    ),
)

_STREAM: Final = (
    Mutant(
        "fail-on-data-loss",
        "The query stops where Kafka has lost messages.",
        1,
        "streaming/query/job.py",
        '.option("failOnDataLoss", "true")',
        '.option("failOnDataLoss", "false")',
        (
            "tests/streaming/test_transactions.py::"
            "test_a_query_stops_at_messages_that_kafka_removed_before_they_were_read_and_commits_nothing",
        ),
    ),
    Mutant(
        "read-committed",
        "Only committed records are read.",
        1,
        "streaming/query/job.py",
        '"kafka.isolation.level": "read_committed"',
        '"kafka.isolation.level": "read_uncommitted"',
        (
            "tests/streaming/test_transactions.py::"
            "test_aborted_records_never_arrive_and_open_ones_only_once_they_are_committed",
        ),
    ),
    Mutant(
        "gaps-asked-of-kafka",
        "Kafka is asked whether an offset without a row has a record.",
        1,
        "streaming/query/gap_recorder.py",
        "in offsets_without_record(bootstrap, asked).items()",
        "in asked.items()",
        (
            "tests/streaming/test_transactions.py::"
            "test_a_row_that_the_lake_has_lost_is_not_taken_for_an_offset_without_a_record",
        ),
    ),
    Mutant(
        "same-topics",
        "A topic that was deleted and created again is refused.",
        1,
        "streaming/kafka/topic_ids.py",
        "if known.get(topic, topic_id) != topic_id:",
        "if False:",
        (
            "tests/streaming/query/test_runner.py::"
            "test_topic_ids_are_remembered_and_a_new_topic_of_an_old_name_is_refused",
        ),
    ),
    Mutant(
        "lease-on-a-disk",
        "A stream writes only with the lake's lease.",
        2,
        "streaming/locks/stream_lease.py",
        "        if lock is None:\n",
        "        if False:\n",
        (
            "tests/streaming/locks/test_stream_lease.py::"
            "test_of_two_that_found_the_lake_free_the_one_that_comes_second_is_refused_by_the_name_of_the_first",
        ),
    ),
    Mutant(
        "lease-in-a-bucket",
        "The lease in a bucket is taken only as it was seen.",
        2,
        "streaming/locks/gcs_lease.py",
        "if_generation_match=generation, timeout=_REQUEST_S, retry=None",
        "timeout=_REQUEST_S, retry=None",
        ("tests/streaming/locks/test_gcs_lease.py::test_of_many_who_find_it_free_at_the_same_time_one_gets_it",),
    ),
    Mutant(
        "lease-watched",
        "The lease of a holder that may still live is not taken, though Spark has started meanwhile.",
        2,
        "streaming/locks/gcs_lease.py",
        "seen.generation == 0 or time.monotonic() >= self._watched_since + self.pace.expires_after_s:",
        "seen is not None:",
        (
            "tests/streaming/locks/test_gcs_lease.py::"
            "test_a_lease_that_was_not_watched_for_as_long_as_its_holder_may_live_is_not_taken",
        ),
    ),
    Mutant(
        "lease-renewed",
        "The lease in a bucket is renewed.",
        2,
        "streaming/locks/gcs_lease.py",
        "                    renewed = self._renewed()\n",
        "                    renewed = self._held\n",
        (
            "tests/streaming/locks/test_gcs_lease.py::"
            "test_a_second_stream_is_refused_by_the_name_of_the_first_as_soon_as_that_is_heard_of",
        ),
    ),
    Mutant(
        "fencing",
        "A stream that has lost its lease ends its JVM.",
        2,
        "streaming/locks/gcs_lease.py",
        "        self.lost = why\n        on_loss()\n",
        "        self.lost = why\n",
        ("tests/streaming/locks/test_gcs_lease.py::test_a_holder_whose_lease_was_taken_names_the_one_who_has_it",),
    ),
    Mutant(
        "checkpoint-and-lake",
        "A checkpoint that does not stand where the lake stands is refused.",
        2,
        "streaming/query/start_position.py",
        "if not fit.usable and fit.complete:",
        "if False:",
        (
            "tests/streaming/query/test_start_position.py::"
            "test_a_checkpoint_of_another_moment_is_refused_with_both_positions_and_the_cure",
        ),
    ),
    Mutant(
        "batches-of-the-lake",
        "A checkpoint is compared with the newest batch that Delta has of its query.",
        2,
        "streaming/query/checkpoint.py",
        "if newest_batch is not None and newest_batch > newest:",
        "if False:",
        (
            "tests/streaming/query/test_checkpoint.py::"
            "test_an_older_copy_of_a_checkpoint_is_known_by_the_batches_that_the_lake_has_even_at_the_same_offsets",
        ),
    ),
    Mutant(
        "quarantine-kept",
        "A message that breaks the contract is a row.",
        7,
        "streaming/query/job.py",
        "            yield rows\n",
        '            yield rows.filter(rows["reason"].is_null())\n',
        ("tests/streaming/test_transactions.py::test_records_that_compaction_has_removed_are_no_loss",),
    ),
)

_LAKE: Final = (
    Mutant(
        "commit-turn",
        "On a disk one process at a time commits.",
        2,
        "streaming/locks/commit_queue.py",
        "    if in_bucket(lake_root):\n        return NoQueue()\n",
        "    if lake_root:\n        return NoQueue()\n",
        (
            "tests/streaming/locks/test_commit_queue.py::"
            "test_whoever_wants_to_commit_waits_until_the_one_whose_turn_it_is_has_ended",
        ),
    ),
    Mutant(
        "recorded-loss",
        "No more is subtracted than was recorded as lost.",
        1,
        "ticketsim_assets/checks/offsets.py",
        "if expected is not None and expected != loss.first_lost:",
        "if False:",
        ("tests/ticketsim_assets/checks/test_offsets.py::test_rows_that_a_loss_says_were_there_must_be_there",),
    ),
    Mutant(
        "newest-rows",
        "Rows that were there at the last check are still there.",
        1,
        "ticketsim_assets/checks/offsets.py",
        "    problems += _shrunk(ends, state)\n",
        "",
        (
            "tests/ticketsim_assets/checks/test_offsets.py::"
            "test_the_newest_rows_deleted_leave_no_gap_and_are_missed_all_the_same",
        ),
    ),
    Mutant(
        "compaction-is-no-change",
        "Compaction is not taken for new data.",
        4,
        "streaming/lake/reader.py",
        'if action.get(kind, {}).get("dataChange"))',
        "if kind in action)",
        ("tests/ticketsim_assets/hours/test_evaluation.py::test_compaction_never_looks_like_new_data",),
    ),
)

_LOADING: Final = (
    Mutant(
        "sound-lake",
        "Nothing is loaded from a lake that lacks an offset.",
        1,
        "ticketsim_assets/assets/raw.py",
        "    require_sound(verify_offsets(context.instance, opened, snapshot))\n",
        "    verify_offsets(context.instance, opened, snapshot)\n",
        (
            "tests/ticketsim_assets/assets/test_raw.py::"
            "test_a_run_loads_nothing_from_a_lake_that_lacks_an_offset_even_if_it_is_to_load_the_hour_as_it_is",
        ),
    ),
    Mutant(
        "incomplete-hour",
        "An hour that lacks receipts or rows is not loaded.",
        3,
        "ticketsim_assets/assets/loading.py",
        "if missing[hour] and not late and not allow_incomplete:",
        "if False:",
        (
            "tests/ticketsim_assets/assets/test_loading.py::"
            "test_an_hour_that_lacks_a_receipt_is_refused_by_name_and_nothing_is_loaded[duckdb-disk]",
        ),
    ),
    Mutant(
        "deduplication",
        "Of several copies of an event one is loaded.",
        3,
        "ticketsim_assets/warehouse/schema.py",
        '"events": f"qualify {_POSITION} = 1",',
        '"events": "",',
        (
            "tests/ticketsim_assets/assets/test_loading.py::"
            "test_copies_of_an_event_are_left_out_and_the_first_offset_stays[duckdb-disk]",
        ),
    ),
    Mutant(
        "conflicting-copies",
        "Copies that say something else are kept apart.",
        3,
        "ticketsim_assets/warehouse/duckdb_warehouse.py",
        'if table == "events" and rows[hour] < _count(connection, rows_of_files, paths):',
        "if False:",
        (
            "tests/ticketsim_assets/assets/test_loading.py::"
            "test_copies_that_say_something_else_are_kept_apart_and_named_once_for_each_content[duckdb-disk]",
        ),
    ),
    Mutant(
        "transaction-of-a-load",
        "A load deletes and inserts in one transaction.",
        2,
        "ticketsim_assets/warehouse/duckdb_warehouse.py",
        "                rows[hour] = 0\n",
        "                connection.commit()\n                connection.begin()\n                rows[hour] = 0\n",
        (
            "tests/ticketsim_assets/assets/test_loading.py::test_a_load_that_breaks_off_leaves_every_hour_as_it_was[duckdb-disk]",
        ),
    ),
    Mutant(
        "forgotten-runs",
        "Events of a forgotten run are left out.",
        4,
        "ticketsim_assets/warehouse/duckdb_warehouse.py",
        '{_THAT_COUNT if table == "events" else ""}',
        "",
        (
            "tests/ticketsim_assets/assets/test_loading.py::"
            "test_a_forgotten_run_is_left_out_and_named_and_the_other_run_stays_to_the_row[duckdb-disk]",
        ),
    ),
    Mutant(
        "one-writer",
        "A second writer of the warehouse waits.",
        2,
        "ticketsim_assets/warehouse/duckdb_warehouse.py",
        "            lock.acquire(timeout=0)\n",
        "            self._who_holds()\n",
        (
            "tests/ticketsim_assets/warehouse/test_duckdb_warehouse.py::"
            "test_a_file_that_becomes_free_is_opened_without_an_error",
        ),
    ),
)

_HOURS: Final = (
    Mutant(
        "fingerprint",
        "An hour that has changed since its load is loaded again.",
        4,
        "ticketsim_assets/hours/run_history.py",
        "max(load.fingerprint for load in loads) >= state.fingerprint and loads[0].forgotten == state.forgotten",
        "loads[0].forgotten == state.forgotten",
        (
            "tests/ticketsim_assets/automation/test_late_data.py::"
            "test_a_change_is_asked_for_exactly_once_and_only_its_hour",
        ),
    ),
    Mutant(
        "debounce",
        "Changes that follow each other are one reload.",
        5,
        "ticketsim_assets/hours/due.py",
        "and (not state.reload or now.timestamp() - state.changed_at >= debounce.total_seconds())",
        "",
        (
            "tests/ticketsim_assets/automation/test_late_data.py::"
            "test_a_storm_of_commits_is_one_run_per_hour_and_interval",
        ),
    ),
)

_CHECKS: Final = (
    Mutant(
        "digest-in-sql",
        "The warehouse's digest has every field.",
        3,
        "ticketsim_assets/warehouse/digest_sql.py",
        "    for field in fields:\n",
        '    for field in (each for each in fields if each.name != "channel"):\n',
        (
            "tests/ticketsim_assets/warehouse/test_receipt_digests.py::"
            "test_the_definition_in_python_gives_the_digest_of_the_warehouse",
        ),
    ),
    Mutant(
        "receipts-that-contradict",
        "Two receipts of one hour that differ are wrong.",
        3,
        "ticketsim_assets/warehouse/reconciliation.sql",
        "                receipts_differ\n                or actual_count <> expected_count\n",
        "                actual_count <> expected_count\n",
        (
            "tests/ticketsim_assets/warehouse/test_reconciliation_view.py::"
            "test_receipts_that_contradict_each_other_are_wrong_although_one_of_them_fits[duckdb]",
        ),
    ),
    Mutant(
        "absent-venues",
        "A venue that the receipts of others declare is missed.",
        3,
        "ticketsim_assets/warehouse/absent_venues.py",
        "    if not lacking:\n",
        "    if lacking is not None:\n",
        (
            "tests/ticketsim_assets/checks/test_reconciliation.py::"
            "test_a_venue_that_the_receipts_of_others_declare_is_wrong_in_every_hour_once_those_are_final",
        ),
    ),
    Mutant(
        "blocking-receipts",
        "A wrong hour stops what is downstream.",
        3,
        "ticketsim_assets/assets/raw.py",
        "    asset=RAW_EVENTS,\n    blocking=True,\n",
        "    asset=RAW_EVENTS,\n    blocking=False,\n",
        (
            "tests/integration/test_planted_defects.py::"
            "test_each_defect_in_the_lake_is_named_by_the_receipts_check_and_stops_what_is_downstream[defect0]",
        ),
    ),
)

_MARTS: Final = (
    Mutant(
        "window-replaced",
        "Building a window takes out the rows that are there.",
        4,
        "dbt/macros/replace_window.sql",
        "        where {{ replaced_rows(model) }};\n",
        "        where false;\n",
        ("tests/dbt/test_models.py::test_an_hour_whose_raw_rows_are_gone_disappears",),
    ),
    Mutant(
        "figures-of-the-marts",
        "A figure of a mart that is not its receipt's turns a test red.",
        3,
        "dbt/tests/marts_equal_their_receipts.sql",
        "and state = 'wrong'",
        "and state = 'unproved'",
        ("tests/dbt/test_models.py::test_each_wrong_figure_turns_exactly_the_test_red_that_states_its_identity",),
    ),
    Mutant(
        "badge",
        "The page's badge says so if a receipt or a figure is wrong.",
        3,
        "ticketsim_assets/dashboard/badge.py",
        'for state in ("wrong", "unproved", "counted", "proved")',
        'for state in ("unproved", "counted", "proved")',
        ("tests/browser/test_dashboard.py::test_the_badge_gives_the_verdict_in_words_and_counts",),
    ),
)

MUTANTS: Final = (*_SIMULATOR, *_STREAM, *_LAKE, *_LOADING, *_HOURS, *_CHECKS, *_MARTS)
