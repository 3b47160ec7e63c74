-- The hash of every register in force.
SELECT
    register,
    sha256
FROM register.version
WHERE recorded_to IS NULL
