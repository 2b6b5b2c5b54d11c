-- The present snapshot.
SELECT snapshot_id, published_at, run_id
FROM ops.snapshots
ORDER BY snapshot_id DESC
LIMIT 1;
