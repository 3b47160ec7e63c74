SELECT
    register,
    sha256
FROM register.version
