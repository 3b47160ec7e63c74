-- Kolada states no date of its data: what it calls publication_date is the next planned publication. Releases that
-- were dated by it would stay current until that day, ahead of every retrieval. They are dated by the day from which
-- we know them, as all later ones are; their names keep the old date.
UPDATE core.dim_release
SET published_date = known_from
WHERE dataset IN ('kolada', 'kolada_kpi') AND origin = 'live' AND published_date > known_from;
