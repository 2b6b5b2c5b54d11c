-- The home folder under which every file of the lake lies: what `SET VARIABLE data_root = '/home'` says, otherwise where
-- this very file lies. DuckDB tells that by the folder for its temporary files, which is called after the file that was
-- opened. So a moved or copied home reads its own files, and never those of the home that it was copied from. A file
-- that is attached beside another, or opened with another temp_directory, cannot tell where it lies.
CREATE MACRO data_root() AS coalesce(
    getvariable('data_root'),
    CASE
        WHEN regexp_matches(current_setting('temp_directory'), '(^|/)warehouse\.duckdb\.tmp$')
            THEN regexp_replace(
                current_setting('temp_directory'), '(snapshots/[0-9]+/|current/)?warehouse\.duckdb\.tmp$', ''
            ) || '.'
        ELSE error(
            'an attached warehouse, or one opened with a temp_directory of its own, cannot tell where it lies: '
            'SET VARIABLE data_root to the folder of this lake first'
        )
    END
);
COMMENT ON MACRO data_root IS 'The home folder of this lake: SET VARIABLE data_root where the warehouse is attached';
