-- Documented breaks of series, by table and day.
SELECT
    table_name, replace(kind, '_', ' ') AS kind,
    coalesce(replace(array_to_string(series, ', '), '_', ' '), 'all') AS series,
    coalesce(region_id, country_code, 'all') AS region, days_are, from_on, to_on, what, source_url
FROM known_events
ORDER BY table_name, from_on, event_id;
