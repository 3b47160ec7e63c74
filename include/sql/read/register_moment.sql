-- Reads the moment for a change: later than every moment recorded before.
SELECT greatest(clock_timestamp(), max(greatest(recorded_from, recorded_to)) + interval '1 microsecond')
FROM register.version
