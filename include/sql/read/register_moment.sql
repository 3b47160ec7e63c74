-- The moment of a change: after every moment that is written down already.
SELECT greatest(clock_timestamp(), max(greatest(recorded_from, recorded_to)) + interval '1 microsecond')
FROM register.version
