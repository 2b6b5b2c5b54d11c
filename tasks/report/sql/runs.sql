-- The last runs, newest first.
SELECT
    run_id, flow, started_at, finished_at - started_at AS duration, status, snapshot_id, n_steps_run, n_steps_skipped,
    message
FROM ops.runs
ORDER BY started_at DESC
LIMIT 12;
