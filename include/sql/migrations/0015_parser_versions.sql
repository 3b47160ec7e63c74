-- Which version of its parser read a file: bytes that one version refused are read again by another. NULL where
-- nothing has come of them yet, and for files read before versions were kept: another version than any.
ALTER TABLE ops.snapshot ADD COLUMN parser_version text;
