-- The home folder under which every file of the lake lies. Wherever the folder was moved or copied to since this was
-- published, `SET VARIABLE data_root = '/new/home'` says so for one connection; `tidemill doctor` says how to repair it
-- for all.
CREATE MACRO data_root() AS coalesce(getvariable('data_root'), {home});
COMMENT ON MACRO data_root IS 'The home folder of this lake: SET VARIABLE data_root to read it elsewhere';
